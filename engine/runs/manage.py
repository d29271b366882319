"""Commands on runs: rename, annotate, delete and restore."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from cnn_tui.engine.decoding import encode
from cnn_tui.engine.errors import RunError, reason_of
from cnn_tui.engine.files import is_folder, require_folder
from cnn_tui.engine.runs.folder import MOST_NOTE, MOST_TAGS, Notes, RunFolder, readme
from cnn_tui.engine.runs.lock import Lock
from cnn_tui.engine.runs.names import BIN, check_name, check_new_name
from cnn_tui.engine.storage import Storage, replace_file


def rename_run(folder: RunFolder, name: str) -> RunFolder:
    """Rename a run.

    Raises:
        RunError: if it is being trained, or the name is taken or invalid.
    """
    target = RunFolder(folder.path.with_name(check_new_name(name)))
    with _locked(folder), _as_run_errors(folder):
        if os.path.lexists(target.path):
            raise RunError(f"There is already a run {name}.", "Choose another name.")
        folder.path.rename(target.path)
        replace_file(Storage(), target.path / "README.md", [readme(name)])
    return target


def delete_run(folder: RunFolder) -> Path:
    """Move a run to the bin; returns its new path.

    Raises:
        RunError: if it is being trained.
    """
    with _locked(folder), _as_run_errors(folder):
        bin_ = folder.path.parent / BIN
        with suppress(FileExistsError):
            bin_.mkdir()
        require_folder(bin_)
        target = _free(bin_ / folder.name)
        folder.path.rename(target)
    return target


def restore_run(root: Path, name: str) -> RunFolder:
    """Move a run from the bin back to the runs.

    Raises:
        RunError: if it is not in the bin, or its name has been taken meanwhile.
    """
    source, target = root / BIN / check_name(name), root / name
    if not is_folder(root / BIN) or not (source.is_symlink() or source.is_dir()):
        raise RunError(f"There is no run {name} in the bin.")
    if os.path.lexists(target):
        raise RunError(f"There is already a run {name}.", "Rename that one first.")
    with _as_run_errors(RunFolder(source)):
        source.rename(target)
    return RunFolder(target)


def annotate(
    folder: RunFolder, *, tags: tuple[str, ...] | None = None, note: str | None = None
) -> Notes:
    """Change the tags or the note of a run; allowed while it is being trained.

    Raises:
        RunError: if a tag is not a valid name, the note is too long, or writing fails.
    """
    notes = folder.notes()
    if tags is not None:
        if len(tags) > MOST_TAGS:
            raise RunError(f"A run has at most {MOST_TAGS:,} tags, received {len(tags):,}.")
        notes = msgspec.structs.replace(notes, tags=tuple(dict.fromkeys(map(_tag, tags))))
    if note is not None:
        if len(note) > MOST_NOTE:
            raise RunError(f"A note has at most {MOST_NOTE:,} characters, received {len(note):,}.")
        notes = msgspec.structs.replace(notes, note=note)
    with _as_run_errors(folder):
        replace_file(Storage(), folder.notes_file, [encode(notes)])
    return notes


def _tag(text: str) -> str:
    try:
        return check_name(text)
    except RunError as error:
        raise RunError(error.message.replace("A run", "A tag"), error.hint) from None


def _free(path: Path) -> Path:
    number = 1
    target = path
    while os.path.lexists(target):
        number += 1
        target = path.with_name(f"{path.name}.{number}")
    return target


@contextmanager
def _locked(folder: RunFolder) -> Iterator[None]:
    with _as_run_errors(folder):
        lock = Lock.acquire(folder.lock_file, folder.summary_file)
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _as_run_errors(folder: RunFolder) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RunError(f"The run {folder.name} cannot be changed: {reason_of(error)}.") from None
