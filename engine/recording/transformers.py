"""A callback of Hugging Face's Trainer: ``Trainer(..., callbacks=[RunTrainerCallback("my-run")])``.

Steps are recorded as often as the Trainer logs them: ``logging_steps`` of its arguments.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from cnn_tui.engine.recording.figures import settings
from cnn_tui.engine.recording.names import by_split
from cnn_tui.engine.recording.run import RecordedRun

_BOOKKEEPING = ("epoch", "total_flos", "train_runtime", "train_loss", "step")
"""Entries of a log that are no figures of a step; the loss is that of the whole training."""
_SPEEDS = ("runtime", "_per_second", "compilation_time")


class RunTrainerCallback(TrainerCallback):  # type: ignore[misc]
    """Records what the Trainer logs; those who watch can pause and stop it and change its rate."""

    def __init__(
        self,
        name: str = "run",
        *,
        config: Mapping[str, object] | None = None,
        runs_dir: str | Path | None = None,
        watch: bool = True,
    ) -> None:
        """Record as ``name``; ``watch`` measures the layers of the model."""
        self._name, self._config, self._watch = name, settings(config), watch
        self._root = None if runs_dir is None else Path(runs_dir)
        self._run: RecordedRun | None = None
        self._epoch_over = False

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Begin the run, with the settings of the Trainer."""
        if not state.is_world_process_zero:
            return
        model, epochs = kwargs.get("model"), max(1, math.ceil(state.num_train_epochs or 1))
        sizes = {
            "arch": type(model).__name__,
            "epochs": epochs,
            "batches": math.ceil(state.max_steps / (state.num_train_epochs or 1)),
            "batch_size": args.train_batch_size * args.gradient_accumulation_steps,
            "lr": args.learning_rate,
            "optimizer": str(args.optim),
        }
        given = settings(args.to_sanitized_dict())
        self._run = RecordedRun(self._name, given | settings(sizes) | self._config, self._root)
        if model is not None and self._watch:
            self._run.watch(model)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> TrainerControl:
        """Do what those who watch ask for."""
        run = self._run
        if run is None or args.world_size > 1:
            return control
        run.wait_while_paused()
        if run.should_stop:
            control.should_training_stop = True
        if (lr := run.changed("lr")) is not None:
            _set_lr(lr, kwargs.get("optimizer"), kwargs.get("lr_scheduler"))
        return control

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Record a step."""
        figures = {k: v for k, v in (logs or {}).items() if k not in _BOOKKEEPING}
        train, _ = by_split({k: v for k, v in figures.items() if not k.startswith("eval_")})
        if self._run is not None and train and "train_runtime" not in (logs or {}):
            self._begin_epoch()
            self._run.batch(train, step=state.global_step)

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Record an evaluation, in the middle or at the end of an epoch."""
        if self._run is None:
            return
        logged = {k: v for k, v in (metrics or {}).items() if not k.endswith(_SPEEDS)}
        logged.pop("epoch", None)
        _, val = by_split(logged)
        if self._epoch_over:
            self._epoch_over = False
            self._run.epoch(val)
        else:
            self._run.validation(val)

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Wait for the evaluation of the epoch, which comes afterwards, if there is one."""
        self._epoch_over = True

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """End the run."""
        if self._run is not None:
            self._begin_epoch()
            self._run.close()
            self._run = None

    def _begin_epoch(self) -> None:
        """End the epoch before, if it was not evaluated."""
        if self._epoch_over and self._run is not None:
            self._run.epoch()
        self._epoch_over = False


def _set_lr(lr: float, optimizer: Any, scheduler: Any) -> None:
    """Change the rate, and that which a schedule scales."""
    for group in getattr(optimizer, "param_groups", ()):
        group["lr"] = lr
    if hasattr(scheduler, "base_lrs"):
        scheduler.base_lrs = [lr] * len(scheduler.base_lrs)
