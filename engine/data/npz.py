"""Arrays of a ``.npz`` file that may be hostile.

A file of 80 bytes may declare 32 GiB: the sizes in the zip directory and in each array's header are
compared with each other and with a limit before memory is allocated. Nothing is unpickled.
"""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from cnn_tui.engine.data.streams import fill
from cnn_tui.engine.errors import DataError, reason_of
from cnn_tui.engine.specs.wording import listed, plain

_MOST_BYTES = 4 << 30
_MOST_MEMBERS = 100
_KINDS = "biufU"
"""Kinds of dtype that are read: booleans, integers, floats and text."""
_HINT = "Save it again with numpy.savez(file, x=images, y=labels)."


class _Header(NamedTuple):
    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]

    @property
    def size(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


@contextmanager
def open_npz(path: Path) -> Iterator[Arrays]:
    """Open the arrays of a file, to be read one by one.

    Raises:
        DataError: Here or inside, if the file is unreadable, damaged, or declares false sizes.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            yield Arrays(archive, path)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise DataError(f"{path}: its zip is damaged ({plain(str(error))}).", _HINT) from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {reason_of(error)}.", _HINT) from error


class Arrays:
    """The arrays of an open file by name, each checked before it is read."""

    def __init__(self, archive: zipfile.ZipFile, path: Path) -> None:
        self._archive, self._path = archive, path
        members = archive.infolist()
        if len(members) > _MOST_MEMBERS:
            raise self.wrong(f"it holds {len(members):,} arrays, at most {_MOST_MEMBERS} are read")
        self._members = {member.filename.removesuffix(".npy"): member for member in members}

    def __contains__(self, name: str) -> bool:
        """Whether the file has an array of this name."""
        return name in self._members

    def read(self, name: str) -> NDArray[Any]:
        """Read one array of numbers or text.

        Raises:
            DataError: The array is missing, of another type, or not of its declared size.
        """
        if name not in self._members:
            names = [plain(name)[:40] for name in self._members]
            raise self.wrong(f"expected an array {name}, found {listed(names or ['none'], 'and')}")
        member = self._members[name]
        if member.flag_bits & 1:
            raise self.wrong(f"{name} is encrypted")
        if member.file_size > _MOST_BYTES:
            raise self.wrong(
                f"{name} declares {member.file_size:,} bytes, at most {_MOST_BYTES:,} are read"
            )
        with self._archive.open(member) as stream:
            return self._array(stream, name, member.file_size)

    def _array(self, stream: Any, name: str, size: int) -> NDArray[Any]:
        header = self._header(stream, name)
        if header.dtype.kind not in _KINDS or not header.dtype.itemsize:
            raise self.wrong(f"{name} holds {_kind(header.dtype)}, expected numbers or text")
        present = size - stream.tell()
        if header.size != present:
            raise self.wrong(f"{name} declares {header.size:,} bytes of data, but has {present:,}")
        array = np.empty(header.shape[::-1] if header.fortran else header.shape, header.dtype)
        if array.size and fill(stream, array) < header.size:
            raise self.wrong(f"{name} is truncated")
        return array.T if header.fortran else array

    def _header(self, stream: Any, name: str) -> _Header:
        try:
            version = npy.read_magic(stream)
            if version == (1, 0):
                return _Header(*npy.read_array_header_1_0(stream))
            if version == (2, 0):
                return _Header(*npy.read_array_header_2_0(stream))
        except ValueError as error:
            reason = plain(str(error).partition("\n")[0])[:100]
            raise self.wrong(f"{name} is not a NumPy array ({reason})") from None
        raise self.wrong(f"{name} has format {version}, expected 1.0 or 2.0")

    def wrong(self, what: str) -> DataError:
        """The error for this file, with the reason."""
        return DataError(f"{self._path}: {what}.", _HINT)


def _kind(dtype: np.dtype[Any]) -> str:
    return "Python objects, which are never unpickled" if dtype.hasobject else plain(str(dtype))
