"""Commands on trained weights: take a run's network up with them, keep carried ones as a run."""

from __future__ import annotations

from functools import partial

from textual import work

from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.specs.network import Network
from cnn_tui.tui.aside import aside
from cnn_tui.tui.building.trained import Trained
from cnn_tui.tui.commands.documents import DocumentCommands
from cnn_tui.tui.screens.files import complain
from cnn_tui.tui.words import clean


class WeightCommands(DocumentCommands, inherit_bindings=False):
    """Adds what brings weights into the builder and out of it."""

    trained_network: Network | None = None
    """What the run under way, or the last one, trains."""

    def take_news(self) -> bool:
        """Fold the news in; the weights of a run that has ended are in hand from then on."""
        news = super().take_news()
        kept, ended = self.board.kept, self.board.ended
        if news and kept and ended and ended.reason != "failed" and self.trained_network:
            self.builder.latest = Trained(kept, self.trained_network)
        return news

    @work
    async def build_on(self, folder: RunFolder) -> None:
        """Take up the network of a run, with what it has learned."""
        try:
            network = folder.network()
        except CnnTuiError as error:
            complain(self, error)
            return
        if await self.may_replace():
            self.builder.open(network, None, Trained(folder, network))
            await self.switch_mode("build")
            self.notify(
                f"The network of {folder.name}, with its weights: T carries them over, F5 trains "
                "on from them, W keeps them as a run.",
                markup=False,
            )
            self.call_later(self.show_network)

    def action_keep_weights(self) -> None:
        """Keep the present network with its trained weights as a run of its own."""
        trained = self.builder.weights
        if trained is None:
            self.notify(
                "There are no trained weights for this network: train it, or take up a run with "
                "e in Runs. Weights follow the rewrites of T, and edits that change no shape."
            )
            return
        network, note = self.builder.network, f"weights of {trained.words}"
        work = partial(_keep, trained, network, note)
        aside(self, work, self._kept_weights, partial(complain, self))

    def _kept_weights(self, folder: RunFolder) -> None:
        words = f"Kept as the run {clean(folder.name)}: predict, export and resume take it."
        self.notify(words, markup=False)


def _keep(trained: Trained, network: Network, note: str) -> RunFolder:
    # NumPy takes longer to import than the first screen may take.
    from cnn_tui.engine.runs.keep_weights import keep_weights

    return keep_weights(network, trained.weights(network), trained.folder, note)
