"""The one object that goes down to a training run; the trainer reads it once per batch."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Literal

from cnn_tui.engine.training.settings import SettingName, Settings, SettingValue

Portion = Literal["batch", "epoch"]
Change = Callable[[Settings], Settings]


class Control:
    """Steers a trainer from any thread, or from a signal handler."""

    def __init__(self) -> None:
        self._running = threading.Event()
        self._running.set()
        self._stopping = threading.Event()
        self._portion: Portion | None = None
        self._changes = deque[Change]()
        self._discarding = False

    def pause(self) -> None:
        """Let the current batch end, then wait."""
        self._portion = None
        self._running.clear()

    def resume(self) -> None:
        """Go on after a pause, with no end in sight."""
        self._portion = None
        self._running.set()

    def run_one(self, portion: Portion) -> None:
        """Go on for one batch, or to the end of the epoch and its validation; then pause."""
        self._portion = portion
        self._running.set()

    def stop(self, *, keep: bool = True) -> None:
        """End the run after the current batch, paused or not; ``keep`` its state as it is then."""
        self._discarding = not keep
        self._stopping.set()
        self._running.set()

    def set(self, name: SettingName, value: SettingValue) -> None:
        """Give the recipe another value from the next batch on.

        Raises:
            SpecError: there is no such setting, or it does not take this value.
        """
        Settings(lr=1.0).with_value(name, value)
        self._changes.append(lambda settings: settings.with_value(name, value))

    def set_lr(self, lr: float) -> None:
        """Give the recipe another learning rate; a schedule goes on from there."""
        self.set("lr", lr)

    def scale_lr(self, factor: float) -> None:
        """Multiply the learning rate, the recipe's and one that is held."""
        self._changes.append(lambda settings: settings.with_scaled_lr(factor))

    def take_changes(self, settings: Settings) -> Settings:
        """The settings after all that was asked for since the last call; for the trainer."""
        while self._changes:
            settings = self._changes.popleft()(settings)
        return settings

    def has_done(self, portion: Portion) -> None:
        """Pause if that was all there was to do; for the trainer."""
        if self._portion == portion:
            self.pause()

    @property
    def paused(self) -> bool:
        """Whether a pause was asked for and not yet taken back."""
        return not self._running.is_set()

    @property
    def stopping(self) -> bool:
        """Whether the run was asked to end."""
        return self._stopping.is_set()

    @property
    def discarding(self) -> bool:
        """Whether it was asked to end without keeping its last state."""
        return self._discarding

    def wait_while_paused(self) -> None:
        """Block until :meth:`resume`, :meth:`run_one` or :meth:`stop`."""
        self._running.wait()
