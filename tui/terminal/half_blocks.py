"""Pictures as text: each character shows two pixels, its upper and its lower half."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rich.style import Style
from rich.text import Text

_UPPER = "▀"
_SHADES = " .:-=+*#%@"
"""Dark to light, as most terminals are dark."""
_LUMA = (0.299, 0.587, 0.114)


def half_blocks(image: NDArray[np.uint8]) -> Text:
    """Draw an image ``(C, H, W)`` of one or three channels, two of its rows per line."""
    pixels = _in_pairs(_rgb(image))
    return Text("\n").join(_line(*rows) for rows in pixels)


def shades(image: NDArray[np.uint8]) -> Text:
    """Draw the image in ASCII at the same size, for terminals without colours or half blocks."""
    grey = (_in_pairs(_rgb(image)) @ np.array(_LUMA)).mean(axis=1)
    steps = np.clip(grey * len(_SHADES) / 256, 0, len(_SHADES) - 1).astype(int)
    return Text("\n".join("".join(_SHADES[step] for step in row) for row in steps.tolist()))


def fitted(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Scale an image so that its longer side has at most ``side`` pixels, and at least half.

    Smaller images are enlarged by a whole number; larger ones are averaged.
    """
    height, width = image.shape[1:]
    longer = max(height, width)
    if longer <= side:
        by = side // longer
        return image.repeat(by, axis=1).repeat(by, axis=2)
    rows, columns = (
        _means(length, max(1, round(length * side / longer))) for length in (height, width)
    )
    small: NDArray[np.uint8] = np.rint(rows @ image.astype(float) @ columns.T).astype(np.uint8)
    return small


def _means(length: int, parts: int) -> NDArray[np.float64]:
    """Return the shares of each of ``length`` pixels in each of ``parts`` equal parts."""
    edges, starts = np.linspace(0, length, parts + 1)[:, None], np.arange(length)
    shared = np.minimum(edges[1:], starts + 1) - np.maximum(edges[:-1], starts)
    shares: NDArray[np.float64] = np.clip(shared, 0, None) * parts / length
    return shares


def _in_pairs(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return pixels ``(H / 2, 2, W, 3)``; an odd last row is paired with black."""
    if len(pixels) % 2:
        pixels = np.concatenate([pixels, np.zeros_like(pixels[:1])])
    return pixels.reshape(-1, 2, *pixels.shape[1:])


def _rgb(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return pixels ``(H, W, 3)``."""
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
