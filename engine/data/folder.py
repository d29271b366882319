"""A folder of pictures per class as a dataset of any size.

Every picture is decoded once, to the input size of the network, into one file in the user's cache;
batches are read from there. Decoding first also finds damaged pictures before a training begins.
"""

from __future__ import annotations

import math
import os
import weakref
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.data.cache import cached, digest
from cnn_tui.engine.data.dataset import Dataset, Split, share, stratified_order
from cnn_tui.engine.data.listing import Listing
from cnn_tui.engine.data.own import contents
from cnn_tui.engine.data.pictures import BadPictureError, bombs_refused, read_picture
from cnn_tui.engine.data.sources import Progress
from cnn_tui.engine.errors import DataError, reason_of
from cnn_tui.engine.specs.wording import plain
from cnn_tui.engine.threads import default_threads


class ImageFile:
    """Images ``(N, C, H, W)``, uint8, read from a file on access; any selection in any order.

    It reads with ``pread`` instead of mapping the file: only the batches requested are in memory,
    and a truncated file raises an error instead of ending the process. It is thread-safe.

    Args:
        path: A file of at least ``max(rows) + 1`` images.
        shape: ``(C, H, W)``.
        rows: Positions of the selected images in the file, ``(N,)``.
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
        """Type of the pixels, always uint8."""
        return np.dtype(np.uint8)

    def __len__(self) -> int:
        """Number of images."""
        return len(self._rows)

    def __getitem__(self, chosen: NDArray[np.integer] | slice | int) -> NDArray[np.uint8]:
        """The images of an index array or a slice, ``(n, C, H, W)``; of an integer, ``(C, H, W)``.

        Raises:
            DataError: The file was truncated or cannot be read.
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
            raise DataError(f"{self._path}: cannot be read: {reason_of(error)}.") from error
        if len(pixels) < size:
            raise DataError(
                f"{self._path}: the file was truncated.", "Delete it; it is then created again."
            )
        image.reshape(-1)[:] = np.frombuffer(pixels, np.uint8)


DEFAULT_SHAPE = (3, 32, 32)
_PIXELS, _DAMAGED = "pixels", "damaged.json"
_PARTS = 10
"""One picture in ten is held out for each missing split."""
_TOGETHER = 256
_NAMED = 3


def load_pictures(
    path: Path,
    listing: Listing,
    shape: tuple[int, int, int] = DEFAULT_SHAPE,
    *,
    skip_damaged: bool = False,
    progress: Progress | None = None,
) -> Dataset:
    """Load pictures, each resized and cropped to ``shape``, ``(C, H, W)``.

    Splits that are missing are held out of the training pictures, stratified.

    Args:
        path: The folder or archive that holds them.
        listing: The pictures, with their classes.
        shape: One channel for grey, three for colour.
        skip_damaged: Leave damaged pictures out instead of refusing the set.
        progress: Called after every few pictures.

    Raises:
        DataError: A picture is damaged, the cache has too little space, or Pillow is not installed.
    """
    if shape[0] not in (1, 3):
        raise DataError(
            f"{path}: pictures have 1 channel (grey) or 3 (colour), the network wants {shape[0]}.",
            "Change the network's input.",
        )
    decoded = cached(
        f"images-{digest(str(path.resolve()), shape)}",
        listing.digest(),
        len(listing.pictures) * math.prod(shape),
        lambda made: _decode(listing, shape, made, progress),
    )
    damaged = msgspec.json.decode((decoded / _DAMAGED).read_bytes(), type=dict[int, str])
    if damaged and not skip_damaged:
        raise _refusal(listing, damaged)
    return _dataset(path, listing, damaged, decoded / _PIXELS, shape)


def _decode(
    listing: Listing, shape: tuple[int, int, int], made: Path, progress: Progress | None
) -> None:
    damaged: dict[int, str] = {}
    total = len(listing.pictures)

    def read(source: Path | bytes) -> NDArray[np.uint8] | BadPictureError:
        try:
            return read_picture(source, shape)
        except BadPictureError as error:
            return error

    with (
        bombs_refused(),
        ThreadPoolExecutor(default_threads()) as pool,
        (made / _PIXELS).open("xb") as file,
    ):
        sources = contents(listing)
        for start in range(0, total, _TOGETHER):
            indices = range(start, min(start + _TOGETHER, total))
            block = list(islice(sources, len(indices)))
            for index, pixels in zip(indices, pool.map(read, block), strict=True):
                if isinstance(pixels, BadPictureError):
                    damaged[index] = str(pixels)
                else:
                    file.write(np.ascontiguousarray(pixels).data)
            if progress:
                progress("pictures", indices.stop, total)
    (made / _DAMAGED).write_bytes(msgspec.json.encode(damaged))


def _refusal(listing: Listing, damaged: dict[int, str]) -> DataError:
    named = [f"{plain(listing.pictures[index].path)}: {why}" for index, why in damaged.items()]
    more = f" (and {len(named) - _NAMED:,} more)" if len(named) > _NAMED else ""
    return DataError(
        f"{'; '.join(named[:_NAMED])}{more}.",
        "Replace or remove the damaged pictures, or leave them out with --skip-damaged.",
    )


def _dataset(
    folder: Path,
    listing: Listing,
    damaged: dict[int, str],
    pixels: Path,
    shape: tuple[int, int, int],
) -> Dataset:
    good = [picture for index, picture in enumerate(listing.pictures) if index not in damaged]
    labels = np.array([picture.label for picture in good], np.int64)
    names = np.array([picture.split or "train" for picture in good])
    rows = {name: np.flatnonzero(names == name) for name in ("train", "val", "test")}
    for name in ("test", "val"):
        if not len(rows[name]):
            rows[name], rows["train"] = _held_out(rows["train"], labels)
    splits = {
        name: Split(ImageFile(pixels, shape, chosen), labels[chosen])
        for name, chosen in rows.items()
    }
    notes = (*listing.notes, *((f"Damaged pictures left out: {len(damaged):,}.",) * bool(damaged)))
    title = plain(folder.resolve().name) or "images"
    return Dataset(title, listing.classes, **splits, notes=notes)


def _held_out(
    rows: NDArray[np.int64], labels: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    order = rows[stratified_order(labels[rows])] if len(rows) else rows
    held = share(len(rows), _PARTS)
    return np.sort(order[:held]), np.sort(order[held:])
