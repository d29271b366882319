"""The builder without its screen: a document, a chosen row, and what follows from both."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Any

from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.doctor import apply_fix
from cnn_tui.engine.specs.explain import received_by
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.report import Fix
from cnn_tui.tui import edits
from cnn_tui.tui.document import Document
from cnn_tui.tui.forms import with_value
from cnn_tui.tui.outline import Row, outline
from cnn_tui.tui.palette import new_layer


class Builder:
    """Every edit goes through here: the document moves on, report and rows follow."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.cursor = 0
        self._check()

    @property
    def network(self) -> Network:
        """The present network."""
        return self.document.network

    @property
    def row(self) -> Row:
        """The chosen row."""
        return self.rows[self.cursor]

    def select(self, cursor: int) -> None:
        """Choose a row by its position."""
        self.cursor = max(0, min(cursor, len(self.rows) - 1))

    def find(self, key: str) -> None:
        """Choose a row by its key; stay where there is none."""
        at = next((at for at, row in enumerate(self.rows) if row.key == key), self.cursor)
        self.select(at)

    def insert(self, kind: str, classes: int) -> None:
        """Put a new layer behind the chosen row."""
        path = self._behind()
        received = received_by(self.network, self.report, path)
        self._edit(edits.insert(self.network, path, new_layer(kind, received, classes)), path)

    def remove(self) -> None:
        """Take out the chosen layer; the row after it is chosen then."""
        if self.row.path:
            self._edit(edits.remove(self.network, self.row.path), self.row.path)

    def duplicate(self) -> None:
        """Put a copy behind the chosen layer and choose it."""
        if self.row.path:
            self._edit(edits.duplicate(self.network, self.row.path), self._behind())

    def move(self, by: int) -> None:
        """Shift the chosen layer inside its list."""
        if self.row.path:
            self._edit(*edits.move(self.network, self.row.path, by))

    def set_field(self, name: str, value: Any) -> None:
        """Give a field of the chosen row a valid value."""
        network = with_value(self.network, self.row, name, value)
        self._edit(network, self.row.path, merge=f"{self.row.key} {name}")

    def fix(self, fix: Fix) -> None:
        """Apply a remedy."""
        self._edit(apply_fix(self.network, fix), (fix.layer - 1,) if fix.layer else ())

    def undo(self) -> bool:
        """One step back; False at the beginning."""
        return self._travelled(self.document.undo())

    def redo(self) -> bool:
        """One step forward again; False if there is none."""
        return self._travelled(self.document.redo())

    def open(self, network: Network, source: FilePath | None) -> None:
        """Go on with another network."""
        self.document.open(network, source)
        self.cursor = 0
        self._check()

    def _behind(self) -> edits.Path:
        if self.row.path:
            return (*self.row.path[:-1], self.row.path[-1] + 1)
        return (0,) if self.row.kind == "input" else (len(self.network.layers),)

    def _edit(self, network: Network, path: edits.Path, merge: str = "") -> None:
        place = edits.number(path) if path else self.row.key
        if self.document.edit(network, place, merge):
            self._check()
            self.find(place)

    def _travelled(self, place: str | None) -> bool:
        if place is not None:
            self._check()
            self.find(place)
        return place is not None

    def _check(self) -> None:
        self.report = check(self.network)
        self.rows = outline(self.network, self.report)
        self.select(self.cursor)
