"""Pixels of a screen that Textual drew as SVG, cell by cell: ``python docs/pixels.py FILE...``.

Renderers of SVG take the widths of their own font and drop the spaces before a word; in a terminal
every character has its cell. It needs the font DejaVu Sans Mono.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from PIL import Image, ImageDraw, ImageFont

_CELL = 12.2, 24.4
"""Width and height of a cell in Textual's SVG."""
_STYLE = re.compile(r"\.(\S+) \{ fill: (#\w{6})([^}]*)\}")
_SVG = "{http://www.w3.org/2000/svg}"
_BLOCKS = {"▀": (0, 0, 8, 4), "█": (0, 0, 8, 8), "▌": (0, 0, 4, 8), "▐": (4, 0, 8, 8)} | {
    sign: (0, 7 - at, 8, 8) for at, sign in enumerate("▁▂▃▄▅▆▇")
}
"""Left, top, right and bottom in eighths of a cell: a font leaves seams between them."""


class Words(NamedTuple):
    """Characters from a cell on, in one style."""

    row: int
    column: int
    text: str
    colour: str
    bold: bool


class Ground(NamedTuple):
    """The background of some cells of a row."""

    row: int
    column: int
    width: int
    colour: str


def pixels(svg: str, height: int = 20) -> Image.Image:
    """Draw a screen with cells of this height in pixels."""
    tree = ElementTree.fromstring(svg)
    fonts = _font("DejaVuSansMono", height), _font("DejaVuSansMono-Bold", height)
    width = round(fonts[0].getlength("M"))
    columns, rows = (
        _cells(tree[1][0][0].get(name), at) for at, name in enumerate(("width", "height"))
    )
    image = Image.new("RGB", (columns * width, rows * height))
    draw = ImageDraw.Draw(image)
    for row, column, wide, colour in _grounds(tree):
        left, top = column * width, row * height
        draw.rectangle((left, top, left + wide * width - 1, top + height - 1), colour)
    for words in _words(tree, svg):
        for at, sign in enumerate(words.text, words.column):
            left, top = at * width, words.row * height
            if sign in _BLOCKS:
                eighths = zip(_BLOCKS[sign], (width, height) * 2, strict=True)
                x0, y0, x1, y1 = (round(part * side / 8) for part, side in eighths)
                draw.rectangle((left + x0, top + y0, left + x1 - 1, top + y1 - 1), words.colour)
            elif "\u2800" <= sign <= "\u28ff":
                for dot in _dots(ord(sign) - 0x2800, width, height):
                    x, y = left + dot[0], top + dot[1]
                    draw.rectangle((x, y, x + 1, y + 1), words.colour)
            elif not sign.isspace():
                draw.text((left, top), sign, words.colour, fonts[words.bold])
    return image


def _dots(bits: int, width: int, height: int) -> Iterator[tuple[int, int]]:
    """The places of the dots of a braille character, which the font lacks."""
    order = (0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)
    for bit, (column, row) in enumerate(order):
        if bits >> bit & 1:
            yield round(width * (0.25 + 0.5 * column)) - 1, round(height * (0.125 + 0.25 * row)) - 1


@cache
def _font(name: str, height: int) -> ImageFont.FreeTypeFont:
    try:
        # The font is 1.164 times as high as its nominal size.
        return ImageFont.truetype(f"{name}.ttf", height / 1.164)
    except OSError:
        sys.exit("Pixels need the font DejaVu Sans Mono; on Debian and Ubuntu: fonts-dejavu-core.")


def _cells(length: str | None, axis: int = 0, offset: float = 0.0) -> int:
    return round((float(length or 0) - offset) / _CELL[axis])


def _grounds(tree: ElementTree.Element) -> Iterator[Ground]:
    for rect in tree.iter(f"{_SVG}rect"):
        if rect.get("shape-rendering") and _cells(rect.get("width")):
            row = _cells(rect.get("y"), 1, 1.5)
            colour = rect.get("fill", "")
            yield Ground(row, _cells(rect.get("x")), _cells(rect.get("width")), colour)


def _words(tree: ElementTree.Element, svg: str) -> Iterator[Words]:
    styles = {name: (colour, "bold" in rest) for name, colour, rest in _STYLE.findall(svg)}
    for text in tree.iter(f"{_SVG}text"):
        colour, bold = styles.get(text.get("class", ""), ("", False))
        if colour and text.text and text.get("clip-path"):
            row = _cells(text.get("y"), 1, 20)
            yield Words(row, _cells(text.get("x")), text.text.rstrip("\n"), colour, bold)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        pixels(Path(name).read_text()).save(Path(name).with_suffix(".png"))
