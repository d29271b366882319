"""The states that a run can go on from, as a person chooses among them."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from cnn_tui.engine.errors import RunError
from cnn_tui.engine.runs.checkpoints import decode_meta
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.tensors import TensorFile


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
