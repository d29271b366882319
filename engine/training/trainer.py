"""The training loop: epochs of steps, a validation after each, a test at the end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import msgspec

from cnn_tui.engine.cores import default_threads
from cnn_tui.engine.data.dataset import Dataset, Split
from cnn_tui.engine.data.loader import Batch, Loader
from cnn_tui.engine.data.preprocess import Normalizer
from cnn_tui.engine.engines import make_engine
from cnn_tui.engine.errors import CnnTuiError, MemoryLimitError, NonFiniteError
from cnn_tui.engine.schedules import learning_rate
from cnn_tui.engine.specs.batches import count_batches
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training.babysitter import Babysitter
from cnn_tui.engine.training.checkpointer import Checkpointer
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.evaluate import Evaluation, evaluate
from cnn_tui.engine.training.events import (
    Alert,
    BatchCompleted,
    EndReason,
    EpochCompleted,
    RunEnded,
    RunEvent,
    RunPaused,
    RunResumed,
    setting_changes,
)
from cnn_tui.engine.training.glimpse import Glimpse
from cnn_tui.engine.training.health import HealthMeter, is_due
from cnn_tui.engine.training.lone_image import keep_batch_size
from cnn_tui.engine.training.opening import check_compatible, peak_of, run_started
from cnn_tui.engine.training.progress import EpochMetrics, Progress, Stopwatch
from cnn_tui.engine.training.settings import Settings
from cnn_tui.engine.training.snapshot import BestEpoch, copy_weights, take_snapshot


class Trainer:
    """Trains a network on a dataset by the recipe in ``network.training``.

    Every event is passed to ``emit`` on the thread that calls :meth:`run`; ``RunEnded`` comes
    exactly once. The same recipe, data and seed give the same bits for any number of ``threads``,
    and however often the run was resumed from a checkpoint of its ``checkpointer``.
    """

    def __init__(
        self,
        network: Network,
        dataset: Dataset,
        *,
        emit: Callable[[RunEvent], None],
        control: Control | None = None,
        threads: int | None = None,
        checkpointer: Checkpointer | None = None,
    ) -> None:
        self.network, self.dataset, self._emit = network, dataset, emit
        self.babysitter, self.recipe = Babysitter(network), network.training
        self.settings = Settings.of(network.training)
        self.control, self.checkpointer = control or Control(), checkpointer or Checkpointer()
        self.threads = threads or default_threads()
        self.step = self.epoch = self.epochs_done = self.batch = 0
        self.tally = EpochMetrics()
        self.best = BestEpoch(network.training)

    @property
    def batches(self) -> int:
        """Batches per epoch at the current batch size."""
        return count_batches(len(self.dataset.train), self.recipe)

    def run(self) -> None:
        """Train to the end, or until the control stops the run.

        An error that a user can correct ends the run with ``RunEnded(reason="failed")``; any other
        is reported in the same way and then raised.
        """
        self.stopwatch = Stopwatch()
        try:
            self._prepare()
            try:
                self._epochs()
            except MemoryLimitError as error:
                # Nothing has moved since the last step, so the run can continue from here.
                self._keep()
                raise error.in_run(self.checkpointer.run) from None
            finally:
                self.model.close()
        except NonFiniteError as error:
            alert = Alert(code="non-finite", message=str(error), step=self.step, layer=error.layer)
            self._emit(self.babysitter.explain(alert))
            self._end("failed", message=str(error))
        except CnnTuiError as error:
            self._end("failed", message=str(error))
        except BaseException as error:
            self._end("failed", message=f"internal error: {type(error).__name__}: {error}")
            raise

    def emit(self, event: RunEvent) -> None:
        """Emit an event and the babysitter's findings about it."""
        self._emit(event)
        for finding in self.babysitter.consume(event):
            self._emit(finding)

    def _prepare(self) -> None:
        check_compatible(self.network, self.dataset)
        self.model = make_engine(self.network, threads=self.threads, shared=True)
        self.optimizer = self.model.optimizer(self.recipe)
        self.meter = HealthMeter(self.model, self.network)
        self.normalizer = Normalizer.of(self.dataset.train, self.recipe)
        self.loader = Loader(self.dataset.train, self.normalizer, self.recipe)
        self._restore()
        self.emit(
            run_started(
                self.network,
                self.dataset,
                self.recipe,
                model=self.model,
                normalizer=self.normalizer,
                checkpointer=self.checkpointer,
                from_step=self.step,
            )
        )

    def _restore(self) -> None:
        kept = self.checkpointer.restore(self.model, self.optimizer)
        if kept is None:
            return
        self.step, self.epochs_done, self.batch = kept.step, kept.epochs_done, kept.batch
        self.epoch, self.tally = kept.epochs_done, kept.tally
        self.stopwatch = Stopwatch(kept.seconds)
        self._follow(kept.settings)
        self.best.restore(kept.best, self.checkpointer.best() if self.recipe.keep_best else None)

    def _follow(self, settings: Settings) -> None:
        """Use these settings from now on."""
        self.settings = settings
        self.recipe = settings.in_recipe(self.network.training)
        self.optimizer.l2 = settings.l2
        self.model.mode.dropout = settings.dropout
        self.loader.batch_size = settings.batch_size

    def _epochs(self) -> None:
        while self.epochs_done < self.recipe.epochs and not self.best.why_stop(self.epochs_done):
            self.epoch = self.epochs_done + 1
            self._train_epoch()
            if self.control.stopping or not self._validate():
                if not self.control.discarding:
                    self._keep()
                return self._end("stopped")
            self.control.has_done("epoch")
        # Now, so that the run can be resumed from the last weights even if the best are tested.
        self._keep()
        self._finish()

    def _finish(self) -> None:
        """Test the last weights, or the best if the recipe has ``keep_best``."""
        if not self.best.put(self.model, self.epochs_done):
            message = "The weights of the best epoch are missing; testing the last weights."
            self.emit(Alert(code="best-lost", message=message, step=self.step))
        test = self._evaluate(self.dataset.test)
        if test is None:
            return self._end("stopped")
        self._end("completed", message=self.best.why_stop(self.epochs_done), test=test)

    def _train_epoch(self) -> None:
        """Train the rest of an epoch, or until the control stops the run."""
        while self.loader.more_after(self.tally.images) and self._train_batches():
            pass

    def _train_batches(self) -> bool:
        """Train until the epoch ends or the batch size changes; returns False to stop."""
        size, began = self.recipe.batch_size, self.stopwatch.seconds
        with closing(self.loader.epoch(self.epoch, self.batch, self.tally.images)) as batches:
            for batch in batches:
                if not self._follow_control():
                    return False
                if self.recipe.batch_size != size:
                    return True
                self._train_step(batch, began)
                self._show()
                self.control.has_done("batch")
                self._report_kept()
                if self.checkpointer.should_save():
                    self._keep()
                # The wait for the next batch counts as part of its step.
                began = self.stopwatch.seconds
        return True

    def _follow_control(self) -> bool:
        """Pause and change settings as the control says; returns False to stop."""
        if self.control.paused:
            self._pause()
        changed = self.control.take_changes(self.settings)
        if changed != self.settings:
            self._follow(self._report_changes(changed))
        return not self.control.stopping

    def _report_changes(self, changed: Settings) -> Settings:
        images, done = len(self.dataset.train), self.tally.images
        changed, refusal = keep_batch_size(self.network, self.settings, changed, images, done)
        if refusal:
            self.emit(Alert(code="lone-image", message=refusal, step=self.step))
        for event in setting_changes(self.step, self.settings, changed):
            self.emit(event)
        return changed

    def _pause(self) -> None:
        self.stopwatch.pause()
        self._keep()
        self.emit(RunPaused(step=self.step))
        self.control.wait_while_paused(self._show)
        self.stopwatch.resume()
        if not self.control.stopping:
            self.emit(RunResumed(step=self.step))

    def _evaluate(
        self, split: Split, attend: Callable[[], None] = lambda: None
    ) -> Evaluation | None:
        """Evaluate on a split; None if the control stopped the run."""

        def stopping() -> bool:
            attend()
            return self.control.stopping

        return evaluate(self.model, split, self.normalizer, self.recipe.batch_size, stopping)

    def _show(self) -> None:
        """Give a copy of the weights to those who look; to be called between two steps."""
        self.control.show(self._glimpse)

    def _glimpse(self) -> Glimpse:
        return Glimpse(
            network=msgspec.structs.replace(self.network, training=self.recipe),
            dataset=self.dataset,
            normalizer=self.normalizer,
            peak=peak_of(self.dataset),
            step=self.step,
            epoch=self.epoch,
            weights=copy_weights(self.model),
        )

    def _train_step(self, batch: Batch, began: float) -> None:
        lr = self._lr(self.tally.images)
        images = len(batch.targets)
        measured = is_due(self.step + 1)
        if measured:
            self.meter.before()
        result = self.model.train_batch(*batch)
        l2_loss = self.optimizer.step(lr, result.gradient_norm)
        self.step, self.batch = self.step + 1, self.batch + 1
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
        if measured:
            self.emit(self.meter.measure(self.step, self.epoch, batch.images, batch.targets))

    def _lr(self, images: int) -> float:
        """The learning rate after ``images`` of the epoch."""
        if self.settings.held_lr is not None:
            return self.settings.held_lr
        # Not the steps done: the batch size, and so the steps per epoch, may have changed.
        step = self.epochs_done * self.batches + images // self.recipe.batch_size
        return learning_rate(self.recipe, step, self.batches)

    def _validate(self) -> bool:
        """Validate and report the epoch; returns False if the control stopped the run."""
        validation = self._evaluate(self.dataset.val, self._show)
        if validation is None:
            return False
        self.emit(validation.event(self.step, self.epoch))
        self._complete_epoch(validation)
        return True

    def _complete_epoch(self, validation: Evaluation) -> None:
        tally, accuracy = self.tally, validation.accuracy
        self.emit(
            EpochCompleted(
                epoch=self.epoch,
                step=self.step,
                train_loss=tally.loss,
                train_accuracy=tally.accuracy,
                val_loss=validation.loss,
                val_accuracy=accuracy,
                val_balanced_accuracy=validation.balanced_if_uneven,
                l2_loss=tally.l2_loss,
                lr=self._lr(tally.images - 1),
                images_per_second=tally.images / tally.seconds,
                seconds=self.stopwatch.seconds,
            )
        )
        self.epochs_done, self.batch, self.tally = self.epoch, 0, EpochMetrics()
        if self.best.offer(self.epoch, accuracy, self.model):
            self._keep(best=True)
        if self.recipe.keep_every and self.epoch % self.recipe.keep_every == 0:
            self._keep(lasting=True)

    def _keep(self, *, best: bool = False, lasting: bool = False) -> None:
        progress = Progress(
            step=self.step,
            epochs_done=self.epochs_done,
            batch=self.batch,
            settings=self.settings,
            seconds=self.stopwatch.seconds,
            tally=msgspec.structs.replace(self.tally),
            best=self.best.best,
        )
        self.checkpointer.save(take_snapshot(self.optimizer, progress), best=best, lasting=lasting)

    def _report_kept(self) -> None:
        for event in self.checkpointer.pending_events():
            self.emit(event)

    def _end(self, reason: EndReason, *, message: str = "", test: Evaluation | None = None) -> None:
        best = self.best.best
        self.checkpointer.flush(completed=reason == "completed")
        self._report_kept()
        self.emit(
            RunEnded(
                reason=reason,
                step=self.step,
                epoch=self.epoch,
                seconds=self.stopwatch.seconds,
                best_val_accuracy=best.accuracy if best else None,
                best_epoch=best.epoch if best else None,
                test_loss=test and test.loss,
                test_accuracy=test and test.accuracy,
                test_balanced_accuracy=test and test.balanced_if_uneven,
                message=message,
                discarded=reason == "stopped" and self.control.discarding,
            )
        )
