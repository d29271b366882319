"""Locks of files and folders, which end with their process, however that ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    _BEYOND = (1 << 31) - 2
    """The locked byte, far after the content, as Windows lets no process read a locked byte."""

    def lock_file(descriptor: int) -> None:
        """Lock as below: an open file, for this process."""
        before = os.lseek(descriptor, 0, os.SEEK_CUR)
        os.lseek(descriptor, _BEYOND, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError(error.errno, error.strerror) from None
        finally:
            os.lseek(descriptor, before, os.SEEK_SET)

    def _open_folder(folder: Path) -> int:
        # A folder cannot be opened there: a file beside it is locked in its place.
        return os.open(folder.with_name(f"{folder.name}.lock"), os.O_RDWR | os.O_CREAT)

else:
    import fcntl

    def lock_file(descriptor: int) -> None:
        """Lock an open file of less than 2 GB for this process, until it is closed.

        Raises:
            BlockingIOError: if another process has the lock.
            OSError: if the file system has no locks.
        """
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _open_folder(folder: Path) -> int:
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY)


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder.

    Raises:
        BlockingIOError: if another process has it.
        OSError: if there is no such folder, or the file system has no locks.
    """
    descriptor = _open_folder(folder)
    try:
        lock_file(descriptor)
        yield
    finally:
        os.close(descriptor)
