"""``cnn-tui preflight``, ``lr-find`` and what ``train`` prints between two epochs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cnn_tui.engine.training.checks.bench import CheckResult
from cnn_tui.engine.training.events import (
    Alert,
    AlertCleared,
    BatchCompleted,
    Remedy,
    SettingChanged,
)
from cnn_tui.engine.training.preflight import CHECKS
from cnn_tui.tui.cli.event_lines import event_line

ZEROS = """
name = "zeros"
layers = [
  { type = "fc", out_features = 8 },
  { type = "relu" },
  { type = "fc", out_features = 10 },
]

[training]
initializer = "zeros"
epochs = 2
"""


@pytest.fixture
def zeros(tmp_path: Path) -> Path:
    path = tmp_path / "zeros.toml"
    path.write_text(ZEROS)
    return path


def test_preflight_prints_a_line_for_each_check(cli) -> None:
    code, out, err = cli("preflight", "two-layer", "--threads", 1)
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert [line[:5].strip() for line in lines] == ["ok"] * len(CHECKS)
    assert [line[7:20].strip() for line in lines] == list(CHECKS)
    assert out.replace("\n", "").isprintable()


def test_preflight_as_json(cli) -> None:
    code, out, err = cli("preflight", "softmax-linear", "--json")
    found = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert [one["name"] for one in found] == list(CHECKS)
    assert all(set(one) == set(CheckResult.__struct_fields__) for one in found)


def test_preflight_that_finds_something_exits_with_1(cli, zeros: Path) -> None:
    code, out, err = cli("preflight", zeros)
    assert code == 1
    assert err == "cnn-tui: error: zeros: overfit a few is wrong.\n"
    assert next(line for line in out.splitlines() if line.startswith("WRONG"))[7:].startswith(
        "overfit a few  Only"
    )


def test_lr_find_suggests_a_rate(cli) -> None:
    code, out, err = cli("lr-find", "two-layer", "--steps", 60)
    *points, curve, last = out.splitlines()
    assert (code, err) == (0, "")
    assert all(re.fullmatch(r"lr +[\d.e-]+  loss [\d.]+", line) for line in points)
    assert len(set(curve)) > 3
    assert re.fullmatch(r"Suggested learning rate 0\.\d+: the loss falls fastest at .*\.", last)


def test_lr_find_as_json(cli) -> None:
    out = cli("lr-find", "two-layer", "--json", "--data", "digits").out
    found = json.loads(out)
    assert set(found) == {"points", "lr", "reason", "diverged"}
    assert set(found["points"][0]) == {"step", "lr", "loss", "smooth"}
    assert 0.001 < found["lr"] < 1


def test_lr_find_without_a_suggestion(cli, zeros: Path) -> None:
    code, out, _ = cli("lr-find", zeros, "--steps", 20)
    assert code == 0 and "No suggestion: the loss does not fall" in out


@pytest.mark.parametrize("command", ["preflight", "lr-find"])
def test_data_that_does_not_fit_is_one_line_and_exit_code_1(cli, command: str) -> None:
    code, out, err = cli(command, "lenet5", "--data", "digits")
    assert (code, out) == (1, "") and "1x28x28" in err and err.count("\n") == 1
    assert cli(command, "nothing").code == 1
    assert cli(command, "two-layer", "--threads", 0).code == 2


def test_log_every_tells_steps_between_epochs(cli) -> None:
    how = ("--epochs", 2, "--no-record", "--threads", 1)
    often = cli("train", "two-layer", *how, "--log-every", 1e-9).out.splitlines()
    steps = [line for line in often if line.startswith("step")]
    assert len(steps) == 2 * 40
    assert re.match(r"step 1 of epoch 1  loss \d\.\d{4}  [ \d.]+%  lr 0\.002 ", steps[0])
    usual = cli("train", "two-layer", *how).out
    assert not [line for line in usual.splitlines() if line.startswith("step")]
    assert "".join(often).isprintable()


def test_log_every_as_json(cli) -> None:
    how = ("--epochs", 1, "--no-record", "--json")
    events = [json.loads(line) for line in cli("train", "two-layer", *how).out.splitlines()]
    assert {"batch_completed", "layers_measured"}.isdisjoint(e["event"] for e in events)
    often = cli("train", "two-layer", *how, "--log-every", 1e-9).out.splitlines()
    assert sum(json.loads(line)["event"] == "batch_completed" for line in often) == 40


def test_no_pace_is_wrong_usage(cli) -> None:
    for value in ("0", "-1", "soon"):
        code, out, err = cli("train", "two-layer", "--log-every", value)
        assert (code, out) == (2, "") and "--log-every" in err


def test_faults_are_told_with_their_remedy(cli, zeros: Path) -> None:
    lines = cli("train", zeros, "--no-record").out.splitlines()
    (alert,) = (line for line in lines if line.startswith("!"))
    assert alert.startswith("! All weights of 2 layers stay zero")
    assert alert.endswith("(fc1) Restart with the initializer he.")


def test_words_of_single_events() -> None:
    praise = Alert(code="healthy", message="Learning well.", step=3, severity="praise")
    assert event_line(praise) == "+ Learning well."
    remedy = Remedy("Set L2 to 0.1.", {"l2": 0.1})
    bad = Alert(code="x", message="Bad\x1b[2J.", step=3, layer="conv1", remedy=remedy)
    assert event_line(bad) == "! Bad\\x1b[2J. (conv1) Set L2 to 0.1."
    over = AlertCleared(code="lr-high", step=9)
    assert event_line(over) == "  no longer: an earlier alert"
    told = {("lr-high", ""): "The learning rate is too high"}
    assert event_line(over, told) == "  no longer: The learning rate is too high"
    changed = SettingChanged(step=4, name="held_lr", old=None, new=0.5)
    assert event_line(changed) == "held lr 0.5 (was as described) from step 5 on"
    assert event_line(STEP) == ""


STEP = BatchCompleted(
    step=1,
    epoch=1,
    batch=1,
    loss=1.0,
    l2_loss=0.0,
    accuracy=0.5,
    lr=0.1,
    images_per_second=10.0,
    seconds=1.0,
)
