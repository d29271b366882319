"""The rows of a network with a cursor: selecting them, and folding blocks."""

from __future__ import annotations

from abc import ABC, abstractmethod

from cnn_tui.engine.specs.inside import Layers, number, place_numbered
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.places import layer_at
from cnn_tui.engine.specs.report import Report
from cnn_tui.tui.building import edits
from cnn_tui.tui.building.folds import Folds
from cnn_tui.tui.building.outline import Row, outline


class RowList(ABC):
    """The rows that are shown, and which of them are selected."""

    report: Report
    rows: tuple[Row, ...]

    def __init__(self, cursor: int, folds: Folds) -> None:
        self.cursor = cursor
        self._folds = folds
        self._anchor: edits.Path | None = None
        """The other end of a selection of several rows; None for the row of the cursor alone."""

    @property
    @abstractmethod
    def network(self) -> Network:
        """The network that the rows show."""

    def redraw_rows(self) -> None:
        """Rebuild the rows after an edit or a fold, and select that of the cursor alone."""
        self._anchor = None
        self.rows = outline(self.network, self.report, self._folds)
        self.select(self.cursor)

    @property
    def row(self) -> Row:
        """The selected row."""
        return self.rows[self.cursor]

    @property
    def selection(self) -> tuple[edits.Path, int] | None:
        """The path of the first selected layer and their number; None on a row that is no layer.

        Two rows of different lists select the layers of the list that contains both.
        """
        here = self.row.path
        anchor = self._anchor or here
        if not here or (self._anchor is None and self.row.kind != "layer"):
            return None
        common = _common(here, anchor)
        first, last = sorted((here[common], anchor[common]))
        return (*here[:common], first), last - first + 1

    @property
    def span(self) -> tuple[edits.Path, int] | None:
        """The selection, or all layers of the branch whose heading is selected."""
        if self.selection or self.row.kind != "branch":
            return self.selection
        first = (*self.row.path, 0)
        count = len(edits.siblings(self.network, first))
        return (first, count) if count else None

    @property
    def selected(self) -> Layers:
        """The selected layers, or those of the selected branch."""
        return edits.block(self.network, *self.span) if self.span else ()

    @property
    def marked(self) -> frozenset[int]:
        """Positions of the rows that are selected together, with those inside them."""
        if self._anchor is None or self.selection is None:
            return frozenset()
        (*above, first), count = self.selection
        tops = {(*above, at) for at in range(first, first + count)}
        depth = len(above) + 1
        inside = (at for at, row in enumerate(self.rows) if row.path[:depth] in tops)
        return frozenset(inside)

    @property
    def inside(self) -> int:
        """The number of rows of the contents of the selected block or branch."""
        path = self.row.path
        return sum(row.path[: len(path)] == path for row in self.rows) - 1 if path else 0

    def select(self, cursor: int, *, extend: bool = False) -> None:
        """Select a row by its position; ``extend`` also selects the rows up to it."""
        if not extend:
            self._anchor = None
        elif self._anchor is None and self.row.kind == "layer":
            self._anchor = self.row.path
        self.cursor = max(0, min(cursor, len(self.rows) - 1))

    def find(self, key: str) -> None:
        """Select a row by its key, unfolding what hides it; an unknown key changes nothing."""
        if self._folds.reveal(self.network, place_numbered(key)):
            self.redraw_rows()
        at = self._row_of(key)
        self.select(self.cursor if at is None else at)

    def fold(self) -> bool:
        """Hide the layers of a block, or go from a row inside one to its heading.

        Returns False on a row that is neither.
        """
        row = self.row
        if row.folded is False:
            self._folds.fold(layer_at(self.network, row.path))
            self.redraw_rows()
            return True
        above = row.block[:-1] if row.kind == "layer" else row.block
        if not above:
            return False
        heading = self._row_of(number(above))
        self.find(number(above if heading is not None else above[:-1]))
        return True

    def unfold(self) -> bool:
        """Show the layers of a block, or go to the first of them; returns False elsewhere."""
        row = self.row
        if row.folded:
            self._folds.unfold(layer_at(self.network, row.path))
            self.redraw_rows()
        elif row.folded is False or row.kind == "branch":
            self.select(self.cursor + 1)
        else:
            return False
        return True

    def fold_all(self) -> bool:
        """Fold all blocks, or unfold them if all are folded; returns False without blocks."""
        if all(row.folded is None for row in self.rows):
            return False
        top = number(self.row.path[:1]) or self.row.key
        if any(row.folded is False for row in self.rows):
            self._folds.fold_all(self.network)
        else:
            self._folds.unfold_all(self.network)
        self.redraw_rows()
        self.find(top)
        return True

    def _row_of(self, key: str) -> int | None:
        return next((at for at, row in enumerate(self.rows) if row.key == key), None)


def _common(path: edits.Path, other: edits.Path) -> int:
    """Return the length of the path of the innermost list that contains two rows."""
    most = min(len(path), len(other)) - 1
    shared = next((at for at in range(most) if path[at] != other[at]), most)
    return shared - shared % 2
