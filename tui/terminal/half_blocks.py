"""Pictures as text: each character shows two pixels, its upper and its lower half.

A picture has the same size in every form: in colours, in glyphs for 16 colours, and in ASCII.
"""

from __future__ import annotations

import operator
from functools import lru_cache
from itertools import groupby
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.style import Style
from rich.text import Text

from cnn_tui.tui.rows import Line
from cnn_tui.tui.terminal.link import Form
from cnn_tui.tui.terminal.palettes import rising, signed, weights_in_colour

UPPER = "▀"
_SHADES: dict[Form, str] = {"glyphs": " ░▒▓█", "ascii": " .:-=+*#%@"}
"""Glyphs from dark to light, as most terminals are dark."""
_SIGNS: dict[Form, str] = {"glyphs": "=-·+#", "ascii": "=-.+#"}
"""Glyphs from minus to plus: they show the sign, which the colour repeats."""
_STEPS = (-0.5, -0.12, 0.12, 0.5)
"""The shares of the scale at which one sign ends and the next begins."""
_HUES = ("#55ffff", "#5555ff", "#555555", "#aa5500", "#ffff55")
"""Colours of the signs, each one of the 16."""
_LUMA = (0.299, 0.587, 0.114)
_MARKS = "xX"
"""Glyphs of pixels in colour among grey ones, dark and light."""
_MARKED = f"{_HUES[4]}/"
_COLOURED = 25
"""Difference of red and blue from which a pixel is not grey."""


class Picture(NamedTuple):
    """Pixels or numbers ``(C, H, W)`` to draw."""

    values: NDArray[Any]
    kind: Literal["image", "marked", "signed", "map"] = "image"
    """Pixels from 0 to 255, or grey ones with some marked in orange; weights around zero, in colour
    if they are of three channels; or a map from zero up. Of other numbers of channels the mean is
    drawn."""
    scale: float = 255.0
    """The number that gets the full colour."""


def lines_of(picture: Picture, form: Form) -> list[Line]:
    """Draw a picture, two of its rows per line; roles are colours, ``#upper/#lower``."""
    if form == "blocks":
        pixels = colours_of(picture)
        lower = [*pixels[1::2], None] if len(pixels) % 2 else pixels[1::2]
        return list(map(_blocks, pixels[::2], lower))
    if picture.kind == "signed":
        return [_signs(row, form) for row in _halved(_plane(picture)) / (picture.scale or 1.0)]
    plane = colours_of(picture) @ np.array(_LUMA)
    if picture.kind == "map":
        # The root, as a few shades would leave weak responses in the dark.
        plane = np.sqrt(np.clip(_plane(picture) / (picture.scale or 1.0), 0, 1)) * 255
    plane, shades = _halved(plane), _SHADES[form]
    steps = np.clip(plane * len(shades) / 256, 0, len(shades) - 1).astype(int)
    glyphs = np.array([*shades])[steps]
    marked = np.zeros(plane.shape, bool)
    if picture.kind == "marked":
        marked = _halved(picture.values[0].astype(float) - picture.values[2]) > _COLOURED
        glyphs[marked] = np.array([*_MARKS])[(plane[marked] > 127).astype(int)]
    return [_runs(row, marks) for row, marks in zip(glyphs.tolist(), marked.tolist(), strict=True)]


def _runs(glyphs: list[str], marked: list[bool]) -> Line:
    runs = groupby(zip(glyphs, marked, strict=True), key=operator.itemgetter(1))
    return tuple(
        ("".join(glyph for glyph, _ in run), _MARKED if mark else "") for mark, run in runs
    )


def colours_of(picture: Picture) -> NDArray[np.uint8]:
    """Return the pixels ``(H, W, 3)`` of a picture."""
    match picture.kind:
        case "image" | "marked":
            return _rgb(picture.values)
        case "signed" if len(picture.values) == 3:
            return weights_in_colour(picture.values, picture.scale)
        case "signed":
            return signed(_plane(picture), picture.scale)
    return rising(_plane(picture), picture.scale)


def as_text(lines: list[Line]) -> Text:
    """Return lines of pictures as text of rich's."""
    rows = [Text.assemble(*((text, style_of(role) or "") for text, role in row)) for row in lines]
    return Text("\n").join(rows)


@lru_cache(4096)
def style_of(role: str) -> Style | None:
    """Return the style of a colour, ``#upper/#lower``; None for any other role."""
    if not role.startswith("#"):
        return None
    upper, _, lower = role.partition("/")
    return Style(color=upper, bgcolor=lower or None)


def fitted(image: NDArray[Any], side: int) -> NDArray[Any]:
    """Scale an image so that its longer side has at most ``side`` pixels, and at least half.

    Smaller images are enlarged by a whole number; larger ones are averaged.
    """
    height, width = image.shape[1:]
    longer = max(height, width)
    if longer <= side:
        return enlarged(image, side // longer)
    rows, columns = (
        _means(length, max(1, round(length * side / longer))) for length in (height, width)
    )
    small = rows @ image.astype(float) @ columns.T
    whole: NDArray[Any] = np.rint(small) if image.dtype == np.uint8 else small
    return whole.astype(image.dtype)


def enlarged(image: NDArray[Any], by: int) -> NDArray[Any]:
    """Repeat each pixel ``by`` times in both directions."""
    larger: NDArray[Any] = image.repeat(by, axis=1).repeat(by, axis=2)
    return larger


def _means(length: int, parts: int) -> NDArray[np.float64]:
    """Return the shares of each of ``length`` pixels in each of ``parts`` equal parts."""
    edges, starts = np.linspace(0, length, parts + 1)[:, None], np.arange(length)
    shared = np.minimum(edges[1:], starts + 1) - np.maximum(edges[:-1], starts)
    shares: NDArray[np.float64] = np.clip(shared, 0, None) * parts / length
    return shares


def _plane(picture: Picture) -> NDArray[np.floating]:
    """Return the mean over the channels ``(H, W)``; numbers that are not finite count as zero."""
    values = picture.values.astype(float)
    mean: NDArray[np.floating] = np.nan_to_num(values, posinf=0.0, neginf=0.0).mean(axis=0)
    return mean


def _halved(plane: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the means of two rows each; an odd last row stands alone."""
    if len(plane) % 2:
        plane = np.concatenate([plane, plane[-1:]])
    halved: NDArray[np.floating] = (plane[::2] + plane[1::2]) / 2
    return halved


def _rgb(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return pixels ``(H, W, 3)``."""
    colour = np.repeat(image[:1], 3, axis=0) if len(image) < 3 else image[:3]
    last: NDArray[np.uint8] = np.moveaxis(colour, 0, 2)
    return last


def _blocks(upper: NDArray[np.uint8], lower: NDArray[np.uint8] | None) -> Line:
    """A line of half blocks; without a lower row the terminal's background shows there."""
    above = [f"#{pixel.tobytes().hex()}/" for pixel in upper]
    below = [""] * len(above) if lower is None else [f"#{p.tobytes().hex()}" for p in lower]
    runs = groupby(map(operator.add, above, below))
    return tuple((UPPER * len(list(same)), role) for role, same in runs)


def _signs(shares: NDArray[np.floating], form: Form) -> Line:
    steps = groupby(np.digitize(shares, _STEPS).tolist())
    return tuple((_SIGNS[form][step] * len(list(same)), f"{_HUES[step]}/") for step, same in steps)
