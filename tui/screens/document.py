"""Commands on the network as a document: undo, open, save, and keeping its weights."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual import work

from cnn_tui.engine.specs.network import Network
from cnn_tui.tui.building.builder import Builder
from cnn_tui.tui.screens.files import ask_for_network, complain, may_replace, save, save_as
from cnn_tui.tui.screens.mode import ModeScreen
from cnn_tui.tui.threads import run_in_thread
from cnn_tui.tui.words import clean

if TYPE_CHECKING:
    from cnn_tui.engine.runs.folder import RunFolder


class DocumentScreen(ModeScreen):
    """A screen with the commands on the document of a builder."""

    def __init__(self, builder: Builder) -> None:
        super().__init__()
        self._builder = builder

    def action_undo(self) -> None:
        if not self._builder.undo():
            self.notify("Nothing to undo.")

    def action_redo(self) -> None:
        if not self._builder.redo():
            self.notify("Nothing to redo.")

    @work
    async def action_new_network(self) -> None:
        """Start with nothing but the input of the present network."""
        now = self._builder.network
        empty = Network(input=now.input, data=now.data)
        if now == empty:
            self.notify("The network is new and empty already.")
        elif await may_replace(self.app, self._builder):
            self._builder.open(empty, None)

    @work
    async def action_open_network(self) -> None:
        # The list comes first: what is typed ahead is meant for it, not an answer to a question.
        opened = await ask_for_network(self.app)
        if opened and await may_replace(self.app, self._builder):
            self._builder.open(*opened)

    @work
    async def action_save_network(self) -> None:
        await save(self.app, self._builder)

    @work
    async def action_save_as(self) -> None:
        await save_as(self.app, self._builder)

    def action_keep_weights(self) -> None:
        """Write the network with its trained weights as a new run."""
        if self._builder.weights is None:
            self.notify(
                "There are no trained weights for this network: train it, or open a run with e in "
                "Runs. Weights survive transforms (T) and edits that keep all shapes."
            )
            return
        keep = partial(self._builder.weights.keep, self._builder.network)
        run_in_thread(self, keep, self._kept_weights, partial(complain, self.app))

    def _kept_weights(self, folder: RunFolder) -> None:
        words = f"Saved as the run {clean(folder.name)}: predict, export and resume accept it."
        self.notify(words, markup=False)
