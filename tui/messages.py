"""What the screens ask of the app. A message travels up from the screen that posts it."""

from __future__ import annotations

from textual.message import Message

from cnn_tui.engine.runs.folder import Reproduction, RunFolder
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training.control import Portion


class NetworkChanged(Message):
    """The network being built is another one."""


class TrainRequested(Message):
    """Start a run of the network being built; pause it after ``portion`` if that is given."""

    def __init__(self, portion: Portion | None = None) -> None:
        super().__init__()
        self.portion = portion


class RunSteered(Message):
    """The run of this app was paused, continued, changed or stopped."""


class EditRun(Message):
    """Build on the network of a run, with its weights."""

    def __init__(self, folder: RunFolder) -> None:
        super().__init__()
        self.folder = folder


class WatchRun(Message):
    """Show a run, live if a process trains it."""

    def __init__(self, folder: RunFolder) -> None:
        super().__init__()
        self.folder = folder


class ResumeRun(Message):
    """Continue a run in this app: ``network`` is its own, perhaps with more epochs.

    It continues from its furthest state, or from that ``from_step``.
    """

    def __init__(self, folder: RunFolder, network: Network, from_step: int | None) -> None:
        super().__init__()
        self.folder, self.network, self.from_step = folder, network, from_step


class RepeatRun(Message):
    """Train a run once more: ``network`` is its own, or differs in what ``again`` says."""

    def __init__(self, folder: RunFolder, network: Network, again: Reproduction) -> None:
        super().__init__()
        self.folder, self.network, self.again = folder, network, again
