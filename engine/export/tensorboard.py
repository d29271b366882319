"""Writes a run for TensorBoard, as the runs train, val and test below its name.

The three share their tags, so that their curves share a chart.
"""

from __future__ import annotations

import datetime
import math
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import UnsetType

from cnn_tui.engine.errors import RunError, reason_of
from cnn_tui.engine.export.event_file import EventFile, event_files
from cnn_tui.engine.files import is_folder
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.follow import Follower
from cnn_tui.engine.runs.lines import read_events
from cnn_tui.engine.storage import Storage, temporary_name
from cnn_tui.engine.training.events import (
    BatchCompleted,
    EpochCompleted,
    LayerHealth,
    LayersMeasured,
    RunEnded,
    RunEvent,
    RunStarted,
    ValidationCompleted,
    step_of,
)
from cnn_tui.engine.training.events import Scalars as Further

SPLITS = ("train", "val", "test")
Scalars = tuple[str, int, dict[str, float]]
"""Split, step, and values by tag."""

_FLUSHED = 1000
"""Number of events between two writes of an export."""
_FIGURES = ("update_ratio", "gradient_norm", "weight_norm", "zeros", "dead", "saturated")


class TensorBoard:
    """Writes a run while it trains; the thread of the recorder passes the events.

    A resumed run purges what was written after its checkpoint, and first writes the earlier
    events if they are missing.

    Args:
        root: The folder for TensorBoard's ``--logdir``.
        storage: The disk.

    Raises:
        RunError: if the folder cannot be made.
    """

    trouble = "TensorBoard's files cannot be written"

    def __init__(self, root: Path, storage: Storage | None = None) -> None:
        self._root, self._storage = root, storage or Storage()
        self._files: dict[str, EventFile] = {}
        make_root(root)

    def take(self, event: RunEvent) -> None:
        """Buffer the scalars of an event."""
        if isinstance(event, RunStarted):
            self._begin(event)
        self._add(event, time.time())

    def flush(self) -> None:
        """Write the buffered scalars to disk."""
        for file in self._files.values():
            file.flush()

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()

    def _begin(self, event: RunStarted) -> None:
        past = self._past(event) if event.from_step else ()
        for split in SPLITS:
            self._files[split] = self._new_file(event, split)
        for when, earlier in past:
            self._add(earlier, when)

    def _new_file(self, event: RunStarted, split: str) -> EventFile:
        folder = self._root / event.run / split
        # The run resumes after this step, perhaps before its validation.
        void_from = event.from_step + (split != "val") if event.from_step else 0
        return EventFile(self._storage, folder, void_from, time.time())

    def _past(self, event: RunStarted) -> list[tuple[float, RunEvent]]:
        """The earlier events that the new files have to contain."""
        folder = RunFolder(Path(event.path))
        if not event_files(self._root / event.run / "train"):
            events = (e for e in Follower(folder).poll() if step_of(e) <= event.from_step)
            return list(_timed(events, folder))
        validations = [
            earlier
            for earlier in read_events(folder.events_file)
            if isinstance(earlier, ValidationCompleted) and earlier.step == event.from_step
        ]
        return list(_timed(validations[-1:], folder))

    def _add(self, event: RunEvent, when: float) -> None:
        for split, step, values in filter(_has_values, scalars(event)):
            if split in self._files:
                self._files[split].add(step, values, when)


def make_root(root: Path) -> None:
    """Make the folder for TensorBoard.

    Raises:
        RunError: if the folder cannot be made.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(
            f"TensorBoard's files cannot be written in {root}: {reason_of(error)}.",
            "Name another folder.",
        ) from None


def write_tensorboard(folder: RunFolder, target: Path) -> None:
    """Write a whole run to the folder ``target``, replacing it completely or not at all.

    Raises:
        OSError: if the folder cannot be written; ``target`` is then unchanged.
    """
    part, old = (target.with_name(temporary_name()) for _ in range(2))
    try:
        part.mkdir()
        _write_splits(folder, part)
        if target.exists():
            target.replace(old)
        part.replace(target)
    finally:
        for path in (part, old):
            _remove(path)


def _remove(path: Path) -> None:
    """Delete a folder, or whatever has its name, such as a link."""
    if is_folder(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _write_splits(folder: RunFolder, place: Path) -> None:
    began = _created(folder)
    files = {split: EventFile(Storage(), place / split, 0, began) for split in SPLITS}
    try:
        # Each tag occurs in only one of the two files, so its steps are in order.
        for path in (folder.metrics_file, folder.events_file):
            for number, (when, event) in enumerate(_timed(read_events(path), folder)):
                for split, step, values in filter(_has_values, scalars(event)):
                    files[split].add(step, values, when)
                if number % _FLUSHED == 0:
                    _each(files.values())
        _each(files.values())
    finally:
        for file in files.values():
            file.close()


def _each(files: Iterable[EventFile]) -> None:
    for file in files:
        file.flush()


def scalars(event: RunEvent) -> Iterator[Scalars]:
    """Yield the scalars of an event."""
    match event:
        case BatchCompleted():
            names = ("loss", "accuracy", "l2_loss", "lr", "images_per_second")
            values = {name: getattr(event, name) for name in names}
            yield "train", event.step, _told(values) | _further(event.scalars)
        case ValidationCompleted():
            yield "val", event.step, _told({"loss": event.loss, "accuracy": event.accuracy})
        case EpochCompleted():
            for split in ("train", "val"):
                figures = (getattr(event, f"{split}_{name}") for name in ("loss", "accuracy"))
                tags = ("epoch/loss", "epoch/accuracy")
                yield split, event.step, _told(dict(zip(tags, figures, strict=True)))
            yield "val", event.step, _further(event.scalars)
        case LayersMeasured():
            yield "train", event.step, dict(_health(event.layers))
        case RunEnded(test_loss=float(loss), test_accuracy=float(accuracy)):
            yield "test", event.step, {"loss": loss, "accuracy": accuracy}


def _has_values(found: Scalars) -> bool:
    return bool(found[2])


def _told(values: dict[str, float]) -> dict[str, float]:
    """Leave out accuracy and rate where another program does not report them."""
    return {tag: value for tag, value in values.items() if "loss" in tag or not math.isnan(value)}


def _further(scalars: Further | UnsetType) -> dict[str, float]:
    return {tag: value for tag, value in (scalars or {}).items() if value is not None}


def _health(layers: Iterable[LayerHealth]) -> Iterator[tuple[str, float]]:
    for layer in layers:
        for figure in _FIGURES:
            value = getattr(layer, figure)
            if value is not None:
                yield f"{figure}/{layer.layer}", value


def _timed(events: Iterable[RunEvent], folder: RunFolder) -> Iterator[tuple[float, RunEvent]]:
    """Events with the time of each, pauses excluded."""
    began, seconds = _created(folder), 0.0
    for event in events:
        if isinstance(event, BatchCompleted | EpochCompleted | RunEnded):
            seconds = event.seconds
        yield began + seconds, event


def _created(folder: RunFolder) -> float:
    try:
        return datetime.datetime.fromisoformat(folder.info().created).timestamp()
    except (ValueError, OverflowError):
        raise RunError(f"{folder.info_file} does not record when the run started.") from None
