"""Commands on the network as a document: undo, open, save, and keeping its weights."""

from __future__ import annotations

from functools import partial

from textual import work

from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.specs.network import Network
from cnn_tui.tui.building.builder import Builder
from cnn_tui.tui.screens.files import ask_for_network, complain, may_replace, save, save_as
from cnn_tui.tui.screens.mode import ModeScreen
from cnn_tui.tui.threads import run_in_thread
from cnn_tui.tui.words import clean


class DocumentScreen(ModeScreen):
    """A screen with the commands on the document of a builder."""

    def __init__(self, builder: Builder) -> None:
        super().__init__()
        self._builder = builder

    def edited(self, *, refill: bool = False) -> None:
        """Show the result of an edit, here and in the header.

        With ``refill`` the form as well, which has its own edits already.
        """
        raise NotImplementedError

    def action_undo(self) -> None:
        if not self._builder.undo():
            self.notify("Nothing to undo.")
        self.edited(refill=True)

    def action_redo(self) -> None:
        if not self._builder.redo():
            self.notify("Nothing to redo.")
        self.edited(refill=True)

    @work
    async def action_new_network(self) -> None:
        """Start with nothing but the input of the present network."""
        if await may_replace(self.app, self._builder):
            now = self._builder.network
            self._builder.open(Network(input=now.input, data=now.data), None)
            self.edited(refill=True)

    @work
    async def action_open_network(self) -> None:
        if await may_replace(self.app, self._builder):
            opened = await ask_for_network(self.app)
            if opened:
                self._builder.open(*opened)
                self.edited(refill=True)

    @work
    async def action_save_network(self) -> None:
        if await save(self.app, self._builder):
            self.edited()

    @work
    async def action_save_as(self) -> None:
        if await save_as(self.app, self._builder):
            self.edited()

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
