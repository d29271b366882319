"""States on disk: the last two and the best, each whole or not there."""

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
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.runs.fingerprint import Fingerprint, require_same_data
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.tensors import DamagedError, Layout, TensorFile, encode
from cnn_tui.engine.specs.wording import listed
from cnn_tui.engine.storage import Storage, replace_file
from cnn_tui.engine.training.progress import Best, Progress
from cnn_tui.engine.training.snapshot import Snapshot

KEPT = 2
FORMAT = 1


class Meta(msgspec.Struct, frozen=True, kw_only=True):
    """What goes with the arrays of a checkpoint."""

    format: Count = FORMAT
    network: Word
    """Digests of what it belongs to."""
    data: Word
    numpy: Word = np.__version__
    events: Count
    """Bytes of the run's lines up to here: what stands after them is dropped on a resume."""
    metrics: Count
    progress: Progress


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """One that was read and found good."""

    path: Path
    meta: Meta
    tensors: dict[str, Array]


class Checkpoints:
    """Those of one run."""

    def __init__(self, folder: RunFolder, storage: Storage) -> None:
        self._folder, self._storage = folder, storage

    def save(self, snapshot: Snapshot, meta: Meta, *, best: bool) -> Path:
        """Write one; returns once it is durable.

        Raises:
            OSError: if it could not be written; those before it stand.
        """
        name = f"step-{snapshot.progress.step:09}.safetensors"
        path = self._folder.best_file if best else self._folder.checkpoints / name
        if not best:
            require_folder(path.parent)
        replace_file(self._storage, path, encode(snapshot.tensors(), msgspec.json.encode(meta)))
        for old in self._folder.states[KEPT:]:
            with contextlib.suppress(OSError):
                old.unlink()
        return path

    def furthest(
        self, belongs: Fingerprint, step: int | None = None
    ) -> tuple[Checkpoint | None, list[RunError]]:
        """The furthest that is whole, None if there never was one, and why others were not used.

        Those are renamed, so that they count no more. With a ``step`` only states of that one will
        do, and those after it are renamed.

        Raises:
            RunError: if there are some and none can be used, or they belong to something else.
        """
        files, faults = self._opened()
        if step is not None:
            return self._of_step(belongs, step, files), []
        for file, meta in files:
            try:
                found = _use(file, meta, belongs)
            except DamagedError as error:
                faults[file.path] = error
                continue
            self._set_aside(faults)
            return found, list(faults.values())
        if faults:
            raise _none_is_sound(self._folder, next(iter(faults.values())))
        return None, []

    def _of_step(
        self, belongs: Fingerprint, step: int, files: list[tuple[TensorFile, Meta]]
    ) -> Checkpoint:
        steps = [meta.progress.step for _, meta in files]
        if step not in steps:
            raise _no_such_state(self._folder, step, steps)
        at = steps.index(step)
        file, meta = files[at]
        found = _use(file, meta, belongs)
        self._set_aside((file.path for file, _ in files[:at]), "later")
        return found

    def best(self, belongs: Fingerprint, wanted: Best) -> dict[str, Array] | None:
        """The arrays of the best state if it is that of ``wanted`` and whole."""
        try:
            file = TensorFile(self._folder.best_file)
            meta = decode_meta(file)
            return _use(file, meta, belongs).tensors if meta.progress.best == wanted else None
        except RunError:
            return None

    def _opened(self) -> tuple[list[tuple[TensorFile, Meta]], dict[Path, RunError]]:
        """Those with a sound header, the furthest first, and those without."""
        files, faults = [], {}
        for path in (*self._folder.states, self._folder.best_file):
            if is_regular(path):
                try:
                    file = TensorFile(path)
                    files.append((file, decode_meta(file)))
                except RunError as error:
                    faults[path] = error
        files.sort(key=lambda pair: _position(pair[1]), reverse=True)
        return files, faults

    def _set_aside(self, paths: Iterable[Path], why: str = "damaged") -> None:
        for path in paths:
            with contextlib.suppress(OSError):
                self._storage.replace(path, path.with_name(f"{path.name}.{why}"))


def _no_such_state(folder: RunFolder, step: int, steps: list[int]) -> RunError:
    known = listed([f"{one:,}" for one in sorted(set(steps))], "and")
    hint = f"It has those of steps {known}." if steps else "It has none."
    return RunError(f"The run {folder.name} has no sound state of step {step:,}.", hint)


def _none_is_sound(folder: RunFolder, fault: RunError) -> RunError:
    anew = f"cnn-tui reproduce {folder.name} trains it anew."
    return RunError(f"{fault.message} The run {folder.name} has no other state.", anew)


def _position(meta: Meta) -> tuple[int, int]:
    return meta.progress.step, meta.progress.epochs_done


def decode_meta(file: TensorFile) -> Meta:
    """What goes with the arrays.

    Raises:
        RunError: if it cannot be read.
    """
    try:
        return decode(file.meta, Meta)
    except UnreadableError as error:
        raise file.damaged(str(error)) from None


def _use(file: TensorFile, meta: Meta, belongs: Fingerprint) -> Checkpoint:
    """The whole of it.

    Raises:
        DamagedError: if it is not whole.
        RunError: if it is, and belongs to something else.
    """
    try:
        _require_same(file, meta, belongs)
    except RunError:
        # A flipped bit in what is compared must not be taken for another network.
        file.read()
        raise
    return Checkpoint(file.path, meta, _read(file, belongs.layout))


def _require_same(file: TensorFile, meta: Meta, belongs: Fingerprint) -> None:
    if meta.format > FORMAT:
        raise RunError(f"{file.path} was written by a later cnn-tui.", "Update cnn-tui.")
    if meta.network != belongs.network:
        raise RunError(
            f"{file.path} belongs to another architecture or recipe than network.toml.",
            "Put network.toml back as it was; only epochs may be changed.",
        )
    require_same_data(str(file.path), meta.data, belongs.data)


def _read(file: TensorFile, layout: Layout) -> dict[str, Array]:
    # Before anything is allocated for what the file claims to hold.
    if file.layout != layout:
        raise file.damaged("it does not hold the arrays of its network")
    return file.read()


class KeptState(msgspec.Struct, frozen=True, kw_only=True):
    """One of ``runs states --json``."""

    step: int
    epochs_done: int
    """Epochs that were trained and validated."""
    batch: int
    """Batches done in the epoch after those."""
    best: bool
    """Whether it is kept as that of the best epoch."""
    bytes: int
    path: str


def kept_states(folder: RunFolder) -> list[KeptState]:
    """Those with a sound header, the furthest first."""
    return sorted(_states(folder), key=lambda one: (one.step, one.epochs_done), reverse=True)


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
