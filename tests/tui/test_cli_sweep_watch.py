"""``cnn-tui sweep watch``: the lines of a sweep, its end, and lines of later versions."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sweeps_made import make_sweep

from cnn_tui.engine.decoding import encode
from cnn_tui.engine.sweeps.lines import (
    PointRefused,
    SweepBegun,
    TrialAsked,
    TrialEnded,
    TrialsAdded,
    TrialStarted,
)
from cnn_tui.tui.cli.sweep_lines import SweepReporter

BEGUN = SweepBegun(
    title="t",
    fields=("lr", "bias"),
    objectives=("loss",),
    directions=("minimize",),
    total=2,
    epochs=3,
    at="2026-01-02T12:00:00Z",
)
ASKED = TrialAsked(
    number=0, values={"lr": 0.0443, "bias": True}, runs=("a-0",), epochs=3, parameters=1, macs=1
)


def test_what_people_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = SweepReporter("s-1", as_json=False)
    for line in (
        BEGUN,
        TrialsAdded(total=3),
        PointRefused(number=4, values={}, reason="too large"),
        ASKED,
        TrialStarted(number=0, seed=0, worker="w", attempt=1),
        TrialStarted(number=0, seed=0, worker="w", attempt=2),
        TrialEnded(number=0, state="finished", value=0.5, spread=0.25, seconds=61),
        TrialEnded(number=1, state="failed", reason="it diverged"),
    ):
        reporter.tell(line)
    assert capsys.readouterr().out.splitlines() == [
        "s-1: 2 trials over lr, bias",
        "3 trials now",
        "  point 4 is not trained: too large",
        "  trial 0 continues at w, start 2",
        "trial   0  finished  0.5000 +- 0.250  lr 0.0443, bias yes  1:01",
        "trial   1  failed        0:00  it diverged",
    ]


def test_a_sweep_that_has_ended_is_told_whole(tmp_path: Path, cli: Callable) -> None:
    folder = make_sweep(tmp_path, trials=3)
    with folder.trials_file.open("ab") as file:
        file.write(b'{"event":"of_later"}\nno json\n' + encode(TrialsAdded(total=9)) + b"\n")
    code, out, err = cli("sweep", "watch", "--runs-dir", tmp_path)
    assert (code, err) == (0, "") and "9 trials now" in out and "trial   2" in out
    code, out, _ = cli("sweep", "watch", folder.name, "--json", "--runs-dir", tmp_path)
    first, *_, last = map(json.loads, out.splitlines())
    assert code == 0 and first["event"] == "sweep_begun"
    assert (last["event"], last["phase"], last["sweep"]) == ("sweep_ended", "finished", folder.name)


def test_without_a_sweep_it_says_how_to_begin_one(tmp_path: Path, cli: Callable) -> None:
    code, _, err = cli("sweep", "watch", "--runs-dir", tmp_path)
    assert code == 1 and "cnn-tui sweep FILE begins one" in err
