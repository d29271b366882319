"""Files that may come from strangers: opened without harm and read up to a bound.

A folder of runs may have been unpacked from an archive. A link in it may lead anywhere, a pipe may
wait for ever, a device may have no end: only regular files of the folder itself are opened. For a
path that a person typed see :mod:`cnn_tui.engine.specs.files`.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_ON = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def open_regular(path: str, flags: int) -> int:
    """A descriptor of a regular file, as an opener of :func:`open`; no link is followed.

    Raises:
        OSError: if it cannot be opened, or is anything else.
    """
    try:
        descriptor = os.open(path, flags | _ON, 0o666)
    except OSError as error:
        # Links, pipes and sockets are refused by the system, each with another error.
        raise _refusal(path) or error from None
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise _irregular(path)


def is_regular(path: Path) -> bool:
    """Whether it is a regular file, not a link to one."""
    return stat.S_ISREG(_mode(path))


def is_folder(path: Path) -> bool:
    """Whether it is a folder, not a link to one."""
    return stat.S_ISDIR(_mode(path))


def require_folder(path: Path) -> None:
    """Refuse a link in place of a folder: what is in it would be outside.

    Raises:
        OSError: if it is no folder.
    """
    if not is_folder(path):
        what = "is a link, not a folder" if path.is_symlink() else "is not a folder"
        raise NotADirectoryError(errno.ENOTDIR, f"{path.name} {what}", str(path))


def _mode(path: Path | str) -> int:
    """Type and rights; 0 where there is nothing or it cannot be asked."""
    try:
        return os.lstat(path).st_mode
    except (OSError, ValueError):
        return 0


def _refusal(path: str) -> OSError | None:
    """Why it is not opened, if that is because of what it is."""
    mode = _mode(path)
    if stat.S_ISLNK(mode):
        return OSError(errno.ELOOP, f"{Path(path).name} is a link", path)
    return _irregular(path) if mode and not stat.S_ISREG(mode) else None


def _irregular(path: str) -> OSError:
    return OSError(errno.EINVAL, f"{Path(path).name} is not a file", path)


def read_file(path: Path, most: int) -> bytes:
    """The whole of a regular file of at most ``most`` bytes.

    Raises:
        OSError: if it cannot be read, is a link or no regular file, or is larger.
    """
    with open_to_read(path) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"it is larger than {most // 1024} KB", str(path))
    return data


def read_end(path: Path, most: int) -> bytes:
    """The last ``most`` bytes of a regular file, or all of them.

    Raises:
        OSError: if it cannot be read, is a link or no regular file.
    """
    with open_to_read(path) as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - most))
        return file.read(most)


def open_to_read(path: Path) -> io.BufferedReader:
    """A regular file.

    Raises:
        OSError: if it cannot be read, is a link or no regular file.
    """
    return open(path, "rb", opener=open_regular)


def disk_use(path: Path) -> int:
    """Bytes of a file, or of all files in a folder; those that vanish meanwhile count nothing.

    A link is followed where ``path`` itself is one, and counts as what it is inside.
    """
    if is_regular(path):
        return path.lstat().st_size
    return sum(_sizes(path))


def _sizes(path: Path) -> Iterator[int]:
    # No recursion: a folder from elsewhere may be deeper than Python's stack.
    waiting = [os.fspath(path)]
    while waiting:
        # Entries know what they are without being asked again: a history may have 20,000 files.
        with suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    yield entry.stat(follow_symlinks=False).st_size
