"""The folder of a recorded run and the thread that writes it."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path

from cnn_tui.engine.errors import RunError, reason_of
from cnn_tui.engine.recording.figures import Setting
from cnn_tui.engine.recording.sitter import Sitter
from cnn_tui.engine.recording.wishes import Wishes
from cnn_tui.engine.runs.folder import RunInfo, create_run
from cnn_tui.engine.runs.lock import Lock
from cnn_tui.engine.runs.names import as_name
from cnn_tui.engine.runs.requests import RequestInbox
from cnn_tui.engine.runs.stamp import package_version, utc_now
from cnn_tui.engine.runs.writer import Journal, Writer
from cnn_tui.engine.storage import Storage
from cnn_tui.engine.training.events import BatchCompleted, RunEvent

PATIENCE = 10.0
"""Seconds that the end of a training waits for a disk that hangs."""
_MOST_WAITING = 100_000
"""Steps that are kept for a disk that hangs; later ones are dropped."""
_PROGRAMS = {"lightning": "Lightning", "transformers": "Transformers", "keras": "Keras"} | {
    "torch": "PyTorch", "tensorflow": "TensorFlow", "jax": "JAX", "sklearn": "scikit-learn"
}  # fmt: skip
"""Modules by which the program is known, the most telling first."""


class Keeper:
    """Writes the events of one run, from any thread, until it is closed.

    Raises:
        RunError: if nothing can be written there.
    """

    def __init__(
        self,
        root: Path,
        name: str,
        program: str,
        config: Mapping[str, Setting],
        steering: Wishes,
        storage: Storage | None = None,
    ) -> None:
        info = RunInfo(
            created=utc_now(),
            version=package_version(),
            arch=str(config.get("arch") or config.get("model") or "")[:200],
            data=str(config.get("data") or config.get("dataset") or "")[:200].replace("\0", ""),
            program=program,
            config=dict(config),
        )
        storage = storage or Storage()
        self.folder = create_run(root, None, info, storage, base=as_name(name))
        sitter, inbox = Sitter(), RequestInbox(self.folder.commands, steering)
        try:
            self._lock = Lock.acquire(self.folder.lock_file, self.folder.summary_file)
            journal = Journal(self.folder, storage, 0, 0)
        except OSError as error:
            raise RunError(f"{self.folder.path} cannot be written: {reason_of(error)}.") from None
        self._writer = sitter.writer = Writer(self.folder.name, inbox, sinks=[sitter])
        self._writer.start(journal)

    def put(self, event: RunEvent) -> None:
        """Queue an event; takes about a microsecond, whatever the disk does."""
        if self._writer.waiting < _MOST_WAITING or not isinstance(event, BatchCompleted):
            self._writer.put(event)

    def close(self) -> str:
        """Write what is queued; returns why it could not be written, empty if it was."""
        self._writer.close(PATIENCE)
        if self._writer.waiting:
            return f"the disk has not answered for {PATIENCE:.0f} seconds"
        self._lock.release()
        return self._writer.unwritten


def program_here() -> str:
    """The library that trains in this process, by what is loaded: ``PyTorch 2.9.0``."""
    for module, name in _PROGRAMS.items():
        if loaded := sys.modules.get(module):
            return f"{name} {getattr(loaded, '__version__', '')}".strip()
    return f"Python {platform.python_version()}"


def other_rank() -> bool:
    """Whether another process of a distributed training, that of rank 0, records it."""
    return os.environ.get("RANK", "0").strip() not in ("", "0")
