"""What a trainer asks of whoever keeps its run."""

from __future__ import annotations

from cnn_tui.engine.model import Model
from cnn_tui.engine.optimizers import Optimizer
from cnn_tui.engine.training.events import RunEvent
from cnn_tui.engine.training.progress import Progress
from cnn_tui.engine.training.snapshot import Snapshot, Weights
from cnn_tui.engine.transforms.carry import load_weights


class Checkpointer:
    """Keeps nothing; the run folder's keeper takes its place.

    All methods are called on the trainer's thread, between two batches.
    """

    run = ""
    """The name of the run."""
    path = ""
    """Its folder."""
    again_of = ""
    """The name of the run that it repeats."""

    def __init__(self, weights: Weights | None = None) -> None:
        """Let a run that begins do so with these weights; None leaves it those that it drew."""
        self.weights = weights

    def restore(self, model: Model, optimizer: Optimizer) -> Progress | None:
        """Put back what was kept; None where a run begins.

        Raises:
            ShapeError: if the weights to begin with are those of another network.
        """
        if self.weights is not None:
            load_weights(model, self.weights)
        return None

    def best(self) -> Weights | None:
        """The weights of the best epoch of a run that goes on; None if they are not there."""

    def should_save(self) -> bool:
        """Whether it is time for :meth:`save`; asked after every step."""
        return False

    def save(self, snapshot: Snapshot, *, best: bool = False) -> None:
        """Keep a state; returns at once. ``best`` marks that of the best epoch so far."""

    def flush(self, *, completed: bool = False) -> None:
        """Wait until all that was to be kept is; ``completed`` at the end of a whole run."""

    def pending_events(self) -> list[RunEvent]:
        """What became of it since the last call, for the stream of events."""
        return []
