"""Arrays of numbers as images ``(N, C, H, W)``: which axis is which, and what values may be."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.data.dataset import Pixels
from cnn_tui.engine.errors import DataError

_CHANNELS = (1, 3)

Shape = tuple[int, int, int]
"""``(C, H, W)``."""
INPUT_HINT = "Set the input of the network to that of the images: input = [1, height, width]."


def to_pixels(images: NDArray[Any], where: str, wanted: Shape | None = None) -> Pixels:
    """Return images as uint8, or as float32 if they are floats.

    Args:
        images: ``(N, H, W)``, ``(N, C, H, W)`` or ``(N, H, W, C)`` with 1 or 3 channels, or rows of
            pixels ``(N, P)``; see :func:`row_shape`.
        where: Their place, to begin a message with.
        wanted: Shape that the network's input has.

    Raises:
        DataError: The array has another shape, or values that are no pixels.
    """
    return to_values(_channels_first(images, where, wanted), where)


def _channels_first(images: NDArray[Any], where: str, wanted: Shape | None) -> NDArray[Any]:
    received = images.shape
    if images.ndim == 2:
        images = fold_rows(images, where, wanted)
    elif images.ndim == 3:
        images = images[:, None]
    elif images.ndim == 4 and images.shape[1] not in _CHANNELS and images.shape[3] in _CHANNELS:
        images = np.moveaxis(images, 3, 1)
    if images.ndim != 4 or images.shape[1] not in _CHANNELS:
        raise DataError(
            f"{where}: expected (N, H, W), (N, C, H, W) or (N, H, W, C) with 1 or 3 channels, "
            f"received {received}.",
            "Leave out a fourth channel, as x[..., :3]."
            if len(received) == 4 and 4 in received[1::2]
            else "Save the images with one of these shapes.",
        )
    return images


def to_values(images: NDArray[Any], where: str) -> Pixels:
    """Whole numbers from 0 to 255 as uint8, fractions as float32."""
    if images.dtype.kind == "f":
        with np.errstate(over="ignore"):  # too large values become infinite, and are refused
            return images.astype(np.float32, copy=False)
    if images.dtype.kind not in "biu":
        raise DataError(f"{where}: expected numbers, received text.")
    if images.dtype != np.uint8 and images.size and not 0 <= images.min() <= images.max() <= 255:
        raise DataError(
            f"{where}: expected whole numbers from 0 to 255, received numbers from "
            f"{images.min()} to {images.max()}.",
            f"Save them as floats, such as x / {max(int(images.max()), -int(images.min()))}.",
        )
    return images.astype(np.uint8, copy=False)


def row_shape(count: int, wanted: Shape | None) -> Shape | None:
    """The shape of an image that is written as ``count`` numbers in a row; None if none fits.

    That of the network's input if it has as many values, else a square in grey, else one in colour.
    """
    if wanted and math.prod(wanted) == count:
        return wanted
    for channels in _CHANNELS:
        side = math.isqrt(count // channels)
        if side and channels * side * side == count:
            return channels, side, side
    return None


def fold_rows(rows: NDArray[Any], where: str, wanted: Shape | None) -> NDArray[Any]:
    """Rows of pixels ``(N, P)`` as ``(N, C, H, W)``; the colours of a pixel stand together.

    Raises:
        DataError: No image has this number of pixels.
    """
    shape = row_shape(rows.shape[1], wanted)
    if shape is None:
        raise DataError(
            f"{where}: expected rows of pixels of a square image, or as many values as the "
            f"network's input has, received {rows.shape}.",
            INPUT_HINT,
        )
    channels, height, width = shape
    return np.moveaxis(rows.reshape(len(rows), height, width, channels), 3, 1)
