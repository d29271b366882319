"""Commands on the selected layers, blocks and branches."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from cnn_tui.engine.specs.inside import lists_in
from cnn_tui.engine.specs.layers import LAYER_TYPES, Repeat
from cnn_tui.tui import screens
from cnn_tui.tui.actions import keyed
from cnn_tui.tui.building.branches import WRAPS
from cnn_tui.tui.rows import Item
from cnn_tui.tui.screens.document import DocumentScreen
from cnn_tui.tui.widgets.layer_table import LayerTable
from cnn_tui.tui.words import count

_NO_LAYER = "This row is not a layer: select one with up and down."
_NO_BLOCK = "No block is here: {list.wrap} puts the selected layers into one."
_UNWRAP = Item("unwrap", "the layers of the block in its place, one after the other")
_COPIES = Item("write out", "every copy of the repeated layers in its place")


class EditingScreen(DocumentScreen):
    """A screen with the commands that change a list of layers."""

    def action_extend(self, by: int) -> None:
        before = self._builder.cursor
        self._builder.select(before + by, extend=True)
        self.present()
        if self._builder.cursor == before:
            self.notify("There is no further row to select.")

    def action_copy(self) -> None:
        """Copy the selected layers to the clipboard, as quick entry reads them."""
        from cnn_tui.engine.specs.quick.write import to_quick

        layers = self._builder.selected
        if layers:
            self.app.copy_to_clipboard(to_quick(layers))
        copied = f"Copied {count(len(layers), 'layer')} as text." if layers else _NO_LAYER
        self.notify(copied)

    def action_remove_layer(self) -> None:
        self._change(self._builder.remove, self._why_not("deleted"))

    def action_duplicate(self) -> None:
        self._change(self._builder.duplicate, self._why_not("duplicated"))

    def action_move(self, by: int) -> None:
        where = "up" if by < 0 else "down"
        is_fixed = self._builder.selection is None and self._builder.row.kind != "branch"
        why = _NO_LAYER if is_fixed else f"It cannot move further {where}."
        self._change(partial(self._builder.move, by), why)

    def action_fold(self) -> None:
        self._look(self._builder.fold, "Only the layers inside a block can be folded.")

    def action_unfold(self) -> None:
        self._look(self._builder.unfold, "Only a block can be unfolded.")
        self.query_one(LayerTable).reveal(self._builder.inside)

    def action_fold_all(self) -> None:
        self._look(self._builder.fold_all, "The network has no blocks to fold.")

    def action_wrap(self) -> None:
        """Pick a block for the selected layers, or take the selected block apart."""
        layers = self._builder.selected
        if not layers:
            self.notify(_NO_LAYER)
            return
        items = [Item(kind, LAYER_TYPES[kind].info.help) for kind in WRAPS]
        if len(layers) == 1 and lists_in(layers[0]):
            items.append(_UNWRAP)
            if isinstance(layers[0], Repeat):
                items.append(_COPIES)
        title = f"Wrap {count(len(layers), 'layer')}"
        self.app.push_screen(screens.Picker(title, items), self._wrap)

    def _wrap(self, choice: str | None) -> None:
        if choice in (_UNWRAP.key, _COPIES.key):
            self._builder.unwrap(copies=choice == _COPIES.key)
        elif choice:
            self._builder.wrap(choice)

    def action_add_branch(self) -> None:
        self._change(self._builder.add_branch, keyed(_NO_BLOCK))

    def _look(self, change: Callable[[], bool], why_not: str) -> None:
        """Change what is shown of the network, or say why not."""
        if change():
            self.present()
        else:
            self.notify(why_not)

    def _why_not(self, done: str) -> str:
        return f"This branch cannot be {done}." if self._builder.row.kind == "branch" else _NO_LAYER

    def _change(self, change: Callable[[], None], why_not: str) -> None:
        """Change the network, or say why it stays as it is."""
        before = self._builder.network
        change()
        if self._builder.network is before:
            self.notify(why_not)
