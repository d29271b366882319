"""What a training without the app prints: JSON, plain lines, or lines above a progress bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from cnn_tui.engine.specs.wording import plain
from cnn_tui.engine.training.events import (
    Alert,
    AlertCleared,
    BatchCompleted,
    EpochCompleted,
    LayersMeasured,
    RunEnded,
    RunEvent,
    RunPaused,
    RunResumed,
    RunStarted,
    SettingChanged,
)
from cnn_tui.tui.cli.output import print_json, print_line
from cnn_tui.tui.words import clock, count

Reporter = Callable[[RunEvent], None]


LOG_EVERY = 60.0
"""Seconds between two lines of a log, where nobody said otherwise."""


@contextmanager
def reporter(*, as_json: bool = False, log_every: float | None = None) -> Iterator[Reporter]:
    """The one that suits: JSON if asked for, a progress bar on a terminal, else plain lines.

    ``log_every``: at most how often steps are told, in seconds of training.
    """
    if as_json:
        yield _JSONReporter(log_every)
    elif Console().is_terminal:
        with _progress() as progress:
            yield _ProgressReporter(progress, log_every)
    else:
        yield _LineReporter(log_every or LOG_EVERY)


def report_json(event: RunEvent) -> None:
    """One event per line. Steps are left out: they are many, and their means follow."""
    if not isinstance(event, BatchCompleted | LayersMeasured):
        print_json(event)


def report_lines(event: RunEvent) -> None:
    """Print the event if it is worth a line."""
    line = event_line(event)
    if line:
        print_line(line)


class _Pace:
    """Picks out of many steps one every so many seconds of training; none without a pace."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds, self._last = seconds, 0.0

    def due(self, event: BatchCompleted) -> bool:
        """Whether this step is to be told."""
        if self._seconds is None or event.seconds - self._last < self._seconds:
            return False
        self._last = event.seconds
        return True


class _JSONReporter:
    """As ``report_json``, with a step now and then."""

    def __init__(self, log_every: float | None) -> None:
        self._pace = _Pace(log_every)

    def __call__(self, event: RunEvent) -> None:
        if isinstance(event, BatchCompleted) and self._pace.due(event):
            print_json(event)
        report_json(event)


class _LineReporter:
    """As ``report_lines``, with a step now and then."""

    def __init__(self, log_every: float) -> None:
        self._pace = _Pace(log_every)

    def __call__(self, event: RunEvent) -> None:
        if isinstance(event, BatchCompleted) and self._pace.due(event):
            print_line(_step(event))
        report_lines(event)


def event_line(event: RunEvent) -> str:
    """The event in words and figures, empty for those that need none."""
    match event:
        case RunStarted():
            return _started(event)
        case EpochCompleted():
            return _epoch(event)
        case SettingChanged():
            return _changed(event)
        case RunPaused():
            return f"paused after step {event.step:,}"
        case RunResumed():
            return "goes on"
        case Alert():
            return _alert(event)
        case AlertCleared():
            return f"  over: {event.code}{f' ({event.layer})' if event.layer else ''}"
        case RunEnded():
            return _ended(event)
        case _:
            return ""


def _started(event: RunStarted) -> str:
    kept = f", run {event.run}" if event.run else ""
    since = f", from step {event.from_step:,} on" if event.from_step else ""
    return (
        f"{event.arch} on {event.data}: {event.params:,} parameters, "
        f"{event.train_images:,} images; {event.epochs} x {event.batches:,} batches of "
        f"{event.batch_size}, {event.optimizer}, lr {event.lr:g}, seed {event.seed}, "
        f"{count(event.threads, 'thread')}{kept}{since}"
    )


def _changed(event: SettingChanged) -> str:
    name = event.name.replace("_", " ")
    old, new = ("as described" if v is None else f"{v:g}" for v in (event.old, event.new))
    return f"{name} {new} (was {old}) from step {event.step + 1:,} on"


def _alert(event: Alert) -> str:
    new = event.layer and event.layer not in event.message
    where = f" ({event.layer})" if new else ""
    remedy = f" {event.remedy.description}" if event.remedy else ""
    mark = "+" if event.severity == "praise" else "!"
    return plain(f"{mark} {event.message}{where}{remedy}")


def _step(event: BatchCompleted) -> str:
    return (
        f"step {event.step:,} of epoch {event.epoch}  loss {event.loss:.4f} {event.accuracy:6.1%}  "
        f"lr {event.lr:.3g}  {event.images_per_second:,.0f} images/s  {clock(event.seconds)}"
    )


def _epoch(event: EpochCompleted) -> str:
    return (
        f"epoch {event.epoch:3}  train loss {event.train_loss:.4f} {event.train_accuracy:6.1%}  "
        f"val loss {event.val_loss:.4f} {event.val_accuracy:6.1%}  lr {event.lr:.3g}  "
        f"{event.images_per_second:,.0f} images/s  {clock(event.seconds)}"
    )


def _ended(event: RunEnded) -> str:
    parts = [f"{event.reason} after {event.step:,} steps in {clock(event.seconds)}"]
    if event.best_val_accuracy is not None:
        parts.append(f"best val {event.best_val_accuracy:.2%} at epoch {event.best_epoch}")
    if event.test_accuracy is not None:
        parts.append(f"test loss {event.test_loss:.4f}, accuracy {event.test_accuracy:.2%}")
    if event.reason == "completed" and event.message:
        parts.append(event.message.rstrip("."))
    return "; ".join(parts)


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    return Progress(*columns, transient=True, refresh_per_second=4)


class _ProgressReporter:
    """Lines as elsewhere, above one bar for the whole run."""

    def __init__(self, progress: Progress, log_every: float | None) -> None:
        self._progress, self._pace = progress, _Pace(log_every)
        self._task: TaskID | None = None

    def __call__(self, event: RunEvent) -> None:
        if isinstance(event, BatchCompleted) and self._pace.due(event):
            line = _step(event)
        else:
            line = event_line(event)
        if line:
            self._progress.console.print(line, markup=False, highlight=False, soft_wrap=True)
        if isinstance(event, RunStarted):
            self._task = self._progress.add_task("epoch 1", total=event.epochs * event.batches)
        elif isinstance(event, BatchCompleted) and self._task is not None:
            self._progress.update(
                self._task, completed=event.step, description=f"epoch {event.epoch}"
            )
