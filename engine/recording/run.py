"""A training of another program while it runs: what it reports, and what people ask of it."""

from __future__ import annotations

import atexit
import functools
import math
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Concatenate, ParamSpec

from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.recording.figures import Sizes, number, settings
from cnn_tui.engine.recording.keeper import Keeper, other_rank, program_here
from cnn_tui.engine.recording.steering import Steering
from cnn_tui.engine.recording.tally import Tally
from cnn_tui.engine.runs.names import runs_home
from cnn_tui.engine.training.events import (
    BatchCompleted,
    EndReason,
    EpochCompleted,
    LayerHealth,
    LayersMeasured,
    RunEnded,
    RunEvent,
    RunPaused,
    RunResumed,
    RunStarted,
    Scalars,
    SettingChanged,
    ValidationCompleted,
)

if TYPE_CHECKING:
    from torch import nn

Arguments = ParamSpec("Arguments")
_LOOK = 0.2
"""Seconds between two looks of a paused training."""


def _harmless(
    method: Callable[Concatenate[RecordedRun, Arguments], None],
) -> Callable[Concatenate[RecordedRun, Arguments], None]:
    """Nothing that goes wrong in recording may end a training; each fault is told once."""

    @functools.wraps(method)
    def call(run: RecordedRun, *args: Arguments.args, **named: Arguments.kwargs) -> None:
        if not run.recording:
            return
        try:
            method(run, *args, **named)
        except Exception as error:
            run.complain(f"{method.__name__}: {type(error).__name__}: {error}")

    return call


class RecordedRun:
    """A run that another program trains; see :func:`cnn_tui.engine.recording.begin.record`.

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
        self._steering, self._process = Steering(), os.getpid()
        self._keeper: Keeper | None = None
        self._began = time.monotonic()
        self._paused_at: float | None = None
        self._started = self._stop_seen = False
        self._lr = math.nan
        self._tally = Tally()
        self._best: tuple[float, int] | None = None
        """The best validation accuracy, and its epoch."""
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

    @_harmless
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
        named = self._numbers(figures, more)
        lr = named.pop("lr", self._lr)
        if lr != self._lr and lr >= 0:
            self._lr = lr
        self.step = max(self.step + 1, step or 0)
        self._start()
        # Infinite if it was told and is not finite, not a number if it was not told.
        loss = named.pop("loss", None)
        accuracy = self._share(named, "accuracy")
        self._tally.add(self.step, loss, accuracy)
        now = self._seconds()
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
                **_further(named),
            )
        )
        if self._measured is not None and (layers := self._measured()):
            self._put(_measurement(self.step, self.epoch_number, layers))

    @_harmless
    def epoch(self, figures: Mapping[str, object] | None = None, /, **more: object) -> None:
        """Record the end of an epoch: the batches that follow belong to the next one.

        ``val_loss``, ``val_accuracy``, ``train_loss``, ``train_accuracy`` and ``lr`` are known;
        training figures are the means over the batches if they are not given. Any other figure has
        a chart, with ``val_f1`` in that of ``f1``.
        """
        named = self._numbers(figures, more)
        self._start()
        train_loss, train_accuracy = self._tally.means()
        train_loss = named.pop("train_loss", named.pop("loss", train_loss))
        given = self._share(named, "train_accuracy", "accuracy")
        val_loss, val_accuracy = named.pop("val_loss", math.nan), self._share(named, "val_accuracy")
        now, at = self._seconds(), {"step": self.step, "epoch": self.epoch_number}
        if not (math.isnan(val_loss) and math.isnan(val_accuracy)):
            self._put(ValidationCompleted(**at, loss=val_loss, accuracy=val_accuracy))
        if val_accuracy > (self._best[0] if self._best else -1.0):
            self._best = val_accuracy, self.epoch_number
        self._put(
            EpochCompleted(
                **at,
                train_loss=train_loss,
                train_accuracy=train_accuracy if math.isnan(given) else given,
                val_loss=val_loss,
                val_accuracy=val_accuracy,
                l2_loss=0.0,
                lr=named.pop("lr", self._lr),
                images_per_second=self._tally.speed(self.step, now, self.sizes.batch_size),
                seconds=now,
                **_further(named),
            )
        )
        self.epoch_number += 1
        self._tally = Tally(self.step, self._seconds())

    @property
    def should_stop(self) -> bool:
        """Whether somebody who watches has asked the training to stop."""
        self._steering.looked.add("stop")
        self._stop_seen = self._steering.stopping
        return self._stop_seen

    @property
    def paused(self) -> bool:
        """Whether somebody who watches wants the training to pause; ask again after a while."""
        self._steering.looked.add("pause")
        pausing = self._steering.pausing
        if pausing != (self._paused_at is not None):
            self._pause(pausing)
        return pausing

    def wait_while_paused(self) -> None:
        """Return at once, or after a pause that somebody who watches has asked for."""
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

    @_harmless
    def watch(self, model: nn.Module, *, every: int = 50) -> None:
        """Measure the layers of a PyTorch model: norms of gradients, and update:weight.

        Call it once, before training. Each ``every``-th step of an optimizer over these parameters
        takes a few operations more for each weight, and a copy of the weights for its time.
        """
        from cnn_tui.engine.recording.layers import Watch

        watched = Watch(model, every)
        self._measured = watched.take

    def measured(self, layers: tuple[LayerHealth, ...]) -> None:
        """Record measurements of layers, for programs other than PyTorch."""
        if self.recording and layers:
            self._put(_measurement(self.step, self.epoch_number, layers))

    @_harmless
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
            keeper.put(self._beginning())
        keeper.put(
            RunEnded(
                reason=reason or ("stopped" if self._stop_seen else "completed"),
                step=self.step,
                epoch=self._tally.reached(self.step, self.epoch_number),
                seconds=self._seconds(),
                best_val_accuracy=self._best[0] if self._best else None,
                best_epoch=self._best[1] if self._best else None,
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
            self._put(self._beginning())

    def _beginning(self) -> RunStarted:
        sizes, name, path = self.sizes, self.name, str(self.path or "")
        return RunStarted(
            arch=sizes.arch or name,
            data=sizes.data,
            params=sizes.params,
            epochs=sizes.epochs,
            batch_size=sizes.batch_size,
            batches=sizes.batches,
            train_images=sizes.batches * sizes.batch_size,
            val_images=0,
            test_images=0,
            classes=sizes.classes,
            optimizer=sizes.optimizer,
            lr=0.0 if math.isnan(self._lr) else self._lr,
            seed=sizes.seed,
            threads=0,
            run=name,
            path=path,
            program=program_here(),
        )

    def _put(self, event: RunEvent) -> None:
        if self._keeper is not None:
            self._keeper.put(event)

    def _seconds(self) -> float:
        return (self._paused_at or time.monotonic()) - self._began

    @_harmless
    def _pause(self, pausing: bool) -> None:
        if pausing:
            self._paused_at = time.monotonic()
            self._put(RunPaused(step=self.step))
            return
        if self._paused_at is not None:
            self._began += time.monotonic() - self._paused_at
        self._paused_at = None
        self._put(RunResumed(step=self.step))

    @_harmless
    def _change(self, lr: float) -> None:
        if self._lr > 0:
            self._put(SettingChanged(step=self.step, name="lr", old=self._lr, new=lr))
        else:
            self._put(SettingChanged(step=self.step, name="held_lr", old=None, new=lr))
        self._lr = lr

    def _numbers(
        self, figures: Mapping[str, object] | None, more: Mapping[str, object]
    ) -> dict[str, float]:
        found = {}
        for name, value in ({**figures, **more} if figures else more).items():
            if value is None:
                continue
            try:
                found[name] = value if type(value) is float else number(value)
            except (TypeError, ValueError, RuntimeError):
                kind = type(value).__name__
                self.complain(f"{name} is left out: it is no single number but {kind}")
        return found

    def _share(self, named: dict[str, float], *names: str) -> float:
        """An accuracy, taken from the figures; NaN if there is none from 0 to 1."""
        for name in names:
            if (value := named.get(name)) is None:
                continue
            if 0 <= value <= 1:
                return named.pop(name)
            self.complain(f"{name} {value:g} is no share from 0 to 1: it has a chart of its own")
        return math.nan


def _further(named: Mapping[str, float]) -> dict[str, Scalars]:
    if not named:
        return {}
    scalars = {
        name[:_MOST_NAME]: value if math.isfinite(value) else None for name, value in named.items()
    }
    return {"scalars": scalars}


_MOST_NAME = 200


def _measurement(step: int, epoch: int, layers: tuple[LayerHealth, ...]) -> LayersMeasured:
    return LayersMeasured(
        step=step,
        epoch=epoch,
        layers=layers,
        images=0,
        input_mean=math.nan,
        input_std=math.nan,
        score_range=math.nan,
        commonest_class=0,
        commonest_share=0.0,
    )
