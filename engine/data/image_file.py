"""Images that stay in a file and are read batch by batch."""

from __future__ import annotations

import math
import os
import weakref
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.errors import DataError


class ImageFile:
    """Images ``(N, C, H, W)``, uint8, one after another in a file; any choice and order of them.

    Read with ``pread`` and not mapped: a batch is all that ever is in memory, and a file that
    vanishes is an error, not the end of the process. Safe to use from many threads.

    Args:
        path: The file, of at least ``max(rows) + 1`` images.
        shape: ``(C, H, W)``.
        rows: Which images of the file these are, ``(N,)``.
    """

    def __init__(self, path: Path, shape: tuple[int, int, int], rows: NDArray[np.int64]) -> None:
        self._path, self._shape, self._rows = path, shape, rows
        self._descriptor = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._descriptor)

    @property
    def shape(self) -> tuple[int, ...]:
        """``(N, C, H, W)``."""
        return len(self._rows), *self._shape

    @property
    def dtype(self) -> np.dtype[np.uint8]:
        """Always uint8."""
        return np.dtype(np.uint8)

    def __len__(self) -> int:
        """How many images there are."""
        return len(self._rows)

    def __getitem__(self, chosen: NDArray[np.integer] | slice | int) -> NDArray[np.uint8]:
        """The images of some indices or of a slice, ``(n, C, H, W)``; of a number, ``(C, H, W)``.

        Raises:
            DataError: The file was cut or cannot be read any more.
        """
        rows = np.atleast_1d(self._rows[chosen])
        images = np.empty((len(rows), *self._shape), np.uint8)
        for image, row in zip(images, rows.tolist(), strict=True):
            self._read(image, row)
        return images if np.ndim(self._rows[chosen]) else images[0]

    def _read(self, image: NDArray[np.uint8], row: int) -> None:
        size = math.prod(self._shape)
        try:
            pixels = os.pread(self._descriptor, size, row * size)
        except OSError as error:
            raise DataError(f"{self._path}: cannot be read: {error.strerror}.") from error
        if len(pixels) < size:
            raise DataError(f"{self._path}: it was cut off.", "Delete it: it will be made anew.")
        image.reshape(-1)[:] = np.frombuffer(pixels, np.uint8)
