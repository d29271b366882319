"""Messages from screens to the app."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from cnn_tui.engine.recording.logs import ForeignLog
    from cnn_tui.engine.runs.folder import Reproduction, RunFolder
    from cnn_tui.engine.specs.network import Network
    from cnn_tui.engine.sweeps.folder import SweepFolder
    from cnn_tui.engine.training.control import Portion


class TrainRequested(Message):
    """Start a run of the network being built; pause after ``portion`` if it is given."""

    def __init__(self, portion: Portion | None = None) -> None:
        super().__init__()
        self.portion = portion


class RunSteered(Message):
    """The run of this app was paused, continued, changed or stopped."""


class EditRun(Message):
    """Edit the network of a run, with its weights."""

    def __init__(self, folder: RunFolder) -> None:
        super().__init__()
        self.folder = folder


class WatchRun(Message):
    """Show a run, live if a process is training it, or the log of another program."""

    def __init__(self, source: RunFolder | ForeignLog) -> None:
        super().__init__()
        self.source = source


class PlayDemo(Message):
    """Play a recorded run: its folder, or a file of its events."""

    def __init__(self, path: Path, speed: float = 1.0, *, loop: bool = False) -> None:
        super().__init__()
        self.path, self.speed, self.loop = path, speed, loop


class WatchSweep(Message):
    """Show a sweep, live if it runs."""

    def __init__(self, folder: SweepFolder) -> None:
        super().__init__()
        self.folder = folder


class PresetWanted(Message):
    """Open a preset in Build."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


class DataWanted(Message):
    """Use a dataset for the network in Build."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


class LessonWanted(Message):
    """Begin or continue a lesson: its name, or the path of its file."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


class ViewShown(Message):
    """A view of Inspect has shown what it found in a run."""

    def __init__(self, run: str, view: str, layers: tuple[str, ...], found: object) -> None:
        """``found`` is what ``inspect --json`` prints.

        It is about each of ``layers``; an empty name is the first that the view can show.
        """
        super().__init__()
        self.run, self.view, self.layers, self.found = run, view, layers, found


class InspectRun(Message):
    """Look inside a run."""

    def __init__(self, folder: RunFolder) -> None:
        super().__init__()
        self.folder = folder


class ResumeRun(Message):
    """Resume a run in this app; ``network`` is its own, perhaps with more epochs.

    It resumes from its latest checkpoint, or from the one at ``from_step``.
    """

    def __init__(self, folder: RunFolder, network: Network, from_step: int | None) -> None:
        super().__init__()
        self.folder, self.network, self.from_step = folder, network, from_step


class ReproduceRun(Message):
    """Train a run again; ``network`` is its own, or differs as ``again`` says."""

    def __init__(self, folder: RunFolder, network: Network, again: Reproduction) -> None:
        super().__init__()
        self.folder, self.network, self.again = folder, network, again
