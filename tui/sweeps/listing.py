"""The list of sweeps: a row for each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.sweeps.folder import SweepFolder, list_sweeps
from cnn_tui.engine.sweeps.plan import sweep_presets
from cnn_tui.engine.sweeps.state import SweepFollower, SweepState
from cnn_tui.tui.actions import keyed
from cnn_tui.tui.rows import Column, Line, TableRow
from cnn_tui.tui.sweeps.trials import OVER, short_names, value_of
from cnn_tui.tui.words import clean, count

SWEEP_COLUMNS = (
    Column("sweep"),
    Column("state"),
    Column("trials", right=True),
    Column("best", right=True),
    Column("of", role="dim"),
    Column("fields", rank=1, role="dim", most=56),
    Column("begun, UTC", rank=2, role="dim"),
)
_LONGEST = 40
"""Columns of the name of a field, at most."""
_ROLES = {"running": "accent", "interrupted": "warn", "failed": "error", "unreadable": "error"}


class SweepList:
    """The sweeps beside some runs; each read continues where the last one ended."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._followers: dict[str, SweepFollower] = {}

    def read(self) -> list[SweepState]:
        """Return all sweeps, the newest first; one that cannot be read says why."""
        folders = list_sweeps(self._root)
        self._followers = {
            folder.name: self._followers.get(folder.name) or SweepFollower(folder)
            for folder in folders
        }
        return sorted(map(self._state, folders), key=lambda state: state.started, reverse=True)

    def _state(self, folder: SweepFolder) -> SweepState:
        try:
            folder.info()
            return self._followers[folder.name].poll()
        except CnnTuiError as error:
            return SweepState(name=folder.name, phase="failed", message=str(error))


def first_words() -> tuple[str, ...]:
    """Return what a person needs to know before the first sweep."""
    return (
        "A sweep trains many runs of one architecture, each with other settings, and shows which "
        "are best and why.",
        keyed(
            "{sweeps.start} lists sweep files: those in the present folder, and those of the "
            "package: "
        )
        + f"{', '.join(sweep_presets())}.",
    )


def sweep_rows(states: Sequence[SweepState]) -> tuple[TableRow, ...]:
    """Return a row for each sweep."""
    return tuple(
        TableRow(state.name, tuple(map(clean, _cells(state))), _ROLES.get(state.phase, ""))
        for state in states
    )


def _cells(state: SweepState) -> tuple[str, ...]:
    done = sum(trial.state in OVER for trial in state.trials)
    best = state.best
    return (
        state.name,
        state.phase,
        f"{done}/{max(state.total, done)}",
        value_of(state, best.best) if best else "",
        ", ".join(state.objectives),
        ", ".join(short_names(state.fields, _LONGEST).values()),
        state.started[:16].replace("T", " "),
    )


def sweeps_words(states: Sequence[SweepState], chosen: SweepState | None) -> Line:
    """Return how many sweeps there are, and what the chosen one says."""
    running = sum(state.phase == "running" for state in states)
    words = f" {count(len(states), 'sweep')}" + (f", {running} running" if running else "")
    about = clean(": ".join(filter(None, (chosen.title, chosen.message)))) if chosen else ""
    return ((words, "dim"), (f"   {about}" if about else "", ""))
