"""A list of runs to pick one from, in which the runs of a sweep are folded as in Runs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path

from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.runs.history import RunEntry, list_runs
from cnn_tui.engine.sweeps.folder import list_sweeps
from cnn_tui.tui.history.run_rows import items_for, sweep_key
from cnn_tui.tui.history.sweep_folds import Folds, folded, folds_of, sweep_words
from cnn_tui.tui.rows import Item
from cnn_tui.tui.screens.dialog import Picker
from cnn_tui.tui.screens.files import complain
from cnn_tui.tui.screens.mode import ModeScreen
from cnn_tui.tui.threads import in_thread
from cnn_tui.tui.widgets.inputs import EntryInput


async def pick_run(
    screen: ModeScreen,
    root: Path,
    title: str,
    none: str,
    drawn: Collection[str] = (),
    own: str = "",
) -> str:
    """Ask for a run; empty if none is chosen, or if there is none or they cannot be read.

    Args:
        screen: The screen that asks.
        root: The folder of the runs.
        title: The title of the list.
        none: What to say where there is no run.
        drawn: The runs that are drawn already.
        own: A run that is not listed.
    """
    try:
        entries, folds = await in_thread(screen, partial(_read, root, own))
    except CnnTuiError as error:
        complain(screen.app, error)
        return ""
    if not entries:
        screen.notify(none)
        return ""
    return await screen.app.push_screen_wait(RunPicker(title, entries, folds, drawn))


def _read(root: Path, own: str) -> tuple[list[RunEntry], Folds]:
    entries = [entry for entry in list_runs(root) if entry.name != own]
    return entries, folds_of(entries, {folder.name for folder in list_sweeps(root)})


class RunPicker(Picker):
    """Returns the name of a run; what is typed finds the runs of sweeps as well."""

    def __init__(
        self, title: str, entries: list[RunEntry], folds: Folds, drawn: Collection[str]
    ) -> None:
        self._runs = items_for(entries, drawn)
        by_name = {item.key: item for item in self._runs}
        self._folded = [
            Item(sweep_key(one), f"{sweep_words(folds[one])}; enter lists them")
            if isinstance(one, str)
            else by_name[one.name]
            for one in folded(entries, folds, ())
        ]
        self._sweeps = {sweep_key(sweep): sweep for sweep in folds}
        sweeps = [item for item in self._folded if item.key in self._sweeps]
        super().__init__(title, [*self._runs, *sweeps])

    def offered(self, text: str) -> Sequence[Item]:
        """Return all runs, or those of sweeps folded while nothing is typed."""
        return self._runs if text else self._folded

    def pick(self, key: str) -> None:
        """Return a run, or list those of a sweep by putting its name into the line."""
        if key not in self._sweeps:
            super().pick(key)
            return
        entry = self.query_one(EntryInput)
        entry.value = f"{self._sweeps[key]}-"
        entry.cursor_position = len(entry.value)
