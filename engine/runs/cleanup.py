"""What of the runs on disk can be spared, how much that is, and taking it away."""

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
"""States that were set aside, by what their names end with."""


class Reclaimable(msgspec.Struct, frozen=True):
    """Things of one kind that nobody would miss much, of all runs together."""

    kind: Kind
    runs: int
    """In how many runs."""
    bytes: int
    paths: tuple[str, ...]
    links: tuple[str, ...] = ()
    """Of the bin: names of runs that are links, of which nothing but the link is deleted."""


class TrashedRun(msgspec.Struct, frozen=True):
    """One run in the bin, under the name that brings it back."""

    name: str
    bytes: int
    arch: str = ""
    best_val_accuracy: float | None = None


def spares(root: Path) -> tuple[Reclaimable, ...]:
    """What there is to clean up, a kind each; kinds of which there is nothing are left out.

    ``bin``: runs that were deleted. ``states``: of completed runs those besides the best, which
    stays, and from which the run could still go on. ``leftovers``: states that were damaged, or
    later than one that was gone back to.
    """
    folders = [RunFolder(root / name) for name in run_names(root)]
    found: dict[Kind, list[list[Path]]] = {
        "bin": [[path] for path in _binned(root)],
        "states": [_spare_states(folder) for folder in folders],
        "leftovers": [_leftovers(folder) for folder in folders],
    }
    every = (_spare(kind, groups) for kind, groups in found.items())
    return tuple(spare for spare in every if spare.paths)


def clean_up(chosen: Sequence[Reclaimable]) -> int:
    """Delete for good what was found before; returns the bytes that were freed.

    What has gone meanwhile, or is being trained by now, is left alone.

    Raises:
        RunError: if something cannot be deleted; what was deleted before it stays so.
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
    """The deleted runs, the last one first."""
    return [_describe(path) for path in sorted(_binned(root), key=_deleted, reverse=True)]


def _describe(path: Path) -> TrashedRun:
    entry = read_entry(RunFolder(path))
    if entry is None:
        return TrashedRun(path.name, _freed(path))
    summary = entry.summary
    return TrashedRun(path.name, _freed(path), summary.arch, summary.best_val_accuracy)


def _deleted(path: Path) -> float:
    # A move changes the folder itself, and nothing does after that.
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
    places = [folder.path, *filter(is_folder, [folder.checkpoints])]
    found = (path for place in places for end in _LEFTOVERS for path in place.glob(end))
    return sorted(filter(is_regular, found))


def _spare(kind: Kind, groups: list[list[Path]]) -> Reclaimable:
    paths = [path for group in groups for path in group]
    size = sum(_freed(path) for path in paths)
    links = tuple(path.name for path in paths if path.is_symlink())
    runs = sum(1 for group in groups if group)
    return Reclaimable(kind, runs, size, tuple(map(str, paths)), links)


def _freed(path: Path) -> int:
    """Bytes that deleting it frees; what a link leads to stays."""
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
