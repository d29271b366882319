"""Reading streams that may be hostile: fixed amounts of bytes, and known members of archives."""

from __future__ import annotations

import gzip
import io
import shutil
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.errors import DataError

_STEP = 1 << 20


class Readable(Protocol):
    """A stream to read from, such as a file or a decompressor."""

    def read(self, size: int = ..., /) -> bytes:
        """Read at most ``size`` bytes; none at the end."""


def fill(stream: Readable, out: NDArray[np.generic]) -> int:
    """Fill a C-contiguous array; returns the bytes read, fewer if the stream ends."""
    target = out.reshape(-1).view(np.uint8).data
    done = 0
    while done < len(target):
        chunk = stream.read(min(_STEP, len(target) - done))
        if not chunk:
            break
        target[done : done + len(chunk)] = chunk
        done += len(chunk)
    return done


class Capped(io.RawIOBase):
    """A stream of at most ``most`` bytes.

    Raises:
        EOFError: when more bytes are read.
    """

    def __init__(self, stream: Readable, most: int) -> None:
        self._stream, self._left = stream, most

    def read(self, size: int = -1) -> bytes:
        """Read at most ``size`` of the remaining bytes."""
        data = self._stream.read(self._left + 1 if size < 0 else size)
        self._left -= len(data)
        if self._left < 0:
            raise EOFError("it is larger than expected")
        return data


_SLACK = 1 << 20
"""Bytes allowed for headers, padding and small files that are skipped."""


def unpack(archive: Path, exact: Mapping[str, int], small: Mapping[str, int], folder: Path) -> None:
    """Write the given members of a ``.tar.gz`` to ``folder``, each under its last name component.

    No path of the archive is used and other members are skipped; reading ends if it unpacks to
    clearly more than the given members.

    Args:
        archive: The file.
        exact: Full names of the required members, with their exact sizes.
        small: Full names of optional members, with their largest sizes.
        folder: An empty folder.

    Raises:
        DataError: The archive is damaged, or a member is missing or has another size.
        OSError: The folder cannot be written.
    """
    cap = sum(exact.values()) + sum(small.values()) + _SLACK
    try:
        with (
            gzip.open(archive) as unpacked,
            tarfile.open(fileobj=Capped(unpacked, cap), mode="r|") as tar,
        ):
            written = {
                member.name
                for member in tar
                if _is_wanted(member, exact, small, archive) and _write(tar, member, folder)
            }
    except (EOFError, zlib.error, tarfile.TarError, gzip.BadGzipFile) as error:
        raise damaged(archive, f"it is damaged or truncated ({error})") from error
    missing = [name for name in exact if name not in written]
    if missing:
        raise damaged(archive, f"the member {missing[0]} is missing")


def _is_wanted(
    member: tarfile.TarInfo, exact: Mapping[str, int], small: Mapping[str, int], archive: Path
) -> bool:
    if member.name in small:
        return member.isreg() and member.size <= small[member.name]
    if member.name not in exact:
        return False
    if not member.isreg() or member.size != exact[member.name]:
        raise damaged(
            archive,
            f"expected {member.name} to be a file of {exact[member.name]:,} bytes, "
            f"received {member.size:,}",
        )
    return True


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> bool:
    stream = tar.extractfile(member)
    if stream is None:
        return False
    with (folder / member.name.rpartition("/")[2]).open("xb") as file:
        shutil.copyfileobj(stream, file, 1 << 20)
    return True


def damaged(archive: Path, what: str) -> DataError:
    """The error for a file that was downloaded."""
    return DataError(f"{archive}: {what}.", "Fetch the file again.")
