"""Styled text and rows of tables: what models hand to widgets, and commands to a terminal."""

from __future__ import annotations

from dataclasses import dataclass

Run = tuple[str, str]
"""Text and its role: names out of ``LOOKS``, such as ``cursor dim``, the last of which wins."""

Line = tuple[Run, ...]


def unstyled(text: str = "") -> Line:
    """A row without any styling."""
    return ((text, ""),)


@dataclass(frozen=True)
class Column:
    """A heading; of the columns that do not fit, those of the highest ``rank`` go first."""

    title: str
    right: bool = False
    rank: int = 0


@dataclass(frozen=True)
class TableRow:
    """One row: what it stands for, a cell for each column, and how it looks."""

    key: str
    cells: tuple[str, ...]
    role: str = ""


def bar(fraction: float, width: int) -> Line:
    """A bar and its percentage; it counts down to whole columns, so that full means done."""
    full = int(min(1.0, max(0.0, fraction)) * width)
    return (
        ("━" * full, "accent"),
        ("─" * (width - full), "faint"),
        (f" {int(fraction * 100):>3}%", ""),
    )


@dataclass(frozen=True)
class Item:
    """Something to pick, in one line."""

    key: str
    text: str
