"""Small text files: reading with a cap, and writing that never leaves half a file."""

from __future__ import annotations

import os
from pathlib import Path


def read_bytes(path: Path, most: int) -> bytes:
    """The whole of a regular file of at most ``most`` bytes.

    Raises:
        OSError: if there is no such file, or it cannot be read.
        ValueError: if it is no file, or larger.
    """
    if path.exists() and not path.is_file():
        # Opening a pipe would wait for a writer, and a device has no end.
        raise ValueError("it is not a file")
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise ValueError(f"it is larger than {most // 1024} KB")
    return data


def replace_bytes(path: Path, data: bytes) -> None:
    """Put ``data`` in the place of the file at ``path``, all at once and safe from a power cut.

    Raises:
        OSError: if the place cannot be written; what was there stays as it was.
    """
    # Through a link, so that the link stays and the file it names gets the data.
    target = path.resolve()
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(13, "it is read-only")
    temporary = target.with_name(f".cnn-tui-{os.urandom(6).hex()}.tmp")
    try:
        _write_new(temporary, data)
        if target.exists():
            temporary.chmod(target.stat().st_mode & 0o777)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync(target.parent)


def _write_new(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Make the new name itself outlast a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
