"""``cnn-tui sweep`` without a cluster: files, lists, mistakes."""

from __future__ import annotations

import builtins
import json
from pathlib import Path
from typing import Any

import pytest

from cnn_tui.engine.decoding import encode
from cnn_tui.engine.sweeps.begin import new_sweep
from cnn_tui.engine.sweeps.folder import SweepFolder, SweepStatus
from cnn_tui.engine.sweeps.lines import PointRefused, SweepBegun, TrialAsked, TrialEnded
from cnn_tui.engine.sweeps.plan import load_sweep

FILE = """
name = "quick"
base = "digits-convnet"
[search]
sampler = "grid"
[space]
lr = { log-uniform = [0.01, 1], points = 3 }
conv3.kernel_size = { choice = [3, 9] }
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "quick.toml"
    path.write_text(FILE)
    return path


@pytest.fixture
def swept(tmp_path: Path, file: Path) -> SweepFolder:
    """A sweep of two trials, one of them finished."""
    folder = new_sweep(tmp_path / "runs", load_sweep(str(file)), None)
    lines = [
        SweepBegun(
            title="quick",
            fields=("lr", "conv3.kernel_size"),
            objectives=("accuracy",),
            directions=("maximize",),
            total=3,
            epochs=2,
            at="2026-01-01T00:00:00.000Z",
        ),
        *(
            TrialAsked(
                number=number,
                values={"lr": lr, "conv3.kernel_size": 3},
                runs=(f"quick-1-{number}",),
                epochs=2,
                parameters=1,
                macs=1,
            )
            for number, lr in enumerate((0.01, 0.1))
        ),
        TrialEnded(number=1, state="finished", value=0.9, seconds=3.0),
        PointRefused(number=2, values={}, reason="it is too large"),
    ]
    folder.trials_file.write_bytes(b"".join(encode(line) + b"\n" for line in lines))
    folder.write_status(SweepStatus(phase="stopped", message="the disk is full"))
    return folder


def test_a_dry_run_says_what_would_be_trained(cli: Any, file: Path) -> None:
    told = cli("sweep", file, "--dry-run")
    assert "quick: 6 trials of 1 run each, 30 epochs, grid, accuracy" in told.out
    look = json.loads(cli("sweep", file, "--dry-run", "--json").out)
    assert (look["points"], look["tried"]) == (6, 6)


def test_sweeps_and_their_trials_are_listed(cli: Any, swept: SweepFolder) -> None:
    here = ("--runs-dir", swept.runs)
    assert "quick-1  stopped     1/3  90.00%" in cli("sweep", "list", *here).out
    shown = cli("sweep", "show", "quick-1", *here).out
    assert shown.index("quick-1-1") < shown.index("quick-1-0")
    assert "1 point not trained: it is too large" in shown
    assert "the best is trial 1 with 90.00%, lr 0.1, conv3.kernel_size 3" in shown
    state = json.loads(cli("sweep", "show", "quick-1", "--json", *here).out)
    assert [trial["state"] for trial in state["trials"]] == ["waiting", "finished"]


def test_refine_writes_a_file_that_can_be_swept(
    cli: Any, swept: SweepFolder, tmp_path: Path
) -> None:
    finer = tmp_path / "finer.toml"
    cli("sweep", "refine", "quick-1", "--output", finer, "--runs-dir", swept.runs)
    assert load_sweep(str(finer)).space[0].low == pytest.approx(0.1 / 100 ** (1 / 6), rel=0.01)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("lenet5-lrr", "--dry-run"), "There is no sweep file lenet5-lrr. Did you mean lenet5-lr?"),
        (("show", "quick-2"), "There is no sweep 'quick-2'"),
        (("stop", "quick-1"), "The sweep quick-1 is not running now."),
        (("prune", "quick-1", "0"), "cnn-tui sweep resume quick-1 continues it."),
        (("add", "quick-1", "5"), "sweep resume quick-1 --trials 8 continues it with these."),
        (("resume", "quick-1", "--trials", "9"), "quick-1 is a grid, which has no more points"),
    ],
)
def test_a_mistake_is_one_line(
    cli: Any, swept: SweepFolder, words: tuple[str, ...], message: str
) -> None:
    here = () if "--dry-run" in words else ("--runs-dir", swept.runs)
    told = cli("sweep", *words, *here)
    assert told.code == 1
    assert message in told.err
    assert told.err.count("\n") == 1


def test_a_missing_extra_says_how_to_install_it(
    cli: Any, file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    real = builtins.__import__

    def without(name: str, *how: Any, **more: Any) -> Any:
        if name == "optuna":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *how, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    told = cli("sweep", file, "--runs-dir", tmp_path / "runs")
    assert told.code == 1
    assert 'Install them with: pip install "cnn-tui[cluster]"' in told.err
    assert not (tmp_path / "runs").exists()
