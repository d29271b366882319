"""The training loop: epochs of steps, a validation after each, a test at the end."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing

import msgspec

from cnn_tui.engine.build import build
from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.data.loader import Batch, Loader
from cnn_tui.engine.data.preprocess import Normalizer
from cnn_tui.engine.errors import CnnTuiError, NonFiniteError
from cnn_tui.engine.optimizers import build_optimizer
from cnn_tui.engine.schedules import learning_rate
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.evaluate import evaluate
from cnn_tui.engine.training.events import (
    Alert,
    BatchCompleted,
    EndReason,
    EpochCompleted,
    LearningRateChanged,
    RunEnded,
    RunEvent,
    RunPaused,
    RunResumed,
    RunStarted,
    ValidationCompleted,
)
from cnn_tui.engine.training.fit import check_fit
from cnn_tui.engine.training.keeper import Keeper
from cnn_tui.engine.training.progress import Best, Progress
from cnn_tui.engine.training.snapshot import take
from cnn_tui.engine.training.stopwatch import Stopwatch
from cnn_tui.engine.training.tally import Tally


PEAK_OF = 1000
"""Images looked at for their largest pixel."""


class Trainer:
    """Trains a network on a dataset by the recipe in ``network.training``.

    Everything that happens leaves through ``emit``, on the thread that calls :meth:`run`;
    ``RunEnded`` comes exactly once. The same recipe, data and seed give the same bits for any
    number of ``threads``, and however often a ``keeper`` has let the run go on from what it kept.
    """

    def __init__(
        self,
        network: Network,
        dataset: Dataset,
        *,
        emit: Callable[[RunEvent], None],
        control: Control | None = None,
        threads: int | None = None,
        keeper: Keeper | None = None,
    ) -> None:
        self.network, self.dataset, self.emit = network, dataset, emit
        self.recipe = network.training
        self.control, self.keeper = control or Control(), keeper or Keeper()
        self.threads = threads or os.cpu_count() or 1
        self.batches = -(-len(dataset.train) // self.recipe.batch_size)
        self.step = self.epoch = self.epochs_done = self.batch = 0
        self.tally = Tally()
        self.best: Best | None = None

    def run(self) -> None:
        """Train to the end, or until the control says stop.

        A fault that a user can mend ends the run with ``RunEnded(reason="failed")``; any other
        is reported the same way and then raised.
        """
        self.stopwatch = Stopwatch()
        try:
            self._prepare()
            try:
                self._epochs()
            finally:
                self.model.close()
        except NonFiniteError as error:
            self.emit(
                Alert(code="non-finite", message=str(error), step=self.step, layer=error.layer)
            )
            self._end("failed", message=str(error))
        except CnnTuiError as error:
            self._end("failed", message=str(error))
        except BaseException as error:
            self._end("failed", message=f"internal error: {type(error).__name__}: {error}")
            raise

    def _prepare(self) -> None:
        check_fit(self.network, self.dataset)
        self.model = build(self.network, seed=self.recipe.seed, threads=self.threads)
        self.optimizer = build_optimizer(self.recipe, self.model)
        self.normalizer = Normalizer.fit(self.dataset.train)
        self.loader = Loader(self.dataset.train, self.normalizer, self.recipe)
        self._restore()
        data = self.dataset
        self.emit(
            RunStarted(
                arch=self.network.name,
                data=data.name,
                params=self.model.store.size,
                epochs=self.recipe.epochs,
                batch_size=self.recipe.batch_size,
                batches=self.batches,
                train_images=len(data.train),
                val_images=len(data.val),
                test_images=len(data.test),
                classes=data.classes,
                optimizer=self.recipe.optimizer,
                lr=self.recipe.lr,
                seed=self.recipe.seed,
                threads=self.threads,
                mean=tuple(self.normalizer.mean.ravel().tolist()),
                std=tuple(self.normalizer.std.ravel().tolist()),
                peak=float(data.train.images[:PEAK_OF].max()),
                from_step=self.step,
                run=self.keeper.run,
                path=self.keeper.path,
            )
        )

    def _restore(self) -> None:
        kept = self.keeper.restore(self.model, self.optimizer)
        if kept is None:
            return
        self.step, self.epochs_done, self.batch = kept.step, kept.epochs_done, kept.batch
        self.epoch, self.tally, self.best = kept.epochs_done, kept.tally, kept.best
        self.recipe = msgspec.structs.replace(self.recipe, lr=kept.lr)
        self.stopwatch = Stopwatch(kept.seconds)

    def _epochs(self) -> None:
        for epoch in range(self.epochs_done + 1, self.recipe.epochs + 1):
            self.epoch = epoch
            self._train_epoch()
            if self.control.stopping or not self._validate():
                return self._end("stopped")
        test = evaluate(
            self.model,
            self.dataset.test,
            self.normalizer,
            self.recipe.batch_size,
            lambda: self.control.stopping,
        )
        if test is None:
            return self._end("stopped")
        self._end("completed", test_loss=test[0], test_accuracy=test[1])

    def _train_epoch(self) -> None:
        """What is left of one pass over the training split, or as much as the control allows."""
        began = self.stopwatch.seconds
        with closing(self.loader.epoch(self.epoch, self.batch)) as batches:
            for batch in batches:
                if not self._may_go_on():
                    return
                self._train_step(batch, began)
                self._report_kept()
                if self.keeper.due():
                    self._keep()
                # What the next batch keeps the step waiting for belongs to its time.
                began = self.stopwatch.seconds

    def _may_go_on(self) -> bool:
        """Do what the control says, which may be to wait; False to stop."""
        if self.control.paused:
            self._pause()
        lr = self.control.take_lr()
        if lr is not None:
            self.recipe = msgspec.structs.replace(self.recipe, lr=lr)
            self.emit(LearningRateChanged(step=self.step, lr=lr))
        return not self.control.stopping

    def _pause(self) -> None:
        self.stopwatch.hold()
        self._keep()
        self.emit(RunPaused(step=self.step))
        self.control.wait_while_paused()
        self.stopwatch.go_on()
        if not self.control.stopping:
            self.emit(RunResumed(step=self.step))

    def _train_step(self, batch: Batch, began: float) -> None:
        lr = learning_rate(self.recipe, self.step, self.batches)
        images = len(batch.targets)
        result = self.model.train_batch(batch.images, batch.targets)
        l2_loss = self.optimizer.step(lr, result.gradient_norm)
        self.step += 1
        self.batch += 1
        seconds = self.stopwatch.seconds
        self.tally.add(images, result.loss, l2_loss, result.correct, seconds - began)
        self.emit(
            BatchCompleted(
                step=self.step,
                epoch=self.epoch,
                batch=self.batch,
                loss=result.loss,
                l2_loss=l2_loss,
                accuracy=result.correct / images,
                lr=lr,
                images_per_second=self.tally.images_per_second,
                seconds=seconds,
            )
        )

    def _validate(self) -> bool:
        """Report the epoch; False if the control stopped it on the way."""
        validation = evaluate(
            self.model,
            self.dataset.val,
            self.normalizer,
            self.recipe.batch_size,
            lambda: self.control.stopping,
        )
        if validation is None:
            return False
        loss, accuracy = validation
        self.emit(
            ValidationCompleted(step=self.step, epoch=self.epoch, loss=loss, accuracy=accuracy)
        )
        self._complete_epoch(loss, accuracy)
        return True

    def _complete_epoch(self, val_loss: float, val_accuracy: float) -> None:
        tally = self.tally
        self.emit(
            EpochCompleted(
                epoch=self.epoch,
                step=self.step,
                train_loss=tally.loss,
                train_accuracy=tally.accuracy,
                val_loss=val_loss,
                val_accuracy=val_accuracy,
                l2_loss=tally.l2_loss,
                lr=learning_rate(self.recipe, self.step - 1, self.batches),
                images_per_second=tally.images / tally.seconds,
                seconds=self.stopwatch.seconds,
            )
        )
        self.epochs_done, self.batch, self.tally = self.epoch, 0, Tally()
        if self.best is None or val_accuracy > self.best.accuracy:
            self.best = Best(self.epoch, val_accuracy)
            self._keep(best=True)

    def _keep(self, *, best: bool = False) -> None:
        progress = Progress(
            step=self.step,
            epochs_done=self.epochs_done,
            batch=self.batch,
            lr=self.recipe.lr,
            seconds=self.stopwatch.seconds,
            tally=msgspec.structs.replace(self.tally),
            best=self.best,
        )
        self.keeper.save(take(self.model, self.optimizer, progress), best=best)

    def _report_kept(self) -> None:
        for event in self.keeper.reports():
            self.emit(event)

    def _end(
        self,
        reason: EndReason,
        *,
        message: str = "",
        test_loss: float | None = None,
        test_accuracy: float | None = None,
    ) -> None:
        if reason != "failed":
            self._keep()
        self.keeper.settle()
        self._report_kept()
        self.emit(
            RunEnded(
                reason=reason,
                step=self.step,
                epoch=self.epoch,
                seconds=self.stopwatch.seconds,
                best_val_accuracy=self.best.accuracy if self.best else None,
                best_epoch=self.best.epoch if self.best else None,
                test_loss=test_loss,
                test_accuracy=test_accuracy,
                message=message,
            )
        )
