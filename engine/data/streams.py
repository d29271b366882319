"""Reading exactly as much as was promised, straight into its place."""

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
    """What is read from: a file, or what unpacks one."""

    def read(self, size: int = ..., /) -> bytes:
        """At most ``size`` bytes; none at the end."""


def fill(stream: Readable, out: NDArray[np.generic]) -> int:
    """Read into the whole of a C-contiguous array; the bytes read, fewer if the stream ends."""
    target = out.reshape(-1).view(np.uint8).data
    done = 0
    while done < len(target):
        part = stream.read(min(_STEP, len(target) - done))
        if not part:
            break
        target[done : done + len(part)] = part
        done += len(part)
    return done


class Capped(io.RawIOBase):
    """A stream that refuses to give more than ``most`` bytes.

    Raises:
        EOFError: when more is read than that.
    """

    def __init__(self, stream: Readable, most: int) -> None:
        self._stream, self._left = stream, most

    def read(self, size: int = -1) -> bytes:
        """At most ``size`` bytes of what is left."""
        data = self._stream.read(self._left + 1 if size < 0 else size)
        self._left -= len(data)
        if self._left < 0:
            raise EOFError("it holds more than it should")
        return data


_SLACK = 1 << 20
"""For headers, padding and small files that are not wanted."""


def unpack(archive: Path, exact: Mapping[str, int], small: Mapping[str, int], folder: Path) -> None:
    """Write the wanted members into ``folder``, each under the last part of its name.

    No path of the archive is ever used; whatever else it holds is passed over, and reading ends
    when it unpacks to more than the wanted members and a little.

    Args:
        archive: The file.
        exact: Full names of the members that must be there, with their exact sizes.
        small: Full names of members that may be there, with their largest sizes.
        folder: Empty.

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
            found = {
                member.name
                for member in tar
                if _is_wanted(member, exact, small, archive) and _write(tar, member, folder)
            }
    except (EOFError, zlib.error, tarfile.TarError, gzip.BadGzipFile) as error:
        raise _damaged(archive, f"it is broken or cut off ({error})") from error
    missing = [name for name in exact if name not in found]
    if missing:
        raise _damaged(archive, f"expected the member {missing[0]}, found none")


def _is_wanted(
    member: tarfile.TarInfo, exact: Mapping[str, int], small: Mapping[str, int], archive: Path
) -> bool:
    if member.name in small:
        return member.isreg() and member.size <= small[member.name]
    if member.name not in exact:
        return False
    if not member.isreg() or member.size != exact[member.name]:
        raise _damaged(
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


def _damaged(archive: Path, what: str) -> DataError:
    return DataError(f"{archive}: {what}.", "Fetch the file again.")
