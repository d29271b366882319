"""Safe reading of files from untrusted folders: regular files only, up to a bound.

A folder of runs may have been unpacked from an archive. A link in it may lead anywhere, a pipe may
block for ever, a device may have no end: only regular files of the folder itself are opened. For
paths that a user typed see :mod:`cnn_tui.engine.specs.files`.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from pathlib import Path

_ON = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def open_regular(path: str, flags: int) -> int:
    """An opener for :func:`open` that opens regular files only and follows no link.

    Raises:
        OSError: if the file cannot be opened or is not a regular file.
    """
    try:
        descriptor = os.open(path, flags | _ON, 0o666)
    except OSError as error:
        # The system refuses links, pipes and sockets, each with another error.
        raise _refusal(path) or error from None
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise _irregular(path)


def is_regular(path: Path) -> bool:
    """Whether ``path`` is a regular file, not a link to one."""
    return stat.S_ISREG(_mode(path))


def is_folder(path: Path) -> bool:
    """Whether ``path`` is a folder, not a link to one."""
    return stat.S_ISDIR(_mode(path))


def require_folder(path: Path) -> None:
    """Refuse a link in place of a folder, whose contents would lie elsewhere.

    Raises:
        OSError: if ``path`` is not a folder.
    """
    if not is_folder(path):
        what = "is a link, not a folder" if path.is_symlink() else "is not a folder"
        raise NotADirectoryError(errno.ENOTDIR, f"{path.name} {what}", str(path))


def _mode(path: Path | str) -> int:
    """File type and permissions; 0 if there is no such file or it cannot be examined."""
    try:
        return os.lstat(path).st_mode
    except (OSError, ValueError):
        return 0


def _refusal(path: str) -> OSError | None:
    """The error for a path that is not a regular file; None for other failures."""
    mode = _mode(path)
    if stat.S_ISLNK(mode):
        return OSError(errno.ELOOP, f"{Path(path).name} is a link", path)
    return _irregular(path) if mode and not stat.S_ISREG(mode) else None


def _irregular(path: str) -> OSError:
    return OSError(errno.EINVAL, f"{Path(path).name} is not a file", path)


def read_file(path: Path, most: int) -> bytes:
    """The whole of a regular file of at most ``most`` bytes.

    Raises:
        OSError: if the file cannot be read, is larger, or is a link or other special file.
    """
    with open_to_read(path) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"the file is larger than {most // 1024} KB", str(path))
    return data


def read_end(path: Path, most: int) -> bytes:
    """The last ``most`` bytes of a regular file, or all of them.

    Raises:
        OSError: if the file cannot be read, or is a link or other special file.
    """
    with open_to_read(path) as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - most))
        return file.read(most)


def open_to_read(path: Path) -> io.BufferedReader:
    """A regular file, opened for reading.

    Raises:
        OSError: if the file cannot be read, or is a link or other special file.
    """
    return open(path, "rb", opener=open_regular)
