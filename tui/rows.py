"""Styled text and table rows: what models return and widgets, or commands, draw."""

from __future__ import annotations

from dataclasses import dataclass

Run = tuple[str, str]
"""A text and its role: names from ``LOOKS``, such as ``cursor dim``; the last one wins."""

Line = tuple[Run, ...]


def unstyled(text: str = "") -> Line:
    """Return a row without styling."""
    return ((text, ""),)


@dataclass(frozen=True)
class Column:
    """A heading; if there is no room, columns with the highest ``rank`` are hidden first."""

    title: str
    right: bool = False
    rank: int = 0
    role: str = ""
    """The role of its cells, for a column that is to be quieter than the others."""
    most: int = 1_000
    """The width beyond which it takes only what the other columns leave."""


@dataclass(frozen=True)
class TableRow:
    """A row: its key, a cell for each column, and a role."""

    key: str
    cells: tuple[str, ...]
    role: str = ""


def bar(fraction: float, width: int) -> Line:
    """Return a bar and its percentage, rounded down so that a full bar means complete."""
    full = int(min(1.0, max(0.0, fraction)) * width)
    return (
        ("━" * full, "accent"),
        ("─" * (width - full), "faint"),
        (f" {int(fraction * 100):>3}%", ""),
    )


_EIGHTHS = " ▏▎▍▌▋▊▉█"


def block_bar(fraction: float, width: int) -> str:
    """Return a bar of ``width`` columns, to an eighth of one; what is not nothing is seen."""
    eighths = min(8 * width, max(fraction > 0, round(fraction * 8 * width)))
    full, rest = divmod(eighths, 8)
    return f"{'█' * full}{_EIGHTHS[rest] if rest else ''}".ljust(width)


@dataclass(frozen=True)
class Item:
    """A line of a list to pick from."""

    key: str
    text: str
