"""Trained weights: a run, and the rewrites of the network since."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.param_shapes import ParamShapes, compatible, param_shapes
from cnn_tui.engine.specs.report import Report
from cnn_tui.engine.specs.rewrite import Rewrite

if TYPE_CHECKING:
    from cnn_tui.engine.runs.folder import RunFolder
    from cnn_tui.engine.transforms.carry import Weights


@dataclass(frozen=True)
class Trained:
    """A reference to weights, without the arrays: they may be large and are seldom needed."""

    folder: RunFolder
    network: Network
    """The network that the weights fit, after the rewrites."""
    rewrites: tuple[Rewrite, ...] = ()
    new_head: bool = False
    """Whether the last layer is another one, which begins with random weights."""

    @property
    def words(self) -> str:
        """The name of their run, their rewrites, and what is not theirs."""
        kinds = ", ".join(rewrite.kind.replace("-", " ") for rewrite in self.rewrites)
        through = f" through {kinds}" if kinds else ""
        return f"{self.folder.name}{through}{', a new last layer' if self.new_head else ''}"

    def fits(self, network: Network, report: Report) -> bool:
        """Whether ``network`` learns arrays of the same shapes, in the same order."""
        return compatible(self._learned, param_shapes(network, report))

    def but_for_the_head(self, network: Network, report: Report) -> Trained | None:
        """Return the weights for a network that differs in its last learned layer alone."""
        others = param_shapes(network, report)
        if not compatible(self._learned[:-1], others[:-1]) or not others:
            return None
        return replace(self, new_head=True)

    @cached_property
    def _learned(self) -> tuple[ParamShapes, ...]:
        return param_shapes(self.network, check(self.network))

    def through(self, rewritten: Rewrite) -> Trained:
        """Return the weights of the rewritten network."""
        return replace(self, network=rewritten.after, rewrites=(*self.rewrites, rewritten))

    def weights(self, network: Network) -> Weights:
        """Read the arrays for a network that they fit; blocking, so call it on a thread.

        Raises:
            CnnTuiError: The run is gone, has no checkpoint, or the weights do not fit.
        """
        from cnn_tui.engine.export.states import read_state
        from cnn_tui.engine.transforms.carry import carry, renamed
        from cnn_tui.engine.transforms.fine_tune import starting_weights

        state = read_state(self.folder)
        now, weights = state.network, state.weights
        for rewrite in self.rewrites:
            weights = carry(rewrite, renamed(weights, now, rewrite.before))
            now = rewrite.after
        return starting_weights(network, now, weights, new_head=self.new_head)

    def keep(self, network: Network) -> RunFolder:
        """Write a network with the weights as a new run; blocking, so call it on a thread.

        Raises:
            CnnTuiError: The weights cannot be read or the run cannot be written.
        """
        from cnn_tui.engine.runs.keep_weights import keep_weights

        return keep_weights(network, self.weights(network), self.folder, f"weights of {self.words}")
