"""The object that steers a training run; the trainer reads it once per batch."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Literal

from cnn_tui.engine.training.settings import SettingName, Settings, SettingValue

Portion = Literal["batch", "epoch"]
Change = Callable[[Settings], Settings]


class Control:
    """The control of a trainer, to be used from any thread or from a signal handler."""

    def __init__(self) -> None:
        self._running = threading.Event()
        self._running.set()
        self._stopping = threading.Event()
        self._portion: Portion | None = None
        self._changes = deque[Change]()
        self._discarding = False

    def pause(self) -> None:
        """Pause after the current batch."""
        self._portion = None
        self._running.clear()

    def resume(self) -> None:
        """Continue after a pause."""
        self._portion = None
        self._running.set()

    def run_one(self, portion: Portion) -> None:
        """Continue for one batch, or to the end of the epoch and its validation; then pause."""
        self._portion = portion
        self._running.set()

    def stop(self, *, keep: bool = True) -> None:
        """End the run after the current batch, also while paused; ``keep`` saves its state."""
        self._discarding = not keep
        self._stopping.set()
        self._running.set()

    def set(self, name: SettingName, value: SettingValue) -> None:
        """Change a setting of the recipe from the next batch on.

        Raises:
            SpecError: if there is no such setting, or the value is not valid.
        """
        Settings(lr=1.0).with_value(name, value)
        self._changes.append(lambda settings: settings.with_value(name, value))

    def set_lr(self, lr: float) -> None:
        """Change the recipe's learning rate, which the schedule scales."""
        self.set("lr", lr)

    def scale_lr(self, factor: float) -> None:
        """Multiply the recipe's learning rate and the held one."""
        self._changes.append(lambda settings: settings.with_scaled_lr(factor))

    def take_changes(self, settings: Settings) -> Settings:
        """The settings after all changes requested since the last call; for the trainer."""
        while self._changes:
            settings = self._changes.popleft()(settings)
        return settings

    def has_done(self, portion: Portion) -> None:
        """Pause if :meth:`run_one` asked for this portion only; for the trainer."""
        if self._portion == portion:
            self.pause()

    @property
    def paused(self) -> bool:
        """Whether the run is paused, or will be after the current batch."""
        return not self._running.is_set()

    @property
    def stopping(self) -> bool:
        """Whether the run is to end."""
        return self._stopping.is_set()

    @property
    def discarding(self) -> bool:
        """Whether the run is to end without saving its state."""
        return self._discarding

    def wait_while_paused(self) -> None:
        """Block until :meth:`resume`, :meth:`run_one` or :meth:`stop`."""
        self._running.wait()
