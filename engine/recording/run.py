"""A training of another program while it runs: what it reports, and what people ask of it."""

from __future__ import annotations

import atexit
import math
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.recording.figures import FigureReader, Sizes, settings
from cnn_tui.engine.recording.harmless import harmless
from cnn_tui.engine.recording.keeper import Keeper, other_rank, program_here
from cnn_tui.engine.recording.made_events import beginning, further, measurement
from cnn_tui.engine.recording.tally import Tally, Validations
from cnn_tui.engine.recording.wishes import Wishes
from cnn_tui.engine.runs.names import runs_home
from cnn_tui.engine.training.events import (
    BatchCompleted,
    EndReason,
    EpochCompleted,
    LayerHealth,
    RunEnded,
    RunEvent,
    RunPaused,
    RunResumed,
    SettingChanged,
    ValidationCompleted,
)
from cnn_tui.engine.training.progress import Stopwatch

if TYPE_CHECKING:
    from torch import nn

_LOOK = 0.2
"""Seconds between two looks of a paused training."""


class RecordedRun:
    """A run that another program trains; see :func:`cnn_tui.engine.record`.

    Its methods are called by the training's own thread. None of them raises, waits for the disk, or
    takes more than some microseconds.
    """

    def __init__(
        self,
        name: str,
        config: object = None,
        root: Path | None = None,
        keep: Callable[..., Keeper] = Keeper,
    ) -> None:
        self.name = ""
        """The name of the run, with its number; empty if nothing is recorded."""
        self.path: Path | None = None
        """The folder of the run."""
        self.step, self.epoch_number = 0, 1
        """Steps so far, and the present epoch, from 1."""
        self._told = set[str]()
        self._steering, self._process = Wishes(), os.getpid()
        self._keeper: Keeper | None = None
        self._stopwatch = Stopwatch()
        self._started = self._stop_seen = self._resting = False
        self._lr = math.nan
        self._tally = Tally()
        self._validations = Validations()
        self._reader = FigureReader(self.complain)
        self._measured: Callable[[], tuple[LayerHealth, ...]] | None = None
        self.sizes = Sizes()
        if other_rank():
            return
        try:
            self._open(name, config, root, keep)
        except Exception as error:
            why = (
                str(error) if isinstance(error, CnnTuiError) else f"{type(error).__name__}: {error}"
            )
            self.complain(f"this training is not recorded: {why}")

    def _open(
        self, name: str, config: object, root: Path | None, keep: Callable[..., Keeper]
    ) -> None:
        found = settings(config)
        classes = config.get("classes") if isinstance(config, Mapping) else found.get("classes")
        self.sizes = Sizes.of(found, classes)
        self._lr = self.sizes.lr or math.nan
        self._keeper = keep(root or runs_home(), name, program_here(), found, self._steering)
        self.name, self.path = self._keeper.folder.name, self._keeper.folder.path
        atexit.register(self._close_at_exit)

    @property
    def recording(self) -> bool:
        """Whether what this process reports is kept: not in a child, and not after the end."""
        return self._keeper is not None and os.getpid() == self._process

    def __enter__(self) -> RecordedRun:
        """Return the run."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the run: as failed after an error, as stopped after ctrl+c."""
        if kind is None or issubclass(kind, SystemExit):
            self.close()
        elif issubclass(kind, KeyboardInterrupt):
            self.close("stopped")
        else:
            self.close("failed", f"{kind.__name__}: {error}")

    @harmless
    def batch(
        self,
        figures: Mapping[str, object] | None = None,
        /,
        *,
        step: int | None = None,
        **more: object,
    ) -> None:
        """Record a step of the optimizer.

        ``loss``, ``accuracy`` (a share from 0 to 1) and ``lr`` have charts of their own, any other
        figure has one by its name. Values are numbers, or tensors and arrays of one element.

        Args:
            figures: figures whose names are no Python names, such as ``{"train/f1": 0.8}``.
            step: the number of the step, if not every step is recorded.
            more: figures by name.
        """
        named = self._reader.numbers(figures, more)
        lr = named.pop("lr", self._lr)
        if lr != self._lr and lr >= 0:
            self._lr = lr
        self.step = max(self.step + 1, self._reader.count("step", step))
        self._start()
        # Infinite if a loss was given that is not finite, NaN if none was given.
        loss = named.pop("loss", None)
        accuracy = self._reader.share(named, "accuracy")
        self._tally.add(self.step, loss, accuracy)
        now = self._stopwatch.seconds
        self._put(
            BatchCompleted(
                step=self.step,
                epoch=self.epoch_number,
                batch=self.step - self._tally.since,
                loss=math.nan if loss is None else loss if math.isfinite(loss) else math.inf,
                l2_loss=0.0,
                accuracy=accuracy,
                lr=self._lr,
                images_per_second=self._tally.speed(self.step, now, self.sizes.batch_size),
                seconds=now,
                scalars=further(named),
            )
        )
        if self._measured is not None and (layers := self._measured()):
            self._put(measurement(self.step, self.epoch_number, layers))

    @harmless
    def epoch(self, figures: Mapping[str, object] | None = None, /, **more: object) -> None:
        """Record the end of an epoch: the batches that follow belong to the next one.

        ``val_loss``, ``val_accuracy``, ``train_loss``, ``train_accuracy`` and ``lr`` are known;
        training figures are the means over the batches if they are not given. Any other figure has
        a chart, with ``val_f1`` in that of ``f1``.
        """
        named = self._validations.further | self._reader.numbers(figures, more)
        self._start()
        train_loss, train_accuracy = self._tally.means()
        train_loss = named.pop("train_loss", named.pop("loss", train_loss))
        given = self._reader.share(named, "train_accuracy", "accuracy")
        val_loss, val_accuracy = self._validated(named)
        now = self._stopwatch.seconds
        self._put(
            EpochCompleted(
                step=self.step,
                epoch=self.epoch_number,
                train_loss=train_loss,
                train_accuracy=train_accuracy if math.isnan(given) else given,
                val_loss=val_loss,
                val_accuracy=val_accuracy,
                l2_loss=0.0,
                lr=named.pop("lr", self._lr),
                images_per_second=self._tally.speed(self.step, now, self.sizes.batch_size),
                seconds=now,
                scalars=further(named),
            )
        )
        self.epoch_number += 1
        self._tally = Tally(self.step, self._stopwatch.seconds)
        self._validations.end_epoch()

    @harmless
    def validation(self, figures: Mapping[str, object] | None = None, /, **more: object) -> None:
        """Record a validation in the middle of an epoch: ``val_loss`` and ``val_accuracy``.

        An epoch that is recorded without them has those of its last validation.
        """
        self._start()
        named = self._reader.numbers(figures, more)
        self._validated(named)
        self._validations.further |= named

    def _validated(self, named: dict[str, float]) -> tuple[float, float]:
        """Take loss and accuracy of a validation from the figures, and record them."""
        loss, accuracy = named.pop("val_loss", math.nan), self._reader.share(named, "val_accuracy")
        if math.isnan(loss) and math.isnan(accuracy):
            return self._validations.last
        self._validations.add(loss, accuracy, self.epoch_number)
        self._put(
            ValidationCompleted(
                step=self.step, epoch=self.epoch_number, loss=loss, accuracy=accuracy
            )
        )
        return loss, accuracy

    @property
    def in_epoch(self) -> bool:
        """Whether there are batches since the last epoch."""
        return self.step > self._tally.since

    @property
    def should_stop(self) -> bool:
        """Whether a person who watches has asked the training to stop."""
        self._steering.looked.add("stop")
        self._stop_seen = self._steering.stopping
        return self._stop_seen

    @property
    def paused(self) -> bool:
        """Whether a person who watches wants the training to pause; ask again after a while."""
        self._steering.looked.add("pause")
        pausing = self._steering.pausing
        if pausing != self._resting:
            self._pause(pausing)
        return pausing

    def wait_while_paused(self) -> None:
        """Return at once, or after a pause that a person who watches has asked for."""
        while self.paused:
            time.sleep(_LOOK)

    def changed(self, name: str) -> float | None:
        """The new value of a setting that was changed since the last call; None if it was not.

        Only ``lr`` can be changed by those who watch.
        """
        if name != "lr":
            return None
        self._steering.looked.add("lr")
        lr = self._steering.take_lr()
        if lr is not None:
            self._change(lr)
        return lr

    @harmless
    def watch(self, model: nn.Module, *, every: int = 50) -> None:
        """Measure the layers of a PyTorch model: norms of gradients, and update:weight.

        Call it once, before training. Each ``every``-th step of an optimizer over these parameters
        takes a few operations more for each weight, and a copy of the weights for its time.
        """
        from cnn_tui.engine.recording.layers import Watch

        self._measured = Watch(model, every, self.complain).take
        if not self.sizes.params:
            params = sum(weight.numel() for weight in model.parameters())
            self.sizes = replace(self.sizes, params=params)

    def measured(self, layers: tuple[LayerHealth, ...]) -> None:
        """Record measurements of layers, for programs other than PyTorch."""
        if self.recording and layers:
            self._put(measurement(self.step, self.epoch_number, layers))

    @harmless
    def close(self, reason: EndReason | None = None, message: str = "") -> None:
        """End the run; nothing is recorded afterwards.

        Args:
            reason: ``completed``, ``stopped`` or ``failed``; by default stopped if the training
                was asked to stop and has looked, else completed.
            message: why it failed.
        """
        keeper, self._keeper = self._keeper, None
        atexit.unregister(self._close_at_exit)
        if keeper is None:
            return
        if not self._started:
            keeper.put(beginning(self.sizes, self._lr, self.name, self.path, program_here()))
        keeper.put(
            RunEnded(
                reason=reason or ("stopped" if self._stop_seen else "completed"),
                step=self.step,
                epoch=self._tally.reached(self.step, self.epoch_number),
                seconds=self._stopwatch.seconds,
                best_val_accuracy=self._validations.best,
                best_epoch=self._validations.best_epoch,
                message=message[:1_000],
            )
        )
        if unwritten := keeper.close():
            self.complain(f"the end of {self.name} could not be written: {unwritten}")

    def complain(self, words: str) -> None:
        """Tell a fault of the recording on stderr, once."""
        if words not in self._told:
            self._told.add(words)
            print(f"cnn-tui: {words}", file=sys.stderr)

    def _close_at_exit(self) -> None:
        error = getattr(sys, "last_value", None)
        if error is None:
            self.close()
        else:
            self.close("failed", f"{type(error).__name__}: {error}")

    def _start(self) -> None:
        if not self._started:
            self._started = True
            self._put(beginning(self.sizes, self._lr, self.name, self.path, program_here()))

    def _put(self, event: RunEvent) -> None:
        if self._keeper is not None:
            self._keeper.put(event)

    @harmless
    def _pause(self, pausing: bool) -> None:
        self._resting = pausing
        if pausing:
            self._stopwatch.pause()
            self._put(RunPaused(step=self.step))
        else:
            self._stopwatch.resume()
            self._put(RunResumed(step=self.step))

    @harmless
    def _change(self, lr: float) -> None:
        if self._lr > 0:
            self._put(SettingChanged(step=self.step, name="lr", old=self._lr, new=lr))
        else:
            self._put(SettingChanged(step=self.step, name="held_lr", old=None, new=lr))
        self._lr = lr
