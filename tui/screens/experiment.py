"""A window that runs an experiment step by step."""

from __future__ import annotations

from typing import Generic, TypeVar

from textual.binding import Binding
from textual.widgets import Static

from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.tui.screens.dialog import Dialog
from cnn_tui.tui.threads import Experiment, Result, run_in_thread
from cnn_tui.tui.words import clean

Outcome = TypeVar("Outcome")


class ExperimentDialog(Dialog[Outcome], Generic[Result, Outcome]):
    """Starts the experiment as it opens; closing the window cancels it."""

    BINDINGS = [
        Binding("q", "finish", "close", show=False),
        Binding("x", "cancel", "stop", show=False),
    ]

    def __init__(self, experiment: Experiment[Result], fps: float) -> None:
        super().__init__()
        self.experiment = experiment
        self._fps = fps
        self.over = False
        self.trouble = ""
        """Why the experiment failed."""
        self.preparation = ""
        """What is done before the first result, such as decoding pictures."""

    def on_mount(self) -> None:
        self.call_after_refresh(self.show)
        run_in_thread(self, self.experiment.run, lambda _: self._finished(), self._finished)
        self._timer = self.set_interval(1 / self._fps, self.show)

    def on_resize(self) -> None:
        self.call_after_refresh(self.show)

    def on_unmount(self) -> None:
        self.experiment.cancel()

    def show(self) -> None:
        """Show the results so far."""
        raise NotImplementedError

    def prepare(self, words: str) -> None:
        """Take what is done before the first result, on the thread of the experiment."""
        self.preparation = f"{words}; x stops" if words else ""

    def say(self, hint: str) -> None:
        """Update the line of keys."""
        line = self.query_one(".hint", Static)
        if line.content != hint:
            line.update(hint, layout=False)

    def _finished(self, error: CnnTuiError | None = None) -> None:
        self.over, self.trouble = True, clean(str(error)) if error else ""
        self._timer.stop()
        self.show()

    def action_cancel(self) -> None:
        """Cancel the experiment; its results stay visible."""
        self.experiment.cancel()
