"""Pictures as text: each character shows two pixels, its upper and its lower half."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rich.style import Style
from rich.text import Text

_UPPER = "▀"


def half_blocks(image: NDArray[np.uint8]) -> Text:
    """An image ``(C, H, W)`` of one or three channels, a line for every two of its rows."""
    pixels = _rgb(image)
    if len(pixels) % 2:
        pixels = np.concatenate([pixels, np.zeros_like(pixels[:1])])
    return Text("\n").join(_line(*rows) for rows in pixels.reshape(-1, 2, *pixels.shape[1:]))


def shrunk(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The image so small that neither side is longer than ``side``, each pixel a mean of many."""
    channels, height, width = image.shape
    by = -(-max(height, width) // side)
    rows, columns = -(-height // by), -(-width // by)
    filled = np.pad(image, ((0, 0), (0, rows * by - height), (0, columns * by - width)), "edge")
    means = filled.reshape(channels, rows, by, columns, by).mean(axis=(2, 4))
    small: NDArray[np.uint8] = np.rint(means).astype(np.uint8)
    return small


def _rgb(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``(H, W, 3)``."""
    colour = np.repeat(image[:1], 3, axis=0) if len(image) < 3 else image[:3]
    last: NDArray[np.uint8] = np.moveaxis(colour, 0, 2)
    return last


def _line(upper: NDArray[np.uint8], lower: NDArray[np.uint8]) -> Text:
    line = Text()
    for above, below in zip(upper.tolist(), lower.tolist(), strict=True):
        style = Style(color=f"rgb({_list(above)})", bgcolor=f"rgb({_list(below)})")
        line.append(_UPPER, style)
    return line


def _list(pixel: list[int]) -> str:
    return ",".join(map(str, pixel))
