"""Training events as lines of text."""

from __future__ import annotations

import math
from collections.abc import Mapping

from cnn_tui.engine.specs.wording import plain
from cnn_tui.engine.training.events import (
    Alert,
    AlertCleared,
    BatchCompleted,
    EpochCompleted,
    RunEnded,
    RunEvent,
    RunPaused,
    RunResumed,
    RunStarted,
    SettingChanged,
)
from cnn_tui.tui.words import balanced_words, clock, count


def event_line(event: RunEvent, told: Mapping[tuple[str, str], str] | None = None) -> str:
    """Return the event as one line of text; empty for events that need none.

    ``told`` has earlier alerts in short by code and layer, to say which one is over.
    """
    return plain(_words(event, told or {}))


def _words(event: RunEvent, told: Mapping[tuple[str, str], str]) -> str:
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
            return "resumed"
        case Alert():
            return _alert(event)
        case AlertCleared():
            gist = told.get((event.code, event.layer), "an earlier alert")
            return f"  no longer: {gist}{f' ({event.layer})' if event.layer else ''}"
        case RunEnded():
            return _ended(event)
        case _:
            return ""


def _started(event: RunStarted) -> str:
    kept = f", run {event.run}" if event.run else ""
    engine = f", {event.engine}" if event.engine.startswith("torch") else ""
    origin = f", from the weights of {event.origin}" if event.origin else ""
    since = f", from step {event.from_step:,} on" if event.from_step else ""
    if event.program:
        of = f"{event.arch} on {event.data}" if event.data else event.arch
        return f"{of}: trained by {event.program}{kept}"
    return (
        f"{event.arch} on {event.data}: {event.params:,} parameters, "
        f"{event.train_images:,} images; {event.epochs} x {event.batches:,} batches of "
        f"{event.batch_size}, {event.optimizer}, lr {event.lr:g}, seed {event.seed}, "
        f"{count(event.threads, 'thread')}{engine}{origin}{kept}{since}"
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
    return f"{mark} {event.message}{where}{remedy}"


def step_line(event: BatchCompleted) -> str:
    """Return the figures of a step."""
    return (
        f"step {event.step:,} of epoch {event.epoch}"
        f"{_figures('loss', event.loss, event.accuracy)}{_rate(event)}  {clock(event.seconds)}"
    )


def _epoch(event: EpochCompleted) -> str:
    return (
        f"epoch {event.epoch:3}{_figures('train', event.train_loss, event.train_accuracy)}"
        f"{_figures('val', event.val_loss, event.val_accuracy)}"
        f"{balanced_words(event.val_balanced_accuracy)}{_rate(event)}  {clock(event.seconds)}"
    )


def _figures(split: str, loss: float, accuracy: float) -> str:
    """Loss and accuracy; another program's training may report only one of them, or none."""
    if math.isnan(accuracy):
        return "" if math.isnan(loss) else f"  {split} {loss:.4f}"
    return f"  {split} {loss:.4f} {accuracy:6.1%}"


def _rate(event: BatchCompleted | EpochCompleted) -> str:
    lr = "" if math.isnan(event.lr) else f"  lr {event.lr:.3g}"
    speed = event.images_per_second
    return f"{lr}  {speed:,.0f} images/s" if speed else lr


def _ended(event: RunEnded) -> str:
    parts = [f"{event.reason} after {event.step:,} steps in {clock(event.seconds)}"]
    if event.best_val_accuracy is not None:
        parts.append(f"best val {event.best_val_accuracy:.2%} at epoch {event.best_epoch}")
    if event.test_accuracy is not None:
        balanced = balanced_words(event.test_balanced_accuracy)
        parts.append(
            f"test loss {event.test_loss:.4f}, accuracy {event.test_accuracy:.2%}{balanced}"
        )
    if event.reason == "completed" and event.message:
        parts.append(event.message.rstrip("."))
    return "; ".join(parts)
