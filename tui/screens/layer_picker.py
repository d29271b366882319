"""The palette of layers: what can be inserted and what each kind does."""

from __future__ import annotations

from cnn_tui.engine.specs.layers import LAYER_TYPES
from cnn_tui.tui.screens.dialog import Item, Picker


class LayerPicker(Picker):
    """Picks a kind of layer by its name in files."""

    def __init__(self) -> None:
        items = [Item(name, kind.info.help) for name, kind in LAYER_TYPES.items()]
        super().__init__("Insert a layer", items)
