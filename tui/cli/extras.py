"""What a training on the command line writes besides its run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cnn_tui.engine.runs.writer import Sink


@dataclass(frozen=True)
class Extras:
    """The choice of a command line."""

    tensorboard: Path | None

    @property
    def words(self) -> Sequence[str]:
        """The options that say the same to another process."""
        return ("--tensorboard", str(self.tensorboard)) if self.tensorboard else ()

    def sinks(self) -> Sequence[Sink]:
        """Whoever is to be told of the run.

        Raises:
            RunError: if it cannot be written where it was chosen to.
        """
        if self.tensorboard is None:
            return ()
        from cnn_tui.engine.export.tensorboard import TensorBoard

        return (TensorBoard(self.tensorboard),)
