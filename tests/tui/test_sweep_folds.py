"""The trials of sweeps in Runs: a row for each sweep, which lists them on request."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from driving import done, text
from runs_made import until
from sweeps_made import make_sweep
from textual.widgets import OptionList

from cnn_tui.engine.decoding import encode
from cnn_tui.engine.sweeps.folder import list_sweeps
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.history.sweep_folds import sweep_of
from cnn_tui.tui.screens import run_picker
from cnn_tui.tui.screens.sweep import SweepScreen
from cnn_tui.tui.widgets.table import Table


def make_run(root: Path, name: str, best: float) -> None:
    """The few files of a run that a list reads."""
    folder = root / name
    folder.mkdir(parents=True)
    summary = {
        "state": "completed",
        "created": f"2026-01-02T12:00:{len(list(root.iterdir())):02}+00:00",
        "arch": "digits-convnet",
        "data": "digits",
        "best_val_accuracy": best,
        "best_epoch": 1,
    }
    (folder / "run.json").write_bytes(encode({"name": name}))
    (folder / "summary.json").write_bytes(encode(summary))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "runs"
    root.mkdir()
    sweep = make_sweep(root, trials=3).name
    for name, best in (("mine-1", 0.9), *((f"{sweep}-{n}", 0.95 + n / 100) for n in range(3))):
        make_run(root, name, best)
    make_run(root, "mine-2", 0.91)
    return root


def listed(app: CnnTuiApp) -> list[str]:
    return [record.key for record in app.screen.query_one(Table).records]


async def test_a_sweep_is_one_row_until_its_runs_are_wanted(
    make_app: Callable[..., CnnTuiApp], root: Path
) -> None:
    app = make_app()
    app.places.runs = root
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "reading" not in text(app, "#runs"))
        (sweep,) = (key[:-1] for key in listed(app) if key.endswith("/"))
        trials = [f"{sweep}-{number}" for number in (2, 1, 0)]
        assert listed(app) == ["mine-2", f"{sweep}/", "mine-1"]
        await pilot.press("down")
        await done(pilot)
        assert f"best 97.0% by {sweep}-2" in " ".join(text(app, "#run").split())
        await pilot.press("x", "right")
        await done(pilot)
        assert listed(app) == ["mine-2", f"{sweep}/", *trials, "mine-1"]
        await pilot.press("down", "down", "m", "left")
        await done(pilot)
        assert listed(app) == ["mine-2", f"{sweep}/", "mine-1"]
        assert app.screen.query_one(Table).chosen == f"{sweep}/"
        await pilot.press("slash", *sweep, "enter")
        await done(pilot)
        assert listed(app) == trials  # what a filter names is listed
        await pilot.press("slash", "end", *["backspace"] * 20, "minus", "enter", "home", "down")
        await done(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SweepScreen))


@pytest.mark.parametrize(
    ("run", "sweep"), [("lr-1-12", "lr-1"), ("lr-1-0.2", "lr-1"), ("lr-1", ""), ("lr-2-1", "")]
)
def test_the_name_of_a_run_tells_its_sweep(run: str, sweep: str) -> None:
    assert sweep_of(run, {"lr-1"}) == sweep


def test_the_command_gives_a_sweep_one_line(cli: Callable, root: Path) -> None:
    (sweep,) = (folder.name for folder in list_sweeps(root))
    code, out, err = cli("runs", "--runs-dir", root)
    assert (code, err) == (0, "")
    _, first, folded, last, hint = out.splitlines()
    assert [first.split()[0], last.split()[0]] == ["mine-2", "mine-1"]
    assert folded.split()[:3] == [sweep, "3", "runs"] and "97.00%" in folded
    assert "runs --all" in hint
    every = cli("runs", "--all", "--runs-dir", root).out
    named = cli("runs", "--filter", f"{sweep}-1", "--runs-dir", root).out
    assert [f"{sweep}-{at}" in every for at in range(3)] == [True] * 3
    assert f"{sweep}-1" in named and "--all" not in every + named
    entries = json.loads(cli("runs", "--json", "--runs-dir", root).out)
    assert [entry["sweep"] for entry in entries] == ["", sweep, sweep, sweep, ""]


async def test_whoever_picks_a_run_finds_those_of_a_sweep_behind_its_row(
    make_app: Callable[..., CnnTuiApp], root: Path
) -> None:
    app = make_app()
    app.places.runs = root
    (sweep,) = (folder.name for folder in list_sweeps(root))
    async with app.run_test(size=(80, 24)) as pilot:
        picked: list[str | None] = []
        entries, folds = run_picker._read(root, "mine-1")
        app.push_screen(run_picker.RunPicker("Look into", entries, folds, ()), picked.append)
        await done(pilot)
        choices = app.screen.query_one(OptionList)
        assert [option.id for option in choices.options] == ["mine-2", f"{sweep}/"]
        await pilot.press("down", "enter")
        await done(pilot)
        trials = [f"{sweep}-{number}" for number in (2, 1, 0)]
        assert [option.id for option in choices.options] == trials
        await pilot.press("down", "enter")
        await done(pilot)
        assert picked == [trials[1]]
