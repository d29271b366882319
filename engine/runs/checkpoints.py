"""Checkpoints on disk: the last two, the best, and those kept for good; complete or absent."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from cnn_tui.engine.decoding import Count, UnreadableError, Word, decode
from cnn_tui.engine.errors import RunError
from cnn_tui.engine.files import is_regular, require_folder
from cnn_tui.engine.formats import CHECKPOINT, later, version_of
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.runs.fingerprint import Fingerprint, require_same_data
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.tensors import DamagedError, TensorFile, encode
from cnn_tui.engine.specs.wording import listed
from cnn_tui.engine.storage import Storage, replace_file
from cnn_tui.engine.training.progress import Best, Progress
from cnn_tui.engine.training.snapshot import Snapshot

KEPT = 2
_LASTING = ".kept.safetensors"
"""The end of the name of a state that stays, by ``keep_every`` of the recipe."""


class Meta(msgspec.Struct, frozen=True, kw_only=True):
    """Metadata of a checkpoint, beside its arrays."""

    format: Count = CHECKPOINT
    network: Word
    """Digest of the network; ``data`` is that of the images."""
    data: Word
    numpy: Word = np.__version__
    engine: Word = ""
    """Who computed the state; empty in states of earlier versions, which knew NumPy only."""
    events: Count
    """Length of events.jsonl, as ``metrics`` of metrics.jsonl; a resume drops later lines."""
    metrics: Count
    progress: Progress


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A checkpoint that was read and verified."""

    path: Path
    meta: Meta
    tensors: dict[str, Array]


class Checkpoints:
    """The checkpoints of one run."""

    def __init__(self, folder: RunFolder, storage: Storage) -> None:
        self._folder, self._storage = folder, storage

    def save(
        self, snapshot: Snapshot, meta: Meta, *, best: bool = False, lasting: bool = False
    ) -> Path:
        """Write a checkpoint; returns once it is durable.

        Raises:
            OSError: if it could not be written; earlier checkpoints stay.
        """
        name = f"step-{snapshot.progress.step:09}{_LASTING if lasting else '.safetensors'}"
        path = self._folder.best_file if best else self._folder.checkpoints / name
        if not best:
            require_folder(path.parent)
        replace_file(self._storage, path, encode(snapshot.tensors(), msgspec.json.encode(meta)))
        passing = [path for path in self._folder.states if not path.name.endswith(_LASTING)]
        for old in passing[KEPT:]:
            with contextlib.suppress(OSError):
                old.unlink()
        return path

    def furthest(
        self, fingerprint: Fingerprint, step: int | None = None
    ) -> tuple[Checkpoint | None, list[RunError]]:
        """The furthest intact checkpoint, or None if there never was one, and the damage found.

        Damaged files are renamed and no longer count. With a ``step`` only a checkpoint of that
        step is used, and later ones are renamed.

        Raises:
            RunError: if no checkpoint is usable, or they belong to another network or other data.
        """
        files, faults = self._opened()
        if step is not None:
            return self._of_step(fingerprint, step, files), []
        for file, meta in files:
            try:
                checkpoint = _load(file, meta, fingerprint)
            except DamagedError as error:
                faults[file.path] = error
                continue
            self._set_aside(faults)
            return checkpoint, list(faults.values())
        if faults:
            raise none_is_sound(self._folder, next(iter(faults.values())))
        return None, []

    def _of_step(
        self, fingerprint: Fingerprint, step: int, files: list[tuple[TensorFile, Meta]]
    ) -> Checkpoint:
        steps = [meta.progress.step for _, meta in files]
        if step not in steps:
            raise _no_such_state(self._folder, step, steps)
        index = steps.index(step)
        checkpoint = _load(*files[index], fingerprint)
        self._set_aside((file.path for file, _ in files[:index]), "later")
        return checkpoint

    def best(self, fingerprint: Fingerprint, wanted: Best) -> dict[str, Array] | None:
        """The arrays of the best state; None if it is damaged or not that of ``wanted``."""
        try:
            file = TensorFile(self._folder.best_file)
            meta = decode_meta(file)
            return _load(file, meta, fingerprint).tensors if meta.progress.best == wanted else None
        except RunError:
            return None

    def _opened(self) -> tuple[list[tuple[TensorFile, Meta]], dict[Path, RunError]]:
        """Files with a sound header, the furthest first, and the faults of the others."""
        files: list[tuple[TensorFile, Meta]] = []
        faults: dict[Path, RunError] = {}
        for path in (*self._folder.states, self._folder.best_file):
            if is_regular(path):
                try:
                    file = TensorFile(path)
                    files.append((file, decode_meta(file)))
                except DamagedError as error:
                    faults[path] = error
        files.sort(key=lambda pair: _position(pair[1]), reverse=True)
        return files, faults

    def _set_aside(self, paths: Iterable[Path], why: str = "damaged") -> None:
        for path in paths:
            with contextlib.suppress(OSError):
                self._storage.replace(path, path.with_name(f"{path.name}.{why}"))


def _no_such_state(folder: RunFolder, step: int, steps: list[int]) -> RunError:
    known = listed([f"{known:,}" for known in sorted(set(steps))] or [""], "and")
    states = "a state of step" if len(set(steps)) == 1 else "states of steps"
    hint = f"It has {states} {known}." if steps else "It has no state."
    return RunError(f"The run {folder.name} has no intact state of step {step:,}.", hint)


def none_is_sound(folder: RunFolder, fault: RunError) -> RunError:
    """What to say of a run all of whose states are damaged."""
    hint = f"cnn-tui reproduce {folder.name} trains it from the beginning."
    return RunError(f"{fault.message} The run {folder.name} has no other state.", hint)


def _position(meta: Meta) -> tuple[int, int]:
    return meta.progress.step, meta.progress.epochs_done


def decode_meta(file: TensorFile) -> Meta:
    """Read the metadata of a checkpoint.

    Raises:
        DamagedError: if it cannot be read.
        RunError: if a later version wrote it.
    """
    try:
        if (version := version_of(file.meta)) > CHECKPOINT:
            # A flipped bit must not be mistaken for another version.
            file.read()
            raise RunError(*later(str(file.path), version, CHECKPOINT))
        return decode(file.meta, Meta)
    except UnreadableError as error:
        raise file.damaged(str(error)) from None


def _load(file: TensorFile, meta: Meta, fingerprint: Fingerprint) -> Checkpoint:
    """Read and verify a whole checkpoint.

    Raises:
        DamagedError: if the file is damaged.
        RunError: if it is intact, but of another network or other data.
    """
    try:
        _require_same(file, meta, fingerprint)
    except RunError:
        # A flipped bit in a digest must not be mistaken for another network.
        file.read()
        raise
    if file.layout != fingerprint.layout:
        # Before anything is allocated for what the file claims to hold.
        raise file.damaged("it does not hold the arrays of its network")
    return Checkpoint(file.path, meta, file.read())


def _require_same(file: TensorFile, meta: Meta, fingerprint: Fingerprint) -> None:
    if meta.network != fingerprint.network:
        raise RunError(
            f"{file.path} belongs to another architecture or recipe than network.toml.",
            "Restore network.toml; only epochs may be changed.",
        )
    require_same_data(str(file.path), meta.data, fingerprint.data)


class KeptState(msgspec.Struct, frozen=True, kw_only=True):
    """A state that a run can resume from; one line of ``runs states --json``."""

    step: int
    epochs_done: int
    """Completed epochs, trained and validated."""
    batch: int
    """Batches done in the epoch after them."""
    best: bool
    """Whether the state is that of the best epoch."""
    bytes: int
    path: str


def kept_states(folder: RunFolder) -> list[KeptState]:
    """The states with a sound header, the furthest first."""
    return sorted(_states(folder), key=lambda s: (s.step, s.epochs_done), reverse=True)


def _states(folder: RunFolder) -> Iterator[KeptState]:
    for path in (*folder.states, folder.best_file):
        try:
            progress, size = decode_meta(TensorFile(path)).progress, path.stat().st_size
        except (RunError, OSError):
            continue
        yield KeptState(
            step=progress.step,
            epochs_done=progress.epochs_done,
            batch=progress.batch,
            best=path == folder.best_file,
            bytes=size,
            path=str(path),
        )
