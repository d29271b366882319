"""Filters for every line before it is sent: control characters, colours and glyphs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

from cnn_tui.tui.terminal.link import Link


class Printable(LineFilter):
    """Replaces characters that could control the terminal, wherever the text came from."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [
            segment
            if segment.control or segment.text.isprintable()
            else segment._replace(text=to_printable(segment.text))
            for segment in segments
        ]


class ColorsOff(LineFilter):
    """Removes colours: marked rows are reversed, the rest keeps bold and underline."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [
            Segment(text, style and _without_color(style), control)
            for text, style, control in segments
        ]


class Ascii(LineFilter):
    """Replaces drawing characters by the nearest ASCII, other letters by ``?``."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [
            segment if segment.text.isascii() else segment._replace(text=to_ascii(segment.text))
            for segment in segments
        ]


def filters_for(link: Link) -> Sequence[LineFilter]:
    """Return the filters that a link needs."""
    filters: list[LineFilter] = []
    if link.color == "none":
        filters.append(ColorsOff())
    if link.ascii:
        filters.append(Ascii())
    return filters


def to_printable(text: str) -> str:
    """Replace characters that are not printable; the width stays the same."""
    return "".join(char if char.isprintable() else _stand_in(char) for char in text)


def _stand_in(char: str) -> str:
    return (" " if char.isspace() else "?") * cell_len(char)


def to_ascii(text: str) -> str:
    """Replace characters that are not ASCII; the width stays the same."""
    return text if text.isascii() else "".join(map(_ascii, text))


@lru_cache(1024)
def _without_color(style: Style) -> Style:
    return Style(bold=style.bold, underline=style.underline, reverse=_marks(style) or None)


def _marks(style: Style) -> bool:
    """Whether the background is a colour, which marks something, rather than a grey."""
    if style.bgcolor is None or style.bgcolor.is_default:
        return bool(style.reverse)
    red, green, blue = style.bgcolor.get_truecolor()
    return max(red, green, blue) - min(red, green, blue) > _GREY


_GREY = 24

_GLYPHS = {
    **dict.fromkeys("━═", "="),
    **dict.fromkeys("─╌┄┈╴╶▔▁—", "-"),
    **dict.fromkeys("│┃║╎┆▏▎▍▕▌▐", "|"),
    **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╰╯╔╗╚╝┏┓┗┛", "+"),
    **dict.fromkeys("█▉▊▋■▇▆", "#"),
    **dict.fromkeys("▓▀▅", "%"),
    **dict.fromkeys("▒▄▃", ":"),
    **dict.fromkeys("░▂", "."),
    **dict.fromkeys("•●◆", "*"),
    **dict.fromkeys("○◇", "o"),
    "…": "~",
    "×": "x",
    "·": ".",
    "→": ">",
    "←": "<",
    "↑": "^",
    "↓": "v",
    "▲": "^",
    "▶": ">",
    "▸": "+",
    "▼": "v",
    "▾": "-",
    "✓": "+",
    "✗": "x",
    "Δ": "D",
    "“": '"',
    "”": '"',
    " ": " ",
}

_BRAILLE = range(0x2800, 0x2900)
_LEFT, _RIGHT = (0, 1, 2, 6), (3, 4, 5, 7)
"""Bits of the dots from top to bottom."""


@lru_cache(1024)
def _ascii(char: str) -> str:
    if char.isascii():
        return char
    if ord(char) in _BRAILLE:
        return _dots(ord(char) - _BRAILLE.start)
    return _GLYPHS.get(char, "?" * cell_len(char))


def _dots(bits: int) -> str:
    """Return the ASCII character whose ink is nearest to the dots of a braille character."""
    left = [row for row, bit in enumerate(_LEFT) if bits >> bit & 1]
    right = [row for row, bit in enumerate(_RIGHT) if bits >> bit & 1]
    rows = sorted({*left, *right})
    if not rows:
        return " "
    slope = _mean(right) - _mean(left) if left and right else 0.0
    if abs(slope) > 1:
        return "\\" if slope > 0 else "/"
    if rows[-1] - rows[0] > 1:
        return "|"
    return "'--_"[rows[0]] if left and right else "'-,."[rows[-1]]


def _mean(rows: list[int]) -> float:
    return sum(rows) / len(rows)
