"""A Keras callback that records a training: ``model.fit(..., callbacks=[RunCallback("my-run")])``.

Keras tells the mean of loss and metrics over the epoch so far, not those of a single batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import keras

from cnn_tui.engine.recording.figures import settings
from cnn_tui.engine.recording.names import by_split
from cnn_tui.engine.recording.run import RecordedRun


class RunCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """Records a training of Keras; those who watch it can pause it, stop it and change its rate."""

    def __init__(
        self,
        name: str = "run",
        *,
        config: Mapping[str, object] | None = None,
        runs_dir: str | Path | None = None,
    ) -> None:
        """Record as ``name``."""
        super().__init__()
        self._name, self._config = name, settings(config)
        self._root = None if runs_dir is None else Path(runs_dir)
        self._run: RecordedRun | None = None

    def on_train_begin(self, logs: object = None) -> None:
        """Begin the run, with the sizes that Keras knows."""
        model, known = self.model, self.params or {}
        sizes = {
            "arch": model.name,
            "optimizer": type(model.optimizer).__name__,
            "params": model.count_params() if model.built else 0,
            "epochs": known.get("epochs") or 0,
            "batches": known.get("steps") or 0,
        }
        self._run = RecordedRun(self._name, settings(sizes) | self._config, self._root)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, object] | None = None) -> None:
        """Record a batch, and do what those who watch ask for."""
        run = self._run
        if run is None:
            return
        figures, _ = by_split(logs or {})
        run.batch(figures, lr=self._lr())
        run.wait_while_paused()
        if run.should_stop:
            self.model.stop_training = True
        if (lr := run.changed("lr")) is not None:
            self.model.optimizer.learning_rate = lr

    def on_epoch_end(self, epoch: int, logs: Mapping[str, object] | None = None) -> None:
        """Record an epoch."""
        if self._run is not None:
            train, val = by_split(logs or {})
            self._run.epoch(train | val)

    def on_train_end(self, logs: object = None) -> None:
        """End the run."""
        if self._run is not None:
            self._run.close()

    def _lr(self) -> float | None:
        try:
            return float(self.model.optimizer.learning_rate)
        except (AttributeError, TypeError, ValueError):
            return None
