"""Pictures decoded once, on every core, into a file of the cache at the size of an input.

A folder of the cache has the pixels, a place for every picture; a CRC-32 of each, held against
what is read later; and a line for each picture about which there is something to say. What an
interrupted process has written is continued.
"""

from __future__ import annotations

import math
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.cores import default_threads
from cnn_tui.engine.data.cache import cached, digest
from cnn_tui.engine.data.image_file import ImageFile
from cnn_tui.engine.data.pictures import (
    BadPictureError,
    FittedPicture,
    PictureSource,
    bombs_refused,
    fitted_picture,
)
from cnn_tui.engine.data.sources import Progress
from cnn_tui.engine.specs.network import ResizeRule

_PIXELS, _SUMS, _REMARKS = "pixels", "sums", "remarks"
_FIRST = 32
"""Pictures decoded before it is said how long the rest takes."""
_TOGETHER, _BYTES_TOGETHER = 256, 64 << 20
"""Pictures decoded between two reports of progress, and the bytes that they may have."""


class Remark(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message about a picture."""

    index: int
    why: str = ""
    """Why it cannot be read; its pixels are then zeros."""
    animated: bool = False
    """Whether the file has further pictures, of which this is the first."""


class Decoded(NamedTuple):
    """Decoded pictures in a folder of the cache."""

    folder: Path
    shape: tuple[int, int, int]
    remarks: tuple[Remark, ...]
    sums: NDArray[np.uint32]

    def images(self, rows: NDArray[np.int64]) -> ImageFile:
        """The pictures with these indices."""
        return ImageFile(self.folder / _PIXELS, self.shape, rows, self.sums)


def decoded(
    name: str,
    key: str,
    pictures: Callable[[], Iterable[PictureSource]],
    total: int,
    shape: tuple[int, int, int],
    *,
    resize: ResizeRule = "crop",
    progress: Progress | None = None,
) -> Decoded:
    """Return the pictures at ``shape``, ``(C, H, W)``, decoded now if they are not in the cache.

    Args:
        name: What tells the set from others; it may be any text.
        key: A digest that changes when any of the pictures does.
        pictures: Returns them in an order that never changes.
        total: Their number.
        shape: One channel for grey, three for colour.
        resize: How they get the size.
        progress: Called after every few pictures, with size and time in its words.

    Raises:
        DataError: The cache has too little space.
    """
    size = math.prod(shape)

    def make(folder: Path) -> None:
        with bombs_refused(), _Writing(folder, size) as writing:
            read = _reader(shape, resize)
            rest = islice(pictures(), writing.done, None)
            for fitted in _decode(read, rest, writing.done, total, size, progress):
                writing.add(fitted)

    folder = cached(
        f"images-{digest(name, shape, resize)}", key, total * size, make, resumable=True
    )
    lines = (folder / _REMARKS).read_bytes().splitlines()
    remarks = tuple(msgspec.json.decode(line, type=Remark) for line in lines)
    return Decoded(folder, shape, remarks, np.fromfile(folder / _SUMS, np.uint32))


_Outcome = FittedPicture | BadPictureError


def _reader(shape: tuple[int, int, int], resize: ResizeRule) -> Callable[[PictureSource], _Outcome]:
    def read(source: PictureSource) -> _Outcome:
        try:
            return fitted_picture(source, shape, resize)
        except BadPictureError as error:
            return error

    return read


def _decode(
    read: Callable[[PictureSource], _Outcome],
    rest: Iterator[PictureSource],
    done: int,
    total: int,
    size: int,
    progress: Progress | None,
) -> Iterator[list[_Outcome]]:
    """Yield the pictures in blocks; the words of the progress tell size and time."""
    what = f"decoding pictures once, {total * size / 1e6:,.0f} MB"
    if progress:
        progress(what, done, total)
    together = max(1, min(_TOGETHER, _BYTES_TOGETHER // size))
    with ThreadPoolExecutor(default_threads()) as pool:
        count, began, first = _FIRST, time.monotonic(), done
        while block := list(islice(rest, count)):
            yield list(pool.map(read, block))
            done += len(block)
            if count == _FIRST:
                seconds = (time.monotonic() - began) / (done - first) * (total - done)
                what, count = f"{what}, about {_duration(seconds)}", together
            if progress:
                progress(what, done, total)


def _duration(seconds: float) -> str:
    return f"{seconds / 60:,.0f} min" if seconds >= 90 else f"{math.ceil(seconds)} s"


class _Writing:
    """The files of a folder that is being filled; ``done`` pictures are there already."""

    def __init__(self, folder: Path, size: int) -> None:
        self._folder, self._size = folder, size
        for name in (_PIXELS, _SUMS, _REMARKS):
            (folder / name).touch()
        sizes = [(folder / name).stat().st_size for name in (_PIXELS, _SUMS)]
        self.done = min(sizes[0] // size, sizes[1] // 4)
        self._cut()
        self._files = [(folder / name).open("ab") for name in (_PIXELS, _SUMS, _REMARKS)]

    def _cut(self) -> None:
        """Drop what a process had begun to write when it was ended."""
        for name, size in ((_PIXELS, self._size), (_SUMS, 4)):
            with (self._folder / name).open("r+b") as file:
                file.truncate(self.done * size)
        path, whole = self._folder / _REMARKS, []
        for line in path.read_bytes().splitlines(keepends=True):
            if line.endswith(b"\n") and msgspec.json.decode(line, type=Remark).index < self.done:
                whole.append(line)
        path.write_bytes(b"".join(whole))

    def __enter__(self) -> _Writing:
        return self

    def __exit__(self, *error: object) -> None:
        for file in self._files:
            file.close()

    def add(self, outcomes: list[_Outcome]) -> None:
        """Append a block of pictures; what is said of them first, as their number counts last."""
        pixels, sums, remarks = self._files
        blank = bytes(self._size)
        for index, outcome in enumerate(outcomes, self.done):
            if isinstance(outcome, BadPictureError):
                remarks.write(msgspec.json.encode(Remark(index, str(outcome))) + b"\n")
            elif outcome.animated:
                remarks.write(msgspec.json.encode(Remark(index, animated=True)) + b"\n")
        remarks.flush()
        for outcome in outcomes:
            if isinstance(outcome, BadPictureError):
                content = blank
            else:
                content = np.ascontiguousarray(outcome.pixels).tobytes()
            pixels.write(content)
            sums.write(zlib.crc32(content).to_bytes(4, sys.byteorder))
        pixels.flush()
        sums.flush()
        self.done += len(outcomes)
