"""The output of a training without the app: JSON, plain lines, or lines above a progress bar."""

from __future__ import annotations

import sys
from typing import Self

import msgspec
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from cnn_tui.engine.training.events import (
    Alert,
    BatchCompleted,
    LayersMeasured,
    RunEvent,
    RunStarted,
)
from cnn_tui.tui.cli.event_lines import event_line, step_line
from cnn_tui.tui.cli.output import paints, print_json, print_line

LOG_EVERY = 60.0
"""Default seconds between two lines of a log."""


class LinesLeftOut(msgspec.Struct, frozen=True, tag="lines_left_out", tag_field="event"):
    """The line of ``--json`` in place of lines that were dropped for a slow reader."""

    count: int


class Reporter:
    """Prints training events as plain lines, steps at most once per interval."""

    pause: float | None = None
    """Seconds without an event after which :meth:`idle` is called; None for never."""

    def __init__(self, log_every: float | None = None) -> None:
        self._pace = _Pace(log_every)
        self._told: dict[tuple[str, str], str] = {}
        """Texts of the alerts in short, by code and layer."""

    def __enter__(self) -> Self:
        """Start printing."""
        return self

    def __exit__(self, *error: object) -> None:
        """Stop printing."""

    def wants(self, event: RunEvent) -> bool:
        """Whether the event is printed; called for every event, in order."""
        if isinstance(event, Alert):
            self._told[event.code, event.layer] = event.gist
        return (
            self._pace.due(event) if isinstance(event, BatchCompleted) else bool(event_line(event))
        )

    def show(self, event: RunEvent) -> None:
        if isinstance(event, BatchCompleted):
            self._print(step_line(event))
        else:
            self._print(event_line(event, self._told))

    def skip(self, count: int) -> None:
        """Print how many lines were dropped here."""
        self._print(f"({count:,} lines dropped: the reader was too slow)")

    def idle(self) -> None: ...

    def _print(self, line: str) -> None:
        print_line(line)


class JSONReporter(Reporter):
    """Prints one event per line as JSON."""

    def wants(self, event: RunEvent) -> bool:
        """Print all events but steps, which are many: of those only the ones that are due."""
        if isinstance(event, BatchCompleted):
            return self._pace.due(event)
        return not isinstance(event, LayersMeasured)

    def show(self, event: RunEvent) -> None:
        print_json(event)

    def skip(self, count: int) -> None:
        print_json(LinesLeftOut(count))


def reporter(*, as_json: bool = False, log_every: float | None = None) -> Reporter:
    """The one that suits: JSON if asked for, a progress bar on a terminal, else plain lines.

    ``log_every``: the least training time between two steps, in seconds.
    """
    if as_json:
        return JSONReporter(log_every)
    if paints(sys.stdout):
        return _BarReporter(log_every)
    return Reporter(log_every or LOG_EVERY)


class _Pace:
    """Selects one step per interval of training time; none without an interval."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds, self._last = seconds, 0.0

    def due(self, event: BatchCompleted) -> bool:
        """Whether this step is printed."""
        if self._seconds is None or event.seconds - self._last < self._seconds:
            return False
        self._last = event.seconds
        return True


class _BarReporter(Reporter):
    """Plain lines above one progress bar for the whole run."""

    pause = 0.25

    def __init__(self, log_every: float | None) -> None:
        super().__init__(log_every)
        columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
        # No refresh thread: if the terminal stalls, it would hold rich's locks.
        self._bar = Progress(
            *columns,
            transient=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._bar.add_task("epoch 1", visible=False)
        self._last: BatchCompleted | None = None

    def __enter__(self) -> Self:
        """Show the bar."""
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Remove the bar."""
        self._bar.stop()

    def wants(self, event: RunEvent) -> bool:
        """Whether the event is printed; the bar shows the last step in any case."""
        if isinstance(event, BatchCompleted):
            self._last = event
        return super().wants(event)

    def show(self, event: RunEvent) -> None:
        if isinstance(event, RunStarted):
            self._bar.update(self._task, total=event.epochs * event.batches, visible=True)
        self._move()
        super().show(event)

    def idle(self) -> None:
        self._move()
        self._bar.refresh()

    def _move(self) -> None:
        if self._last is not None:
            description = f"epoch {self._last.epoch}"
            self._bar.update(self._task, completed=self._last.step, description=description)

    def _print(self, line: str) -> None:
        self._bar.console.print(line, markup=False, emoji=False, highlight=False, soft_wrap=True)
