"""The pre-flight: whether the network can be trained, a line for each check."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Static

from cnn_tui.engine.specs.network import Network
from cnn_tui.tui.dashboard.preflight_rows import preflight_rows
from cnn_tui.tui.screens.dialog import TitledWindow
from cnn_tui.tui.screens.experiment import ExperimentDialog
from cnn_tui.tui.session import load_compatible, progress_of
from cnn_tui.tui.threads import Experiment
from cnn_tui.tui.widgets.lines import TextLines

if TYPE_CHECKING:
    from cnn_tui.engine.training.checks.bench import CheckResult

Next = Literal["train", "recipe"]
"""What to do after the checks."""


class PreflightDialog(ExperimentDialog["CheckResult", Next]):
    """Returns what to do next."""

    BINDINGS = [
        Binding("enter", "finish", show=False),
        Binding("f5", "finish('train')", show=False),
        Binding("t", "finish('recipe')", show=False),
    ]

    def __init__(self, network: Network, data_dir: Path | None, fps: float) -> None:
        super().__init__(Experiment(self._check), fps)
        self._network, self._data_dir = network, data_dir
        self._names: tuple[str, ...] = ()

    def compose(self) -> ComposeResult:
        of = f"Pre-flight: {self._network.name} on {self._network.data}"
        with TitledWindow(of, classes="experiment"):
            yield TextLines()
            yield Static(classes="hint")

    def _check(self, stopping: Callable[[], bool]) -> Generator[CheckResult, None, None]:
        from cnn_tui.engine.cores import default_threads
        from cnn_tui.engine.training.preflight import CHECKS, preflight

        self._names = tuple(CHECKS)
        network, dataset, _ = load_compatible(
            self._network,
            self._data_dir,
            progress_of(self.prepare, stopping),
            skip_damaged=True,
        )
        yield from preflight(network, dataset, threads=default_threads(), stopping=stopping)

    def show(self) -> None:
        lines = self.query_one(TextLines)
        rows = preflight_rows(
            self._names,
            tuple(self.experiment.results),
            *lines.content_size,
            seconds=self.experiment.seconds,
            over=self.over or self.experiment.cancelled,
            trouble=self.trouble,
        )
        lines.rows = tuple(rows)
        keys = "F5 trains, t opens the recipe, esc closes"
        going = "x stops, esc closes and stops"
        self.say(keys if self.over else self.preparation or going)
