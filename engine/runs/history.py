"""All runs of a folder, each in a few figures."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Literal

import msgspec

from cnn_tui.engine.decoding import UnreadableError, decode
from cnn_tui.engine.errors import RunError
from cnn_tui.engine.files import disk_use, is_regular, read_file
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.lock import seen_state
from cnn_tui.engine.runs.names import run_names
from cnn_tui.engine.runs.summary import State, Summary, summarize

Order = Literal["created", "name", "accuracy", "steps", "state"]
_MOST_SUMMARY = 1 << 20
"""Bytes that are read."""


class RunEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One run of ``runs --json``."""

    name: str
    path: str
    state: State
    summary: Summary
    tags: tuple[str, ...]
    note: str
    bytes: int | None = None
    """On disk, if asked for."""
    unreadable: str = ""
    """Why nothing can be done with it here, such as that a later version wrote it."""

    @property
    def shown_state(self) -> str:
        """The state for a person."""
        return "unreadable" if self.unreadable else self.state


def list_runs(root: Path, *, sizes: bool = False) -> list[RunEntry]:
    """Every run in ``root``, the newest first; what is no run is left out."""
    entries = (read_entry(RunFolder(root / name), sizes=sizes) for name in run_names(root))
    return sort_runs([entry for entry in entries if entry is not None], "created")


def read_entry(folder: RunFolder, *, sizes: bool = False) -> RunEntry | None:
    """One run; None if it is none."""
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
    """In an order that puts first what is newest, best or longest; names from a to z."""
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


def matches(entry: RunEntry, words: str) -> bool:
    """Whether every word occurs in name, network, data, state, tags or note."""
    summary = entry.summary
    texts = (entry.name, summary.arch, summary.data, summary.optimizer, entry.shown_state)
    text = " ".join((*texts, entry.note, *entry.tags)).lower()
    return all(word in text for word in words.lower().split())


def latest_run(root: Path) -> RunFolder:
    """The run that was last worked on.

    Raises:
        RunError: if there is none.
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
    """From its own file, else from the events; None if this is no run."""
    with suppress(OSError, UnreadableError):
        return decode(read_file(folder.summary_file, _MOST_SUMMARY), Summary)
    try:
        info = folder.info()
        summary = summarize(folder.events_file, info.created)
    except RunError:
        return Summary(state="crashed") if os.path.lexists(folder.info_file) else None
    summary.arch, summary.data = info.arch, info.data
    return summary
