"""The builder without its screen: a document, a selected row, and their report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Any

import msgspec

from cnn_tui.engine.shapes import Shape
from cnn_tui.engine.specs.applying import apply_fix
from cnn_tui.engine.specs.check import check, check_with_data
from cnn_tui.engine.specs.fitting import fit_to_data, with_data
from cnn_tui.engine.specs.inside import Layers, list_letter, number, place_of
from cnn_tui.engine.specs.known_data import DataFacts, facts_for
from cnn_tui.engine.specs.layers import Parallel
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.places import layer_at, received_by
from cnn_tui.engine.specs.report import Fix
from cnn_tui.tui.building import branches, edits
from cnn_tui.tui.building.document import Document, Moment
from cnn_tui.tui.building.edits import new_layer
from cnn_tui.tui.building.folds import Folds
from cnn_tui.tui.building.forms import with_value
from cnn_tui.tui.building.row_list import RowList
from cnn_tui.tui.building.trained import Trained

_RECENT = 3
"""Edits that a fix may take back."""
_USUAL_CLASSES = 10


class Builder(RowList):
    """The one entry for edits: each updates the document, the report and the rows."""

    def __init__(self, document: Document, cursor: int = 0, folds: Folds | None = None) -> None:
        self.document = document
        super().__init__(cursor, folds or Folds.of(document.network))
        self._latest: Trained | None = None
        self._observers: list[Callable[[], None]] = []
        self._check()

    def subscribe(self, observer: Callable[[], None]) -> None:
        """Call ``observer`` after each change of the network, its file or its weights."""
        self._observers.append(observer)

    @property
    def network(self) -> Network:
        return self.document.network

    @property
    def latest(self) -> Trained | None:
        """Weights of the run that was trained last."""
        return self._latest

    @latest.setter
    def latest(self, trained: Trained | None) -> None:
        if trained != self._latest:
            self._latest = trained
            self._tell()

    @property
    def classes(self) -> int:
        """The number of classes of the data, so far as it is known."""
        return facts_for(self.network).classes or _USUAL_CLASSES

    @property
    def computes(self) -> bool:
        """Whether the layers fit each other, whatever the data."""
        return bool(self.network.layers) and check(self.network).valid

    @property
    def weights(self) -> Trained | None:
        """Trained weights that fit the present network, the newest first; None without any."""
        known = (self.latest, self.document.trained)
        return next(
            (trained for trained in known if trained and trained.fits(self.network, self.report)),
            None,
        )

    @property
    def start(self) -> Trained | None:
        """Trained weights to begin a run with: they fit, perhaps but for the last layer."""
        if self.weights is not None or not self.report.valid:
            return self.weights
        known = (self.latest, self.document.trained)
        others = (
            trained.but_for_the_head(self.network, self.report) for trained in known if trained
        )
        return next(filter(None, others), None)

    def insert(self, kind: str, classes: int, *, above: bool = False) -> None:
        """Insert a new layer after or before the selected row."""
        path = self._place(above)
        layer = new_layer(kind, received_by(self.network, self.report, path), classes)
        self._edit(edits.insert(self.network, path, layer), path)

    def insert_all(self, layers: Layers) -> None:
        """Insert layers after the selected row and select the last of them."""
        if layers:
            path = self._place()
            last = (*path[:-1], path[-1] + len(layers) - 1)
            self._edit(edits.insert(self.network, path, *map(edits.own, layers)), last)

    def preview(self, layers: Layers) -> Builder:
        """Return the builder after :meth:`insert_all`, with the new layers selected."""
        ahead = Builder(Document(self.network), self.cursor, self._folds)
        ahead.insert_all(layers)
        if layers:
            ahead._anchor = self._place()
        return ahead

    def source(self) -> str:
        """The input of layers inserted next, in words: the data, or a layer."""
        *above, at = self._place()
        if at:
            return f"after layer {number((*above, at - 1))}"
        if not above:
            return self.network.data
        *block, inner = above
        is_branch = isinstance(layer_at(self.network, tuple(block)), Parallel)
        branch = f"branch {list_letter(inner)} of " if is_branch else ""
        return f"in {branch}layer {number(tuple(block))}"

    def received(self) -> Shape | None:
        """Return what layers inserted next receive; None if it is unknown."""
        return received_by(self.network, self.report, self._place())

    def volume(self) -> tuple[int, int, int]:
        """The input shape of layers inserted next; the network's own if that is no volume."""
        shape = self.received() or ()
        return (shape[0], shape[1], shape[2]) if len(shape) == 3 else self.network.input

    def remove(self) -> None:
        """Delete the selected layers or the branch; then the next row is selected.

        Inside a block it is a row of the same list, or else its heading.
        """
        if self.selection:
            path, count = self.selection
            network = edits.remove(self.network, path, count)
            self._edit(network, edits.beside(network, path) if path[1:] else path)
        elif self.row.kind == "branch":
            self._edit(*branches.remove_branch(self.network, self.row.path))

    def duplicate(self) -> None:
        """Insert copies after the selected layers, or of the branch, and select them."""
        if self.selection:
            (*above, first), count = self.selection
            network = edits.duplicate(self.network, (*above, first), count)
            self._edit_many(network, (*above, first + count), count)
        elif self.row.kind == "branch":
            self._edit(*branches.duplicate_branch(self.network, self.row.path))

    def move(self, by: int) -> None:
        """Move the selected layers, also into and out of unfolded blocks, or the branch."""
        if self.selection:
            path, count = self.selection
            self._edit_many(*edits.move(self.network, path, by, count, self._folds.shows), count)
        elif self.row.kind == "branch":
            self._edit(*branches.move_branch(self.network, self.row.path, by))

    def add_branch(self) -> None:
        """Add an empty branch to the block of the selected row, or layers to its shortcut."""
        at = branches.block_around(self.network, self.row.path)
        if at is not None:
            shape = received_by(self.network, self.report, (*at[:-1], at[-1] + 1)) or (16,)
            self._edit(*branches.add_branch(self.network, self.row.path, shape[0]))

    def wrap(self, kind: str) -> None:
        """Put the selected layers into a new block of one of ``branches.WRAPS``."""
        if self.span:
            path, count = self.span
            self._edit(branches.wrap(self.network, path, count, kind), path)

    def unwrap(self, *, copies: bool = False) -> None:
        """Put the layers of the selected block in its place, of repeated ones once or each copy."""
        if self.row.folded is not None:
            path = self.row.path
            self._edit(branches.unwrap(self.network, path, copies=copies), path)

    def set_field(self, name: str, value: Any) -> None:
        """Set a field of the selected row to a valid value."""
        row = self.row
        network = with_value(self.network, row, name, value)
        if row.block:
            self._folds.follow(layer_at(self.network, row.block), layer_at(network, row.block))
        self._edit(network, (), merge=f"{row.key} {name}")

    def set_recipe(self, name: str, value: int | float) -> None:
        """Set a field of the recipe, wherever the cursor is."""
        self._edit(self.network.with_training(**{name: value}), ())

    def use_data(self, name: str) -> None:
        """Set other data, and what has to follow from it, as one edit."""
        self._edit(with_data(self.network, name), ())

    def fit(self, facts: DataFacts) -> None:
        """Fit input and scores to data that were read, as one edit."""
        self._edit(fit_to_data(self.network, facts), ())

    def fix(self, fix: Fix) -> None:
        """Apply a fix, and select what it changes."""
        place = place_of(f"layers[{fix.layer - 1}].{fix.field}")
        self.find(number(place))
        self._edit(apply_fix(self.network, fix), place)

    def rewrite(self, network: Network, trained: Trained | None = None) -> None:
        """Replace the network by an equivalent one, with its weights if there are any."""
        self._edit(network, self.row.path, trained=trained)

    def undo(self) -> bool:
        """Undo one edit; returns False at the beginning."""
        return self._travelled(self.document.undo())

    def redo(self) -> bool:
        """Redo one edit; returns False if there is none."""
        return self._travelled(self.document.redo())

    def open(
        self, network: Network, source: FilePath | None, trained: Trained | None = None
    ) -> None:
        """Open another network, and perhaps weights that belong to it."""
        self.document.open(network, source, trained)
        self._latest = None if trained else self._latest
        self._begin()

    def come_back(self, moment: Moment) -> None:
        """Take up an earlier network again, as it was."""
        self.document.come_back(moment)
        self._begin()

    def rename(self, name: str) -> None:
        """Rename the network."""
        self._edit(msgspec.structs.replace(self.network, name=name), ())

    def mark_saved(self, source: FilePath) -> None:
        """Record that ``source`` holds the network."""
        self.document.mark_saved(source)
        self._tell()

    def _place(self, above: bool = False) -> edits.Path:
        """Return the path of the next inserted layer."""
        row = self.row
        match row.kind:
            case "layer":
                return (*row.path[:-1], row.path[-1] + (not above))
            case "shortcut":
                return (*row.path, 0, len(edits.siblings(self.network, (*row.path, 0, 0))))
            case "branch":
                return (*row.path, 0)
            case "input":
                return (0,)
        return (len(self.network.layers),)

    def _edit_many(self, network: Network, path: edits.Path, count: int) -> None:
        """Edit the network, then select the ``count`` layers from ``path`` on."""
        together = self._anchor is not None
        if self._edit(network, (*path[:-1], path[-1] + count - 1)) and together:
            self._anchor = path
            self._tell()

    def _edit(
        self,
        network: Network,
        path: edits.Path,
        merge: str = "",
        trained: Trained | None = None,
    ) -> bool:
        place = number(path) if path else self.row.key
        if not self.document.edit(network, place, merge, trained, begun=self.row.key):
            return False
        self._check()
        self.find(place)
        self._tell()
        return True

    def _travelled(self, place: str | None) -> bool:
        if place is not None:
            self._check()
            self.find(place)
            self._tell()
        return place is not None

    def _tell(self) -> None:
        for observer in self._observers:
            observer()

    def _begin(self) -> None:
        self.cursor = 0
        self._folds.begin(self.network)
        self._check()
        self._tell()

    def _check(self) -> None:
        self.report = check_with_data(self.network, self.document.latest_edits(_RECENT))
        self.redraw_rows()
