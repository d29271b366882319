"""Which blocks of the list of layers are folded: their contents are hidden."""

from __future__ import annotations

from cnn_tui.engine.specs.inside import BLOCKS, Place, lists_in, walk_layers
from cnn_tui.engine.specs.layers import Layer
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.places import layer_at

MOST_ROWS = 100
"""Layers of a network that opens unfolded; a longer one opens as an overview of its blocks."""


class Folds:
    """The folded blocks, by object: one stays folded wherever edits move it, and through undo."""

    def __init__(self) -> None:
        # The layer as well, so that its id is not reused.
        self._folded: dict[int, Layer] = {}

    def __contains__(self, layer: object) -> bool:
        return id(layer) in self._folded

    def shows(self, layer: Layer) -> bool:
        """Whether the contents of a block are shown."""
        return layer not in self

    def fold(self, layer: Layer) -> None:
        """Hide the contents of a block."""
        self._folded[id(layer)] = layer

    def unfold(self, layer: Layer) -> None:
        """Show the contents of a block."""
        self._folded.pop(id(layer), None)

    def fold_all(self, network: Network) -> None:
        """Fold every block, also those inside others."""
        for layer in _blocks(network):
            self.fold(layer)

    def unfold_all(self, network: Network) -> None:
        """Unfold every block."""
        for layer in _blocks(network):
            self.unfold(layer)

    @classmethod
    def of(cls, network: Network) -> Folds:
        """Return the folded blocks of a network that is opened."""
        folds = cls()
        folds.begin(network)
        return folds

    def begin(self, network: Network) -> None:
        """Fold the blocks of a network that is opened, if it is long."""
        if sum(1 for _ in walk_layers(network.layers)) > MOST_ROWS:
            self.fold_all(network)

    def follow(self, before: Layer, after: Layer) -> None:
        """Keep a block folded whose settings have changed."""
        if before in self:
            self.fold(after)
        for old, new in zip(lists_in(before), lists_in(after), strict=False):
            for inner, copied in zip(old, new, strict=False):
                self.follow(inner, copied)

    def reveal(self, network: Network, place: Place) -> bool:
        """Unfold the blocks around a place, so far as it exists; returns whether any was folded."""
        hidden = False
        for end in range(1, len(place), 2):
            try:
                layer = layer_at(network, place[:end])
            except IndexError:
                break
            hidden |= layer in self
            self.unfold(layer)
        return hidden


def _blocks(network: Network) -> list[Layer]:
    return [layer for _, layer in walk_layers(network.layers) if isinstance(layer, BLOCKS)]
