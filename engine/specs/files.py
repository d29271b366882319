"""Small text files that a person named: links are followed, and nothing is ever half-written."""

from __future__ import annotations

import os
from pathlib import Path

from cnn_tui.engine.files import read_file
from cnn_tui.engine.storage import Storage, replace_file


def read_bytes(path: Path, most: int, *, links: bool = True) -> bytes:
    """The whole of a regular file of at most ``most`` bytes, perhaps through ``links``.

    Raises:
        OSError: if there is no such file, it is no file, larger, or cannot be read.
        ValueError: if no file can have this name.
    """
    return read_file(_target(path) if links else path, most)


def replace_bytes(path: Path, data: bytes) -> None:
    """Put ``data`` in the place of the file at ``path``, all at once and safe from a power cut.

    Raises:
        OSError: if the place cannot be written; what was there stays as it was.
        ValueError: if no file can have this name.
    """
    # Through a link, so that the link stays and the file it names gets the data.
    target, mode = _target(path), None
    if target.exists():
        if not os.access(target, os.W_OK):
            raise PermissionError(13, "it is read-only")
        mode = target.stat().st_mode & 0o777
    replace_file(Storage(), target, [data], mode=mode)


def _target(path: Path) -> Path:
    return Path(os.path.realpath(path))
