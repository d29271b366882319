"""One writer per run.

The system's file lock keeps a second writer out and vanishes with its process, however that
ends. What is written in the file tells others who the writer is, and stays behind a crash.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from pathlib import Path
from typing import BinaryIO

import msgspec

from cnn_tui.engine.decoding import UnreadableError, decode
from cnn_tui.engine.errors import RunError
from cnn_tui.engine.files import is_regular, open_regular, read_file
from cnn_tui.engine.runs.process import Identity, lives, this_process

SILENCE = 120.0
"""Seconds without a heartbeat after which a writer on another machine is taken for dead."""

_SIZE, _MOST = 512, 4096
"""Bytes: more than any identity, and as many as are read."""

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}
"""What file systems answer that know no locks."""


class Lock:
    """Held from :meth:`acquire` to :meth:`release`, or to the end of the process."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path, self._file = path, file

    @classmethod
    def acquire(cls, path: Path, heartbeat: Path) -> Lock:
        """Become the writer.

        Raises:
            RunError: if there is one already.
            OSError: if the lock cannot be written.
        """
        # Not in append mode, in which Linux would put the identity behind that of a crash.
        descriptor = open_regular(str(path), os.O_RDWR | os.O_CREAT)
        file = os.fdopen(descriptor, "r+b", buffering=0)
        try:
            _lock_file(file, path)
            if writer_lives(path, heartbeat, _time_of_disk(descriptor)):
                raise _refusal(path)
            # In one write over the old, so that nobody meets an empty lock.
            os.pwrite(file.fileno(), msgspec.json.encode(this_process()).ljust(_SIZE), 0)
        except BaseException:
            file.close()
            raise
        return cls(path, file)

    def release(self) -> None:
        """Let others write."""
        self._file.truncate(0)
        self._file.close()


def holder(path: Path) -> Identity | None:
    """Who holds the lock or crashed with it; None if it was released or never taken."""
    try:
        return decode(read_file(path, _MOST), Identity)
    except (OSError, UnreadableError):
        return None


def writer_lives(path: Path, heartbeat: Path, now: float | None = None) -> bool:
    """Whether someone writes this run now; on another machine, whether ``heartbeat`` is young.

    One that lies in the future comes from a copy or a clock that was wrong, and says nothing. The
    clock of a file server may differ from that of this machine: ``now`` is its time, if known.
    """
    identity = holder(path)
    if identity is None:
        return False
    alive = lives(identity)
    if alive is not None:
        return alive
    return is_young(heartbeat, SILENCE, now)


def is_young(path: Path, most: float, now: float | None = None) -> bool:
    """Whether a regular file was written in the last ``most`` seconds, as far as clocks agree."""
    try:
        age = (time.time() if now is None else now) - path.lstat().st_mtime
    except OSError:
        return False
    return is_regular(path) and -SILENCE < age < most


def _time_of_disk(descriptor: int) -> float:
    """The clock by which files are dated, which may be that of another machine."""
    os.utime(descriptor)
    return os.fstat(descriptor).st_mtime


def _lock_file(file: object, path: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # type: ignore[arg-type]
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
