"""A Lightning logger that records a training, and as a callback steers it, too.

``log = RunLogger("my-run"); Trainer(logger=log, callbacks=[log])``
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers.logger import Logger
from lightning.pytorch.utilities import rank_zero_only

from cnn_tui.engine.recording.figures import settings
from cnn_tui.engine.recording.names import by_split
from cnn_tui.engine.recording.run import RecordedRun
from cnn_tui.engine.training.events import EndReason


class RunLogger(Logger, Callback):  # type: ignore[misc]
    """Records what a LightningModule logs.

    Among the callbacks as well it records the loss of every batch and the layers, and lets those
    who watch pause and stop the training and change its learning rate, if one process trains.
    ``train_loss``, ``val_acc`` and the like are known by these names; anything else has a chart.
    """

    def __init__(
        self,
        name: str = "run",
        *,
        config: Mapping[str, object] | None = None,
        runs_dir: str | Path | None = None,
        watch: bool = True,
    ) -> None:
        """Record as ``name``; ``watch`` measures the layers of the module."""
        super().__init__()
        self._name, self._config = name, settings(config)
        self._root = None if runs_dir is None else Path(runs_dir)
        self._watch = watch
        self._run: RecordedRun | None = None
        self._step: int | None = None
        self._batch, self._epoch = dict[str, object](), dict[str, object]()
        """Figures of the present step and epoch, which Lightning logs one after the other."""
        self._epoch_number, self._called, self._ended = 0, False, False
        self._failure = ""

    @property
    def name(self) -> str:
        """The name of the run, with its number once it has begun."""
        return self._run.name if self._run else self._name

    @property
    def version(self) -> str:
        """Empty: the name has a number."""
        return ""

    @property
    def experiment(self) -> RecordedRun | None:
        """The run, for figures that no module logs; None before training begins."""
        return self._run

    def _begun(self) -> RecordedRun:
        # Late, as Lightning asks for the experiment before it logs any size.
        if self._run is None:
            self._run = RecordedRun(self._name, self._config, self._root)
        return self._run

    @rank_zero_only  # type: ignore[untyped-decorator]
    def log_hyperparams(self, params: object, *args: object, **kwargs: object) -> None:
        """Take over the settings of the module."""
        self._config = settings(params) | self._config

    @rank_zero_only  # type: ignore[untyped-decorator]
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Hold figures until those of the next step or epoch come."""
        if self._ended:
            return
        figures = dict(metrics)
        epoch = int(figures.pop("epoch", self._epoch_number))
        if epoch != self._epoch_number:
            self._end_epoch()
            self._epoch_number = epoch
        if not self._called and step != self._step:
            self._end_batch()
            self._step = step
        of_epoch = {k.removesuffix("_epoch"): v for k, v in figures.items() if k.endswith("_epoch")}
        rest = {k.removesuffix("_step"): v for k, v in figures.items() if not k.endswith("_epoch")}
        train, val = by_split(rest)
        trained, _ = by_split(of_epoch)
        # A loss per batch is known already, and better, from the callback.
        self._batch = train | self._batch if self._called else self._batch | train
        self._epoch |= {f"train_{k}" if k in _BOTH else k: v for k, v in trained.items()} | val

    @rank_zero_only  # type: ignore[untyped-decorator]
    def finalize(self, status: str) -> None:
        """End the run."""
        if self._run is None or self._ended:
            return
        self._end_epoch()
        self._ended = True
        reason: EndReason | None = "failed" if status == "failed" else None
        if self._failure == "KeyboardInterrupt: ":
            reason = "stopped"
        self._run.close(reason, self._failure)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin the run, with the sizes that the trainer knows."""
        if not trainer.is_global_zero:
            return
        if self._ended:
            self._run, self._ended = None, False
        epochs, batches = trainer.max_epochs or 0, trainer.num_training_batches
        sizes = {"epochs": max(0, epochs), "arch": type(pl_module).__name__}
        if isinstance(batches, int):
            sizes["batches"] = batches
        self._config = settings(sizes) | self._config
        self._called, self._epoch_number = True, trainer.current_epoch
        if self._watch:
            self._begun().watch(pl_module)

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Record the batch before, whose last figures have come by now."""
        if trainer.is_global_zero:
            self._end_batch()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Take the figures of a batch, and do what those who watch ask for."""
        if not trainer.is_global_zero:
            return
        loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
        groups = [group for optimizer in trainer.optimizers for group in optimizer.param_groups]
        self._step = trainer.global_step
        self._batch = {"loss": loss} | ({"lr": groups[0]["lr"]} if groups else {})
        if trainer.world_size == 1:
            self._steer(trainer, groups)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """End the epoch before, whose last figures have come by now."""
        if trainer.is_global_zero and trainer.current_epoch != self._epoch_number:
            self._end_epoch()
            self._epoch_number = trainer.current_epoch

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Keep the reason of a failure for the end."""
        self._failure = f"{type(exception).__name__}: {exception}"

    def _steer(self, trainer: Trainer, groups: list[dict[str, Any]]) -> None:
        run = self._begun()
        run.wait_while_paused()
        if run.should_stop:
            trainer.should_stop = True
        if (lr := run.changed("lr")) is not None:
            for group in groups:
                group["lr"] = lr

    def _end_batch(self) -> None:
        if self._batch:
            self._begun().batch(self._batch, step=self._step)
            self._batch = {}

    def _end_epoch(self) -> None:
        self._end_batch()
        if self._epoch or (self._run is not None and self._run.in_epoch):
            self._begun().epoch(self._epoch)
            self._epoch = {}


_BOTH = ("loss", "accuracy")
