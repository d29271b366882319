"""The request to a view, the canvas on which it draws, and its answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cnn_tui.engine.errors import InsightError
from cnn_tui.tui.rows import Line
from cnn_tui.tui.terminal.link import Form
from cnn_tui.tui.words import short_name

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cnn_tui.engine.insight.subject import Subject
    from cnn_tui.engine.runs.folder import RunFolder
    from cnn_tui.engine.runs.watcher import Watcher


@dataclass(frozen=True)
class Wanted:
    """The request to a view; each takes what it needs."""

    layer: str = ""
    """The layer's name; empty for the first that has something to show."""
    image: int | Path = 0
    """An index in the validation split, or a picture file."""
    filters: tuple[int, ...] = ()
    """Filters to be taken out."""
    of_class: str = ""
    """A class by its name or number; empty for the one with the highest score."""
    pair: tuple[int, int] | None = None
    """The right class and the given one of mistakes; None for all."""
    at: tuple[int, int] | None = None
    """Row and column of an output; None for the largest."""
    size: tuple[int, int] | None = None
    """Height and width of a canvas; None for three images side by side."""
    flagged: bool = False
    """Take out those that the health of the layer flags instead."""
    seed: int = 0
    widths: tuple[int, ...] = ()
    """Numbers of filters to train with; none for some around that of the layer."""
    seeds: int = 3
    """Trainings with each of them."""
    epochs: int | None = None
    """Epochs of each training; None for those of the recipe."""
    folder: RunFolder | None = None
    """The run, if it has a folder; results that are runs are written beside it."""


@dataclass(frozen=True)
class Canvas:
    """The room of a view, and what is drawn of it."""

    width: int
    height: int | None
    """None for as many rows as there are."""
    form: Form = "blocks"
    page: int = 0
    chosen: int | None = None
    """The filter under the cursor."""
    zoom: int = 0
    """Steps by which pictures are drawn larger."""
    layer: str = ""
    """The layer that is drawn of those that were computed."""
    ground: int = 28
    """The grey of what is around the pictures, from 0 to 255."""

    def below(self, rows: int) -> Canvas:
        """Return the room below some rows."""
        return self if self.height is None else replace(self, height=self.height - rows)


@dataclass(frozen=True)
class Drawn:
    """Rows, and the number of pages of them."""

    lines: Sequence[Line]
    pages: int = 1
    order: Sequence[int] = ()
    """The filters on all pages in the order of drawing, for a cursor; empty without any."""
    on_a_page: int = 1
    """The number of them on a page."""
    window: tuple[tuple[int, int], tuple[int, int]] | None = None
    """Position of a window that the arrows move, and the size of what it moves in."""


class Seen(ABC):
    """The answer of a view."""

    @property
    @abstractmethod
    def said(self) -> Sequence[str]:
        """Sentences about what is drawn, the verdict first."""

    @property
    def where(self) -> str:
        """Which image, if it is about one; else empty."""
        return ""

    @abstractmethod
    def drawn(self, canvas: Canvas) -> Drawn:
        """Draw a page."""

    @abstractmethod
    def to_json(self) -> object:
        """Return the answer as ``--json`` prints it."""

    def pixels(self) -> NDArray[np.uint8] | None:
        """Return the pictures as one, ``(H, W, 3)``; None if it has none."""
        return None


def class_of(subject: Subject, wanted: Wanted) -> int | None:
    """Return the class that is asked for; None for the one with the highest score.

    Raises:
        InsightError: if there is no such class.
    """
    return subject.require_class(wanted.of_class) if wanted.of_class else None


def runs_beside(wanted: Wanted) -> tuple[Path, Path | None]:
    """Return the folder of runs in which networks to compare with are trained, and their data.

    Raises:
        InsightError: if the run is in no folder.
    """
    if wanted.folder is None:
        raise InsightError("This run is not kept in a folder, so there is no place beside it.")
    data_dir = wanted.folder.info().data_dir
    return wanted.folder.home, Path(data_dir) if data_dir else None


Compute = Callable[["Subject", Wanted, "Watcher"], Seen]


def paged(lines: Sequence[Line], canvas: Canvas, head: int = 0) -> Drawn:
    """Divide rows into pages; the first ``head`` of them stand on each."""
    if canvas.height is None or len(lines) <= canvas.height:
        return Drawn(lines)
    room = max(1, canvas.height - head)
    body = lines[head:]
    pages = -(-len(body) // room)
    start = min(canvas.page, pages - 1) * room
    return Drawn([*lines[:head], *body[start : start + room]], pages)


_LEAST_NAME = 12
"""Columns that the names of layers keep beside figures."""


def aligned(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    roles: Sequence[str] = (),
    width: int | None = None,
) -> list[Line]:
    """Return a heading and rows in columns: the first to the left, numbers to the right.

    With a ``width`` the first column, names of layers, is shortened so that the others fit.
    """
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    if width is not None:
        room = width - sum(widths[1:]) - 2 * len(widths)
        widths[0] = max(len(header[0]), min(widths[0], max(_LEAST_NAME, room)))
        rows = [(short_name(name, widths[0]), *figures) for name, *figures in rows]

    def line(cells: Sequence[str]) -> str:
        padded = (
            cell.ljust(width) if at in (0, len(widths) - 1) else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return f" {'  '.join(padded)}".rstrip()

    body = [((line(row), roles[at] if roles else ""),) for at, row in enumerate(rows)]
    return [((line(header), "dim"),), *body]
