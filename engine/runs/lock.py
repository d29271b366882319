"""One writer per run.

The system's file lock excludes a second writer and vanishes with its process, however that ends.
The content of the lock file identifies the writer to other processes, and remains after a crash.
"""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from typing import BinaryIO

import msgspec

from cnn_tui.engine.decoding import UnreadableError, decode
from cnn_tui.engine.errors import RunError
from cnn_tui.engine.files import is_regular, open_regular, read_file
from cnn_tui.engine.locks import lock_file
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.processes import Identity, lives, this_process
from cnn_tui.engine.runs.summary import State

SILENCE = 120.0
"""Seconds without a heartbeat after which a writer on another machine counts as dead."""

_SIZE, _MOST = 512, 4096
"""Bytes that an identity is padded to, and bytes that are read at most."""

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}
"""Errors of file systems without locks."""


class Lock:
    """The lock of a run, held from :meth:`acquire` to :meth:`release` or the end of the process."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path, self._file = path, file

    @classmethod
    def acquire(cls, path: Path, heartbeat: Path) -> Lock:
        """Acquire the lock and become the writer.

        Raises:
            RunError: if there is a writer already.
            OSError: if the lock cannot be written.
        """
        # Not in append mode, in which Linux would write after the identity of a crashed process.
        descriptor = open_regular(str(path), os.O_RDWR | os.O_CREAT)
        file = os.fdopen(descriptor, "r+b", buffering=0)
        try:
            _lock_file(descriptor, path)
            if writer_lives(path, heartbeat, _time_of_disk(descriptor, path)):
                raise _refusal(path)
            # In one write over the old identity, so that the lock is never seen empty.
            file.write(msgspec.json.encode(this_process()).ljust(_SIZE))
        except BaseException:
            file.close()
            raise
        return cls(path, file)

    def release(self) -> None:
        """Release the lock."""
        self._file.truncate(0)
        self._file.close()


def holder(path: Path) -> Identity | None:
    """The process that holds the lock or crashed with it; None if it was released."""
    try:
        return decode(read_file(path, _MOST), Identity)
    except (OSError, UnreadableError):
        return None


def writer_lives(path: Path, heartbeat: Path, now: float | None = None) -> bool:
    """Whether a process writes the run now; on another machine, whether ``heartbeat`` is recent.

    A heartbeat in the future comes from a copy or a wrong clock and does not count. The clock of a
    file server may differ from that of this machine: ``now`` is the server's time, if known.
    """
    identity = holder(path)
    if identity is None:
        return False
    alive = lives(identity)
    if alive is not None:
        return alive
    return is_young(heartbeat, SILENCE, now)


def is_young(path: Path, most: float, now: float | None = None) -> bool:
    """Whether a regular file was written in the last ``most`` seconds; clocks may differ a bit."""
    try:
        age = (time.time() if now is None else now) - path.lstat().st_mtime
    except OSError:
        return False
    return is_regular(path) and -SILENCE < age < most


def _time_of_disk(descriptor: int, path: Path) -> float:
    """The time of the clock that dates files, which may be another machine's."""
    # Windows dates no open file.
    os.utime(descriptor if os.utime in os.supports_fd else path)
    return os.fstat(descriptor).st_mtime


def _lock_file(descriptor: int, path: Path) -> None:
    try:
        lock_file(descriptor)
    except BlockingIOError:
        raise _refusal(path) from None
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise


def _refusal(path: Path) -> RunError:
    identity = holder(path)
    who = f"process {identity.pid} on {identity.host}" if identity else "another process"
    return RunError(
        f"The run {path.parent.name} is being trained by {who}.",
        "Watch it, or stop it first.",
    )


STARTING = 10.0
"""Seconds that a process may take from creating the folder to holding its lock."""


def writer_present(folder: RunFolder) -> bool:
    """Whether a process writes the run, or is about to."""
    if writer_lives(folder.lock_file, folder.summary_file):
        return True
    return not os.path.lexists(folder.lock_file) and is_young(folder.info_file, STARTING)


def seen_state(folder: RunFolder, written: State) -> State:
    """The state as seen from outside: ``crashed`` if an active run has no writer."""
    if written in ("running", "paused") and not writer_present(folder):
        return "crashed"
    return written
