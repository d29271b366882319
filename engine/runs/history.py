"""The list of all runs in a folder, with their main figures."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Literal

import msgspec

from cnn_tui.engine.decoding import UnreadableError
from cnn_tui.engine.errors import RunError
from cnn_tui.engine.files import disk_use, is_regular, read_file
from cnn_tui.engine.formats import RUN, decode_known
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.lock import seen_state
from cnn_tui.engine.runs.names import run_names
from cnn_tui.engine.runs.summary import State, Summary, summarize

Order = Literal["created", "name", "accuracy", "steps", "state"]
_MOST_SUMMARY = 1 << 20
"""Size limit in bytes."""


class RunEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A run in the list; one line of ``runs --json``."""

    name: str
    path: str
    state: State
    summary: Summary
    tags: tuple[str, ...]
    note: str
    bytes: int | None = None
    """Size on disk, if requested."""
    unreadable: str = ""
    """Why this version cannot use the run, for example because a later one wrote it."""

    @property
    def shown_state(self) -> str:
        """The state as shown to a person."""
        return "unreadable" if self.unreadable else self.state


def list_runs(root: Path, *, sizes: bool = False) -> list[RunEntry]:
    """Every run in ``root``, the newest first; other files are left out."""
    entries = (read_entry(RunFolder(root / name), sizes=sizes) for name in run_names(root))
    return sort_runs([entry for entry in entries if entry is not None], "created")


def read_entry(folder: RunFolder, *, sizes: bool = False) -> RunEntry | None:
    """Read one run; None if the folder is not a run."""
    summary = _summary(folder)
    if summary is None:
        return None
    notes = folder.notes()
    return RunEntry(
        name=folder.name,
        path=str(folder.path),
        state=seen_state(folder, summary.state),
        summary=summary,
        tags=notes.tags,
        note=notes.note,
        bytes=disk_use(folder.path) if sizes else None,
        unreadable=_fault(folder),
    )


def sort_runs(entries: Iterable[RunEntry], order: Order) -> list[RunEntry]:
    """Sort runs, the newest, best or longest first; names and states alphabetically."""
    keys: dict[Order, Callable[[RunEntry], object]] = {
        "created": lambda e: e.summary.created,
        "name": lambda e: e.name,
        "accuracy": lambda e: e.summary.best_val_accuracy or 0.0,
        "steps": lambda e: e.summary.step,
        "state": lambda e: e.state,
    }
    rising = order in ("name", "state")
    by_name = sorted(entries, key=lambda e: e.name, reverse=not rising)
    return sorted(by_name, key=keys[order], reverse=not rising)  # type: ignore[arg-type]


def matches(entry: RunEntry, query: str) -> bool:
    """Whether every word of the query occurs in name, network, data, state, tags or note."""
    summary = entry.summary
    texts = (entry.name, summary.arch, summary.data, summary.optimizer, entry.shown_state)
    text = " ".join((*texts, entry.note, *entry.tags)).lower()
    return all(word in text for word in query.lower().split())


def latest_run(root: Path) -> RunFolder:
    """The run that was written last.

    Raises:
        RunError: if there is no run.
    """
    folders = [RunFolder(root / name) for name in run_names(root)]
    ages = [(_touched(folder), folder) for folder in folders if is_regular(folder.info_file)]
    if not ages:
        raise RunError(f"There is no run in {root}.", "cnn-tui train ARCH makes one.")
    return max(ages, key=lambda pair: pair[0])[1]


def _fault(folder: RunFolder) -> str:
    try:
        folder.info()
    except RunError as error:
        return str(error)
    return ""


def _touched(folder: RunFolder) -> float:
    for path in (folder.summary_file, folder.info_file):
        try:
            return path.lstat().st_mtime
        except OSError:
            continue
    return 0.0


def _summary(folder: RunFolder) -> Summary | None:
    """The summary from its file, else from the events; None if the folder is not a run."""
    with suppress(OSError, UnreadableError, RunError):
        content = read_file(folder.summary_file, _MOST_SUMMARY)
        return decode_known(content, Summary, RUN, "It")
    try:
        info = folder.info()
        summary = summarize(folder.events_file, info.created)
    except RunError:
        return Summary(state="crashed") if os.path.lexists(folder.info_file) else None
    summary.arch, summary.data = info.arch, info.data
    return summary
