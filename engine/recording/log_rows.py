"""Rows of figures that another program logged, as the events of a run."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from cnn_tui.engine.recording.figures import MOST, Sizes
from cnn_tui.engine.recording.made_events import beginning, further
from cnn_tui.engine.recording.names import by_split
from cnn_tui.engine.training.events import (
    BatchCompleted,
    EpochCompleted,
    RunEvent,
    RunStarted,
    ValidationCompleted,
)

MOST_STEP = 2**53
_SKIPPED = ("hp_metric", "timestamp", "time", "wall_time", "_timestamp", "_runtime", "_step")
_STEP_SUFFIX = re.compile(r"_step$")
_KERAS_PREFIX = re.compile(r"^(val_)?(?:epoch|batch)_(?=loss|acc)")


class LogRow(NamedTuple):
    """Figures of one step; either number may be unknown."""

    figures: Mapping[str, float]
    step: int | None = None
    epoch: float | None = None
    seconds: float = 0.0
    """Seconds since the first row."""


class RowEvents:
    """Makes events of rows, in their order; :meth:`start` comes first."""

    def __init__(self, name: str, program: str) -> None:
        self._name, self._program = name, program
        self._rows = self._validations = 0
        self._shift = 0
        """1 if epochs or steps of the rows are counted from 0."""
        self._lr = math.nan
        self._by_epochs = False
        self._seconds = 0.0

    def start(self, *, by_epochs: bool) -> RunStarted:
        """The start of a log whose rows state epochs only, or steps only."""
        self._by_epochs = by_epochs
        sizes = Sizes(arch=self._name[:200], batches=1 if by_epochs else 0)
        return beginning(sizes, math.nan, "", None, self._program)

    def of(self, row: LogRow) -> Iterator[RunEvent]:
        """The events of a row; none if it has no figures."""
        self._rows += 1
        self._seconds = max(self._seconds, min(max(row.seconds, 0.0), 1e10))
        named = {_plain(name): value for name, value in row.figures.items() if _is_figure(name)}
        train, val = by_split(named)
        figures = _numbers(train), _numbers(val)
        if not any(figures):
            return
        first = row.epoch if self._by_epochs else row.step
        if self._rows == 1 and first is not None and first < 1:
            self._shift = 1
        step, epoch = self._position(row)
        if figures[0]:
            unknown = row.epoch is None and not self._by_epochs
            yield self._batch(step, self._validations + 1 if unknown else epoch, dict(figures[0]))
        if figures[1]:
            self._validations += 1
        if figures[1] or self._by_epochs:
            yield from self._ended(step, epoch, *figures)

    def _position(self, row: LogRow) -> tuple[int, int]:
        if self._by_epochs:
            epoch = max(1, math.floor(row.epoch or 0) + self._shift)
            return epoch, epoch
        step = self._rows if row.step is None else row.step + self._shift
        return max(1, step), 1 if row.epoch is None else max(1, math.floor(row.epoch) + 1)

    def _batch(self, step: int, epoch: int, named: dict[str, float]) -> BatchCompleted:
        self._lr = named.pop("lr", self._lr)
        loss, accuracy = named.pop("loss", math.nan), _share(named, "accuracy")
        return BatchCompleted(
            step=step,
            epoch=epoch,
            batch=1,
            loss=loss,
            l2_loss=0.0,
            accuracy=accuracy,
            lr=self._lr if self._lr >= 0 else math.nan,
            images_per_second=0.0,
            seconds=self._seconds,
            scalars=further(named),
        )

    def _ended(
        self, step: int, epoch: int, train: dict[str, float], named: dict[str, float]
    ) -> Iterator[RunEvent]:
        """The end of an epoch, with its figures of training where each row is one."""
        if not self._by_epochs:
            train = {}
        loss, accuracy = named.pop("val_loss", math.nan), _share(named, "val_accuracy")
        epoch = epoch if self._by_epochs else self._validations
        if not (math.isnan(loss) and math.isnan(accuracy)):
            yield ValidationCompleted(step=step, epoch=epoch, loss=loss, accuracy=accuracy)
        yield EpochCompleted(
            epoch=epoch,
            step=step,
            train_loss=train.get("loss", math.nan),
            train_accuracy=_share(train, "accuracy"),
            val_loss=loss,
            val_accuracy=accuracy,
            l2_loss=0.0,
            lr=self._lr,
            images_per_second=0.0,
            seconds=self._seconds,
            scalars=further(named),
        )


def _is_figure(name: str) -> bool:
    return name.lower() not in _SKIPPED and not name.startswith("__")


def _plain(name: str) -> str:
    """Return a name without what Lightning and Keras add for the kind of mean."""
    return _KERAS_PREFIX.sub(r"\1", _STEP_SUFFIX.sub("", name))


def _numbers(figures: Mapping[str, object]) -> dict[str, float]:
    return {
        name: value if -MOST <= value <= MOST else math.nan
        for name, value in figures.items()
        if isinstance(value, float)
    }


def _share(named: dict[str, float], name: str) -> float:
    value = named.get(name, math.nan)
    return named.pop(name) if 0 <= value <= 1 else math.nan
