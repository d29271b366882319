"""Arrays of ``.npz`` and ``.npy`` files that may be hostile.

A file of 80 bytes may declare 32 GiB: the sizes in the zip directory and in each array's header are
compared with each other and with a limit before memory is allocated. Nothing is unpickled.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from tokenize import TokenError
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from cnn_tui.engine.data.streams import fill
from cnn_tui.engine.data.tree import StoredFile, Tree, explained, shown
from cnn_tui.engine.errors import DataError
from cnn_tui.engine.specs.wording import listed, plain

_MOST_BYTES = 4 << 30
_MOST_MEMBERS = 100
_KINDS = "biufUS"
"""Kinds of dtype that are read: booleans, integers, floats and text."""
_NO_HEADER = (ValueError, SyntaxError, TokenError, RecursionError, MemoryError)
"""Errors of NumPy for a header that is no literal of Python, or has endless brackets."""
_HINT = "Save it again with numpy.savez(file, x=images, y=labels)."


class ArrayHeader(NamedTuple):
    """The type and shape that an array declares."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]

    @property
    def size(self) -> int:
        """Bytes of the elements."""
        return math.prod(self.shape) * self.dtype.itemsize


class _Member(NamedTuple):
    """An array in its file, or in its archive."""

    size: int
    open: Callable[[], IO[bytes]]
    encrypted: bool = False


@contextmanager
def open_npz(tree: Tree, at: str) -> Iterator[Arrays]:
    """Open the arrays of a file, to be read one by one.

    Raises:
        DataError: Here or inside, if the file is unreadable, damaged, or declares false sizes.
    """
    where = shown(tree, at)
    with explained(where, _HINT), tree.open(at) as stream, zipfile.ZipFile(stream) as archive:
        members = {
            member.filename.removesuffix(".npy"): _Member(
                member.file_size, partial(archive.open, member), bool(member.flag_bits & 1)
            )
            for member in archive.infolist()
        }
        yield Arrays(where, members)


@contextmanager
def open_npy(tree: Tree, files: Mapping[str, StoredFile], where: str) -> Iterator[Arrays]:
    """Open ``.npy`` files as arrays of the names given, to be read one by one.

    Raises:
        DataError: Here or inside, if a file is unreadable, damaged, or declares a false size.
    """
    with explained(where, _HINT):
        yield Arrays(
            where,
            {name: _Member(file.size, partial(tree.open, file.at)) for name, file in files.items()},
        )


class Arrays:
    """The arrays of an open file by name, each checked before it is read."""

    def __init__(self, where: str, members: Mapping[str, _Member]) -> None:
        self._where, self._members = where, members
        if len(members) > _MOST_MEMBERS:
            raise self.wrong(f"it holds {len(members):,} arrays, at most {_MOST_MEMBERS} are read")

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in the order of the file."""
        return tuple(self._members)

    def header(self, name: str) -> ArrayHeader:
        """The type and shape that one array declares, without its values.

        Raises:
            DataError: It is no array of numbers or text, or not of its declared size.
        """
        with self._opened(name) as stream:
            return self._header(stream, name)

    def read(self, name: str) -> NDArray[Any]:
        """Read one array of numbers or text.

        Raises:
            DataError: It is no array of numbers or text, or not of its declared size.
        """
        with self._opened(name) as stream:
            header = self._header(stream, name)
            array = np.empty(header.shape[::-1] if header.fortran else header.shape, header.dtype)
            if array.size and fill(stream, array) < header.size:
                raise self.wrong(f"{name} is truncated")
        return array.T if header.fortran else array

    def _opened(self, name: str) -> IO[bytes]:
        member = self._members[name]
        if member.encrypted:
            raise self.wrong(f"{name} is encrypted")
        if member.size > _MOST_BYTES:
            raise self.wrong(
                f"{name} declares {member.size:,} bytes, at most {_MOST_BYTES:,} are read"
            )
        return member.open()

    def _header(self, stream: IO[bytes], name: str) -> ArrayHeader:
        header = self._declared(stream, name)
        if header.dtype.kind not in _KINDS or not header.dtype.itemsize:
            raise self.wrong(f"{name}: expected numbers or text, received {_kind(header.dtype)}")
        present = self._members[name].size - stream.tell()
        if header.size != present:
            raise self.wrong(f"{name} declares {header.size:,} bytes of data, but has {present:,}")
        return header

    def _declared(self, stream: IO[bytes], name: str) -> ArrayHeader:
        try:
            version = npy.read_magic(stream)
            if version == (1, 0):
                return ArrayHeader(*npy.read_array_header_1_0(stream))
            if version == (2, 0):
                return ArrayHeader(*npy.read_array_header_2_0(stream))
        except _NO_HEADER as error:
            reason = plain(str(*error.args[:1]).partition("\n")[0])[:100] or type(error).__name__
            raise self.wrong(f"{name} is not a NumPy array ({reason})") from None
        raise self.wrong(f"{name} has format {version}, expected 1.0 or 2.0")

    def wrong(self, what: str) -> DataError:
        """The error for this file, with the reason."""
        return DataError(f"{self._where}: {what}.", _HINT)

    def found(self) -> str:
        """The names and shapes of all arrays in words, for a message."""
        if not self._members:
            return "none"
        shapes = (f"{plain(name)[:40]} {self.header(name).shape}" for name in self._members)
        return listed(shapes, "and")


def _kind(dtype: np.dtype[Any]) -> str:
    if dtype.hasobject:
        return "Python objects, which are never unpickled; text is saved with y.astype(str)"
    return plain(str(dtype))
