"""Commands in this process: what they say where there is little to say, and at a second signal."""

from __future__ import annotations

import json
import math
import signal
from pathlib import Path
from unittest.mock import Mock

import click
import msgspec
import pytest

from cnn_tui.engine.runs.cleanup import Kind, Reclaimable
from cnn_tui.engine.runs.compare import EpochCurve, RunComparison
from cnn_tui.engine.specs.layers import MAX_BRANCHES, Conv, Parallel, Residual
from cnn_tui.engine.specs.network import Network
from cnn_tui.tui.building.branches import (
    add_branch,
    duplicate_branch,
    move_branch,
    remove_branch,
)
from cnn_tui.tui.building.merging import misfits
from cnn_tui.tui.cli.evaluate import _print_confused
from cnn_tui.tui.cli.inspect import _TAKEN_BY, _pair, _refuse_unused
from cnn_tui.tui.cli.stopping import Ending
from cnn_tui.tui.cli.sweep_lead import SweepEnding
from cnn_tui.tui.history.comparison import overlay, run_picture
from cnn_tui.tui.history.run_rows import spare_words
from cnn_tui.tui.inspect.table import view_named

TABLE = "epoch,loss,val_loss\n1,2.0,2.1\n2,1.0,1.2\n"


def test_a_log_of_another_program_is_told_line_by_line(cli, tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    file.write_text(TABLE)
    code, out, _ = cli("watch", "--csv", file)
    assert code == 0 and out.splitlines()[1:] == [
        "epoch   1  train 2.0000  val 2.1000  0:00",
        "epoch   2  train 1.0000  val 1.2000  0:00",
    ]
    events = [json.loads(line) for line in cli("watch", "--csv", file, "--json").out.splitlines()]
    assert [row["val_loss"] for row in events if row["event"] == "epoch_completed"] == [2.1, 1.2]
    file.write_text("epoch,loss\n1,2.0\n2,1.0\n")
    assert cli("watch", "--csv", file).out.splitlines()[2].startswith("epoch   2  train 1.0000")
    file.write_text('{"step": 7, "loss": 2.0}\n{"step": 9, "loss": 1.0}\n')
    out = cli("watch", "--jsonl", file).out
    assert [line.split("  ")[:2] for line in out.splitlines()[1:]] == [
        ["step 7 of epoch 1", "loss 2.0000"],
        ["step 9 of epoch 1", "loss 1.0000"],
    ]


def test_a_log_without_figures_and_two_logs_are_one_line(cli, tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    file.write_text("epoch,loss\n")
    code, _, err = cli("watch", "--csv", file)
    assert code == 1 and "has no figures yet" in err and err.count("\n") == 1
    for more in (("quick-1",), ("--jsonl", file)):
        code, _, err = cli("watch", "--csv", file, *more)
        assert code == 2 and "Name a run or one log, not both" in err


def test_completion_names_its_shells_and_writes_their_scripts(cli) -> None:
    assert [line.split()[0] for line in cli("completion").out.splitlines()] == [
        "bash",
        "zsh",
        "fish",
    ]
    for shell in ("bash", "zsh", "fish"):
        assert "_CNN_TUI_COMPLETE" in cli("completion", shell).out


def test_what_a_view_does_not_take_is_refused() -> None:
    confusion, step = view_named("confusion"), view_named("step")
    assert confusion and step
    nothing = dict.fromkeys(("layer", *_TAKEN_BY))
    _refuse_unused(step, {**nothing, "layer": "conv1", "image": "3"})
    for name, value in (("layer", "conv1"), ("image", "3")):
        with pytest.raises(click.UsageError, match=f"confusion takes no --{name}"):
            _refuse_unused(confusion, {**nothing, name: value})


def test_a_place_is_two_numbers() -> None:
    assert _pair("3,12", "--at", ",", "3,4") == (3, 12) and _pair(None, "--at", ",", "") is None
    for text in ("3", "a,b", "-1,2"):
        with pytest.raises(click.UsageError, match="two numbers such as 3,4"):
            _pair(text, "--at", ",", "3,4")


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The codes with which this process would have ended at once."""
    codes: list[int] = []
    monkeypatch.setattr("os._exit", codes.append)
    return codes


def test_a_sweep_is_stopped_by_one_signal_and_left_by_a_second(killed: list[int]) -> None:
    ending, sweep = SweepEnding(), Mock()
    ending.handle(signal.SIGINT, None)
    assert ending.code == 130 and not killed
    ending.begin(sweep)
    sweep.stop.assert_called_once()
    ending.handle(signal.SIGTERM, None)
    assert sweep.stop.call_count == 2 and ending.code == 143 and not killed
    ending.handle(signal.SIGINT, None)
    ending.handle(signal.SIGINT, None)
    assert killed == [130]


def test_a_sweep_that_is_not_stopped_ends_with_0() -> None:
    ending, sweep = SweepEnding(), Mock()
    ending.begin(sweep)
    sweep.stop.assert_not_called()
    assert ending.code == 0


def test_a_training_is_stopped_by_one_signal_and_left_by_a_second(
    killed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    watchdog, control = Mock(), Mock()
    monkeypatch.setattr("cnn_tui.tui.cli.stopping.Watchdog", lambda *args: watchdog)
    ending = Ending(control)
    ending.handle(signal.SIGTERM)
    ending.handle(signal.SIGTERM)
    watchdog.start.assert_called_once_with(143)
    assert control.stop.call_count == 2 and not killed
    ending.is_over("No space left.")
    assert watchdog.code == 1
    ending.handle(signal.SIGHUP)
    assert killed == [143], "nothing is left to write"


@pytest.mark.parametrize(
    ("kind", "runs", "words"),
    [
        ("bin", 1, "the bin, with 1 run"),
        ("states", 2, "all checkpoints but the best of 2 complete runs"),
        ("leftovers", 1, "checkpoints of 1 run that were set aside"),
    ],
)
def test_what_can_be_deleted_is_described(kind: Kind, runs: int, words: str) -> None:
    assert spare_words(Reclaimable(kind, runs, 1, ())) == words


def losses(*values: float, known: bool = False) -> EpochCurve:
    epochs, unknown = list(range(1, len(values) + 1)), [math.nan] * len(values)
    shares = [0.5] * len(values) if known else unknown
    return EpochCurve(epochs, list(values), list(values), shares, shares)


def test_runs_that_tell_no_accuracy_are_compared_by_their_losses() -> None:
    picture = overlay(RunComparison((), (), (losses(2.0, 1.0),)), 9, loss=False)
    assert "validation loss" in "".join(text for text, _ in picture.title_in(200))
    assert overlay(RunComparison((), (), (losses(),)), 9, loss=False).note
    assert "loss" in "".join(text for text, _ in run_picture(losses(2.0), 9).title_in(200))
    title = run_picture(losses(2.0, known=True), 9).title_in(200)
    assert "accuracy" in "".join(text for text, _ in title)
    assert run_picture(losses(), 9).note == "no epoch is complete"


CONV = Conv(out_channels=4, kernel_size=1)


def test_branches_that_cannot_be_changed_stay_as_they_are() -> None:
    full = Parallel(branches=((CONV,),) * MAX_BRANCHES)
    written = Residual(branch=(CONV,), shortcut=(CONV,))
    network = Network(input=(4, 8, 8), layers=(full, written, CONV))
    for path in ((0,), (0, 0), (1,), (1, 1), (2,)):
        assert add_branch(network, path, 4) == (network, path)
    assert duplicate_branch(network, (0, 0)) == (network, (0, 0))
    for change in (duplicate_branch, remove_branch):
        assert change(network, (1, 0)) == (network, (1, 0))
    assert move_branch(network, (1, 0), 1) == (network, (1, 0))
    one = msgspec.structs.replace(network, layers=(Parallel(branches=((CONV,),)),))
    assert remove_branch(one, (0, 0)) == (one, (0, 0)), "the last branch stays"


def test_the_branch_that_does_not_meet_the_others_is_found() -> None:
    added = Parallel(branches=((), (), ()), merge="add")
    assert misfits(added, ((4, 8, 8), (4, 8, 8), (6, 8, 8))) == {2}
    assert misfits(added, (None, None, (4, 1, 1))) == frozenset()
    joined = Parallel(branches=((), (), ()))
    assert misfits(joined, ((4, 8, 8), (6, 8, 8), (4, 4, 4))) == {2}
    scaled = Parallel(branches=((), (), ()), merge="multiply")
    assert misfits(scaled, ((4, 8, 8), (4, 1, 1), (4, 8, 8))) == frozenset()
    assert misfits(scaled, ((4, 8, 8), (4, 8, 8), (4, 4, 4))) == {2}


def test_of_many_classes_the_most_frequent_mistakes_are_listed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    size = 40
    rows = [[9 if row == column else 0 for column in range(size)] for row in range(size)]
    names = [Mock() for _ in range(size)]
    for number, name in enumerate(names):
        name.name = f"class{number}"
    _print_confused(Mock(per_class=names, matrix=rows))
    assert capsys.readouterr().out == "", "nothing is confused"
    rows[3][7], rows[5][1] = 2, 4
    _print_confused(Mock(per_class=names, matrix=rows))
    out = capsys.readouterr().out
    assert out.index("class5") < out.index("class3") and "confused most often" in out
