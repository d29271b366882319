"""Disk space of runs that can be reclaimed: finding it, measuring it, deleting it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal, get_args

import msgspec

from cnn_tui.engine.errors import RunError, reason_of
from cnn_tui.engine.files import disk_use, is_folder, is_regular
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.history import read_entry
from cnn_tui.engine.runs.lock import Lock, writer_present
from cnn_tui.engine.runs.names import BIN, run_names

Kind = Literal["bin", "states", "leftovers"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_LEFTOVERS = ("*.damaged", "*.later")
"""File name patterns of states that were set aside."""


class Reclaimable(msgspec.Struct, frozen=True):
    """Files or runs of one kind that can be deleted, over all runs."""

    kind: Kind
    runs: int
    """Number of runs that they belong to."""
    bytes: int
    paths: tuple[str, ...]
    links: tuple[str, ...] = ()
    """Names of runs in the bin that are links; only the link itself is deleted."""


class TrashedRun(msgspec.Struct, frozen=True):
    """A run in the bin, under the name that restores it."""

    name: str
    bytes: int
    arch: str = ""
    best_val_accuracy: float | None = None


def spares(root: Path) -> tuple[Reclaimable, ...]:
    """Everything that can be cleaned up, grouped by kind; empty kinds are left out.

    ``bin``: deleted runs. ``states``: the states of completed runs except the best, from which the
    run can still resume. ``leftovers``: states set aside as damaged, or as later than the one that
    was resumed from.
    """
    folders = [RunFolder(root / name) for name in run_names(root)]
    by_kind: dict[Kind, list[list[Path]]] = {
        "bin": [[path] for path in _binned(root)],
        "states": [_spare_states(folder) for folder in folders],
        "leftovers": [_leftovers(folder) for folder in folders],
    }
    every = (_spare(kind, groups) for kind, groups in by_kind.items())
    return tuple(spare for spare in every if spare.paths)


def clean_up(chosen: Sequence[Reclaimable]) -> int:
    """Delete the result of :func:`spares` for good; returns the bytes that were freed.

    Files that have vanished and runs that are being trained are skipped.

    Raises:
        RunError: if a file cannot be deleted; earlier deletions are not undone.
    """
    freed = 0
    for spare in chosen:
        for path in map(Path, spare.paths):
            try:
                freed += _delete_run(path) if spare.kind == "bin" else _delete_state(path)
            except OSError as error:
                raise RunError(f"{path} cannot be deleted: {reason_of(error)}.") from None
            except RecursionError:
                raise RunError(f"{path} cannot be deleted: its folders are too deep.") from None
    return freed


def list_bin(root: Path) -> list[TrashedRun]:
    """The deleted runs, the most recently deleted first."""
    return [_describe(path) for path in sorted(_binned(root), key=_deleted, reverse=True)]


def _describe(path: Path) -> TrashedRun:
    entry = read_entry(RunFolder(path))
    if entry is None:
        return TrashedRun(path.name, _freed(path))
    summary = entry.summary
    return TrashedRun(path.name, _freed(path), summary.arch, summary.best_val_accuracy)


def _deleted(path: Path) -> float:
    # Moving a folder sets its change time, and nothing changes it in the bin.
    with suppress(OSError):
        return path.lstat().st_ctime
    return 0.0


def _binned(root: Path) -> list[Path]:
    bin_ = root / BIN
    if not is_folder(bin_):
        return []
    with suppress(OSError):
        return sorted(path for path in bin_.iterdir() if path.is_symlink() or is_folder(path))
    return []


def _spare_states(folder: RunFolder) -> list[Path]:
    entry = read_entry(folder)
    if entry is None or entry.unreadable or entry.state != "completed":
        return []
    return sorted(folder.states) if is_regular(folder.best_file) else []


def _leftovers(folder: RunFolder) -> list[Path]:
    if writer_present(folder):
        return []
    folders = [folder.path, *filter(is_folder, [folder.checkpoints])]
    paths = (path for parent in folders for pattern in _LEFTOVERS for path in parent.glob(pattern))
    return sorted(filter(is_regular, paths))


def _spare(kind: Kind, groups: list[list[Path]]) -> Reclaimable:
    paths = [path for group in groups for path in group]
    size = sum(_freed(path) for path in paths)
    links = tuple(path.name for path in paths if path.is_symlink())
    runs = sum(1 for group in groups if group)
    return Reclaimable(kind, runs, size, tuple(map(str, paths)), links)


def _freed(path: Path) -> int:
    """Bytes that deleting ``path`` frees; the target of a link is not deleted."""
    return 0 if path.is_symlink() else disk_use(path)


def _delete_run(path: Path) -> int:
    size = _freed(path)
    with suppress(FileNotFoundError):
        if path.is_symlink():
            path.unlink()
        else:
            shutil.rmtree(path)
    return size


def _delete_state(path: Path) -> int:
    folder = RunFolder(path.parent if path.parent.name != "checkpoints" else path.parent.parent)
    try:
        lock = Lock.acquire(folder.lock_file, folder.summary_file)
    except (RunError, FileNotFoundError):
        return 0
    try:
        size = disk_use(path)
        path.unlink(missing_ok=True)
    finally:
        lock.release()
    return size
