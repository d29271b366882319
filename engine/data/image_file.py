"""Images in a file of raw pixels, of which only the batches asked for are in memory."""

from __future__ import annotations

import math
import os
import sys
import threading
import weakref
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.errors import DataError, reason_of

if sys.platform == "win32":
    _ONE_AT_A_TIME = threading.Lock()

    def _read_at(descriptor: int, size: int, offset: int) -> bytes:
        with _ONE_AT_A_TIME:
            os.lseek(descriptor, offset, os.SEEK_SET)
            return os.read(descriptor, size)

else:
    _read_at = os.pread


class ImageFile:
    """Images ``(N, C, H, W)``, uint8, read from a file on access; any selection in any order.

    It reads with ``pread`` instead of mapping the file: only the batches requested are in memory,
    and a truncated file raises an error instead of ending the process. It is thread-safe.

    Args:
        path: A file of at least ``max(rows) + 1`` images.
        shape: ``(C, H, W)``.
        rows: Positions of the selected images in the file, ``(N,)``.
        sums: CRC-32 of every image of the file, held against what is read; None to trust the file.
    """

    def __init__(
        self,
        path: Path,
        shape: tuple[int, int, int],
        rows: NDArray[np.int64],
        sums: NDArray[np.uint32] | None = None,
    ) -> None:
        self._path, self._shape, self._rows, self._sums = path, shape, rows, sums
        self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        weakref.finalize(self, os.close, self._descriptor)

    @property
    def shape(self) -> tuple[int, ...]:
        """``(N, C, H, W)``."""
        return len(self._rows), *self._shape

    @property
    def dtype(self) -> np.dtype[np.uint8]:
        """Type of the pixels, always uint8."""
        return np.dtype(np.uint8)

    def __len__(self) -> int:
        """Number of images."""
        return len(self._rows)

    def __getitem__(self, chosen: NDArray[np.integer] | slice | int) -> NDArray[np.uint8]:
        """The images of an index array or a slice, ``(n, C, H, W)``; of an integer, ``(C, H, W)``.

        Raises:
            DataError: The file was truncated or changed, or cannot be read.
        """
        rows = np.atleast_1d(self._rows[chosen])
        images = np.empty((len(rows), *self._shape), np.uint8)
        for image, row in zip(images, rows.tolist(), strict=True):
            self._read(image, row)
        return images if np.ndim(self._rows[chosen]) else images[0]

    def _read(self, image: NDArray[np.uint8], row: int) -> None:
        size = math.prod(self._shape)
        try:
            pixels = _read_at(self._descriptor, size, row * size)
        except OSError as error:
            raise DataError(f"{self._path}: cannot be read: {reason_of(error)}.") from error
        if len(pixels) < size:
            raise self._wrong("the file was truncated")
        if self._sums is not None and zlib.crc32(pixels) != self._sums[row]:
            raise self._wrong(f"image {row:,} was changed since it was decoded")
        image.reshape(-1)[:] = np.frombuffer(pixels, np.uint8)

    def _wrong(self, what: str) -> DataError:
        return DataError(f"{self._path}: {what}.", "Delete it; it is then created again.")
