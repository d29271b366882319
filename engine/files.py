"""Safe reading of files that may come from strangers: regular files only, up to a size limit.

A folder of runs may have been unpacked from an archive. A link in it may point anywhere, a pipe may
block for ever, a device may be endless: only regular files of the folder itself are opened. For
paths typed by a person see :mod:`cnn_tui.engine.specs.files`.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_ALWAYS = sum(
    getattr(os, f"O_{name}", 0) for name in ("NONBLOCK", "CLOEXEC", "BINARY", "NOINHERIT")
)
"""Windows has BINARY and NOINHERIT, other systems the rest."""


def open_regular(path: str, flags: int) -> int:
    """Open a regular file for :func:`open`, as its ``opener``; links are not followed.

    Raises:
        OSError: if the file cannot be opened or is not a regular file.
    """
    if not _NO_LINK and (refusal := _refusal(path)):
        raise refusal
    try:
        descriptor = os.open(path, flags | _NO_LINK | _ALWAYS, 0o666)
    except OSError as error:
        # The system refuses links, pipes and sockets, each with a different error.
        raise _refusal(path) or error from None
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise _irregular(path)


def is_regular(path: Path) -> bool:
    """Whether ``path`` is a regular file and not a link to one."""
    return stat.S_ISREG(_mode(path))


def is_folder(path: Path) -> bool:
    """Whether ``path`` is a folder and not a link to one."""
    return stat.S_ISDIR(_mode(path))


def require_folder(path: Path) -> None:
    """Refuse a link in place of a folder: its content would lie elsewhere.

    Raises:
        OSError: if ``path`` is not a folder.
    """
    if not is_folder(path):
        if not os.path.lexists(path):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        what = "is a link, not a folder" if path.is_symlink() else "is not a folder"
        raise NotADirectoryError(errno.ENOTDIR, f"{path.name} {what}", str(path))


def _mode(path: Path | str) -> int:
    """File type and permissions; 0 if the path does not exist or cannot be examined."""
    try:
        return os.lstat(path).st_mode
    except (OSError, ValueError):
        return 0


def _refusal(path: str) -> OSError | None:
    """The error for a path that is a link or not a regular file; None for other causes."""
    mode = _mode(path)
    if stat.S_ISLNK(mode):
        return OSError(errno.ELOOP, f"{Path(path).name} is a link", path)
    return _irregular(path) if mode and not stat.S_ISREG(mode) else None


def _irregular(path: str) -> OSError:
    what = "is a folder, not a file" if stat.S_ISDIR(_mode(path)) else "is not a file"
    return OSError(errno.EINVAL, f"{Path(path).name or path} {what}", path)


def read_file(path: Path, most: int) -> bytes:
    """Read a whole regular file of at most ``most`` bytes.

    Raises:
        OSError: if the file cannot be read, is not a regular file, or is larger.
    """
    with open_to_read(path) as file:
        # Gigabytes are not read in order to be refused; a file may still grow while it is read.
        size = os.fstat(file.fileno()).st_size
        data = file.read(most + 1) if size <= most else b""
    if max(size, len(data)) > most:
        allowed = f"{most / 2**20:,.0f} MB" if most >= 2**20 else f"{most // 1024} KB"
        raise OSError(errno.EFBIG, f"it is larger than {allowed}", str(path))
    return data


def read_end(path: Path, most: int) -> bytes:
    """Read the last ``most`` bytes of a regular file, or all of a shorter one.

    Raises:
        OSError: if the file cannot be read or is not a regular file.
    """
    with open_to_read(path) as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - most))
        return file.read(most)


def open_to_read(path: Path) -> io.BufferedReader:
    """Open a regular file for reading.

    Raises:
        OSError: if the file cannot be read or is not a regular file.
    """
    return open(path, "rb", opener=open_regular)


def open_named(path: Path) -> io.BufferedReader:
    """Open a regular file that a person has named, also through links; a pipe would block.

    Raises:
        OSError: if the file cannot be read or is not a regular file.
    """
    return open(path, "rb", opener=_open_followed)


def _open_followed(path: str, flags: int) -> int:
    descriptor = os.open(path, flags | _ALWAYS)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise _irregular(path)


def disk_use(path: Path) -> int:
    """Bytes of a file, or of all files in a folder; files that vanish meanwhile count as 0.

    A link is followed only if it is ``path`` itself; inside a folder it counts its own size.
    """
    if is_regular(path):
        return path.lstat().st_size
    return sum(_sizes(path))


def _sizes(path: Path) -> Iterator[int]:
    # No recursion: a folder from elsewhere may be deeper than Python's stack.
    waiting = [os.fspath(path)]
    while waiting:
        # Directory entries already know their type: a history may have 20,000 files.
        with suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    yield entry.stat(follow_symlinks=False).st_size
