"""The interface through which a trainer saves and restores its run."""

from __future__ import annotations

from cnn_tui.engine.protocol import Engine, EngineOptimizer
from cnn_tui.engine.training.events import RunEvent
from cnn_tui.engine.training.progress import Progress
from cnn_tui.engine.training.snapshot import Snapshot, Weights
from cnn_tui.engine.transforms.carry import load_weights


class Checkpointer:
    """A checkpointer that saves nothing; the recorder of a run folder overrides it.

    All methods are called on the trainer's thread, between two batches.
    """

    run = ""
    """The name of the run."""
    path = ""
    """The folder of the run."""
    again_of = ""
    """The name of the run that this one reproduces."""
    origin = ""
    """The name of the run whose weights this one begins with."""

    def __init__(self, weights: Weights | None = None) -> None:
        """Start a new run from these weights; None for random ones."""
        self.weights = weights

    def restore(self, model: Engine, optimizer: EngineOptimizer) -> Progress | None:
        """Load the saved state into model and optimizer; returns None for a new run.

        Raises:
            ShapeError: if the initial weights belong to another network.
        """
        if self.weights is not None:
            load_weights(model, self.weights)
        return None

    def best(self) -> Weights | None:
        """The weights of the best epoch of a resumed run; None if they are missing."""

    def should_save(self) -> bool:
        """Whether a checkpoint is due; called after every step."""
        return False

    def save(self, snapshot: Snapshot, *, best: bool = False, lasting: bool = False) -> None:
        """Save a state in the background; ``best`` marks that of the best epoch so far.

        A ``lasting`` one is not replaced by those after it.
        """

    def flush(self, *, completed: bool = False) -> None:
        """Wait until every state is saved; ``completed`` at the end of a complete run."""

    def pending_events(self) -> list[RunEvent]:
        """Events about saving since the last call, for the trainer to emit."""
        return []
