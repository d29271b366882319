"""What the coordinator writes in the sweep's folder: lines, status and answers; one writer."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

import msgspec

from cnn_tui.engine.decoding import encode
from cnn_tui.engine.errors import RunError, SweepError, reason_of
from cnn_tui.engine.runs.lines import Log, whole_lines
from cnn_tui.engine.runs.lock import Lock
from cnn_tui.engine.runs.stamp import utc_now
from cnn_tui.engine.storage import Storage
from cnn_tui.engine.sweeps.folder import Phase, SweepFolder, SweepStatus
from cnn_tui.engine.sweeps.lines import SweepLine

HEARTBEAT = 1.0
"""Seconds between two writings of the status."""


class SweepBook:
    """The files of a sweep while a coordinator writes them; a context manager.

    A full disk ends nothing: lines wait in memory and are written as soon as there is room.

    Raises:
        SweepError: if another process coordinates the sweep, or the folder cannot be written.
    """

    def __init__(self, folder: SweepFolder, tell: Callable[[SweepLine], None]) -> None:
        self.folder, self._tell = folder, tell
        try:
            self._lock = Lock.acquire(folder.lock_file, folder.status_file)
        except RunError:
            raise SweepError(
                f"The sweep {folder.name} is coordinated by another process.",
                f"cnn-tui sweep watch {folder.name} shows it.",
            ) from None
        except OSError as error:
            raise SweepError(
                f"The sweep {folder.name} cannot be written: {reason_of(error)}.",
                f"Check the permissions and the free space of {folder.path}.",
            ) from None
        exists = folder.trials_file.exists()
        length = whole_lines(folder.trials_file) if exists else 0
        self._lines = Log(Storage(), folder.trials_file, length)
        self.status = SweepStatus(started=utc_now())
        self._written = 0.0
        self.trouble = ""
        """Why the last write failed; empty if it did not."""

    def __enter__(self) -> SweepBook:
        self.beat(force=True)
        return self

    def __exit__(self, *error: object) -> None:
        self.beat(force=True)
        self._lines.close()
        self._lock.release()

    def add(self, line: SweepLine) -> None:
        """Write a line and pass it on."""
        self._lines.put(encode(line) + b"\n")
        self._flush()
        self._tell(line)

    def change(self, **changes: object) -> None:
        """Change the status; it is written with the next heartbeat."""
        self.status = msgspec.structs.replace(self.status, **changes)

    def end(self, phase: Phase, message: str = "") -> None:
        """Write how the sweep ended."""
        self.change(phase=phase, message=message, ended=utc_now())
        self.beat(force=True)

    def beat(self, *, force: bool = False) -> None:
        """Write the status, once a second; and lines that a full disk has refused."""
        if not force and time.monotonic() - self._written < HEARTBEAT:
            return
        self._written = time.monotonic()
        self._flush()
        with suppress(OSError):
            self.folder.write_status(self.status)

    def _flush(self) -> None:
        try:
            self._lines.flush()
            self.trouble = ""
        except OSError as error:
            self.trouble = reason_of(error)
