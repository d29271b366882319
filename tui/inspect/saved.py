"""Views as files: pictures as PNG, everything as SVG."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.errors import InsightError
from cnn_tui.engine.storage import Storage, replace_file
from cnn_tui.tui.inspect.canvas import Canvas, Seen
from cnn_tui.tui.rows import Line
from cnn_tui.tui.terminal.half_blocks import UPPER
from cnn_tui.tui.words import clean

ENDINGS = (".png", ".svg")
_WIDTH = 100
_CELL = (8, 16)
"""Width and height of a character of an SVG, in pixels."""
_COLOURS = {
    "": "#d0d0d0",
    "strong": "#ffffff",
    "dim": "#9e9e9e",
    "faint": "#626262",
    "accent": "#5fafd7",
    "warn": "#ffaf5f",
    "error": "#ff5f5f",
    "good": "#87af87",
}
_GROUND = "#1c1c1c"


def save(seen: Seen, path: Path, heading: str) -> None:
    """Write a view to a PNG or an SVG file.

    Raises:
        InsightError: if the ending is another, or the view has no pictures for a PNG, or the file
            cannot be written.
    """
    kind = path.suffix.lower()
    if kind not in ENDINGS:
        raise InsightError(f"{path} ends neither in .png nor in .svg.", "Name one of these.")
    if kind == ".svg":
        drawn = seen.drawn(Canvas(_WIDTH, None))
        words = [((line, "strong" if not at else ""),) for at, line in enumerate(seen.said)]
        content = svg([((heading, "dim"),), (), *drawn.lines, (), *words]).encode()
    else:
        pixels = seen.pixels()
        if pixels is None:
            raise InsightError("This view has no pictures for a PNG.", "An .svg file shows it.")
        content = png(pixels)
    try:
        replace_file(Storage(), path, [content])
    except OSError as error:
        raise InsightError(f"{path} cannot be written: {error.strerror}.") from None


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Encode pixels ``(H, W, 3)``. PNG specification, third edition, section 5."""
    height, width, _ = pixels.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)
    header = struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(name: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)


def svg(lines: Sequence[Line]) -> str:
    """Draw rows of text and half blocks, each character in a cell of the same size."""
    wide, high = _CELL
    parts = []
    for y, line in enumerate(lines):
        x = 0
        for text, role in line:
            parts.append(_run(clean(text), role, x * wide, y * high))
            x += len(text)
    width = wide * max([1, *(sum(len(text) for text, _ in line) for line in lines)])
    size = f'width="{width}" height="{high * len(lines)}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="monospace" font-size="13" '
        f'shape-rendering="crispEdges"><rect {size} fill="{_GROUND}"/>{"".join(parts)}</svg>\n'
    )


def _run(text: str, role: str, x: int, y: int) -> str:
    wide, high = _CELL
    width = wide * len(text)
    if role.startswith("#") and text.strip(UPPER) == "":
        upper, _, lower = role.partition("/")
        halves = ((upper, y), (lower, y + high // 2)) if lower else ((upper, y),)
        return "".join(
            f'<rect x="{x}" y="{top}" width="{width}" height="{high // 2}" fill="{colour}"/>'
            for colour, top in halves
        )
    if not text.strip():
        return ""
    name = next((word for word in reversed(role.split()) if word in _COLOURS), "")
    return (
        f'<text x="{x}" y="{y + high - 4}" textLength="{width}" fill="{_COLOURS[name]}" '
        f'xml:space="preserve">{escape(text)}</text>'
    )
