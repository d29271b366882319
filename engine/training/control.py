"""The object that steers a training run; the trainer reads it once per batch."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Literal

from cnn_tui.engine.training.glimpse import Glimpse, Pace
from cnn_tui.engine.training.settings import SettingName, Settings, SettingValue

Portion = Literal["batch", "epoch"]


class Control:
    """The control of a trainer, to be used from any thread or from a signal handler."""

    def __init__(self) -> None:
        self._paused = False
        self._called = threading.Event()
        """Set by whatever a paused trainer has to attend to."""
        self._stopping = threading.Event()
        self._portion: Portion | None = None
        self._changes = deque[tuple[SettingName, SettingValue]]()
        self._discarding = False
        self._asked = False
        self._glimpse: Glimpse | None = None
        self._pace = Pace()
        self.preparation = ""
        """The work before the first step, in words; written by the thread of the run."""

    def pause(self) -> None:
        """Pause after the current batch."""
        self._portion = None
        self._paused = True

    def resume(self) -> None:
        """Continue after a pause."""
        self._portion = None
        self._continue()

    def run_one(self, portion: Portion) -> None:
        """Continue for one batch, or to the end of the epoch and its validation; then pause."""
        self._portion = portion
        self._continue()

    def stop(self, *, keep: bool = True) -> None:
        """End the run after the current batch, also while paused; ``keep`` saves its state."""
        self._discarding = not keep
        self._stopping.set()
        self._continue()

    def set(self, name: SettingName, value: SettingValue) -> None:
        """Change a setting of the recipe from the next batch on.

        Raises:
            SpecError: if there is no such setting, or the value is not valid.
        """
        Settings(lr=1.0).with_value(name, value)
        self._changes.append((name, value))

    def set_lr(self, lr: float) -> None:
        """Change the recipe's learning rate, which the schedule scales."""
        self.set("lr", lr)

    def take_changes(self, settings: Settings) -> Settings:
        """The settings after all changes requested since the last call; for the trainer."""
        while self._changes:
            settings = settings.with_value(*self._changes.popleft())
        return settings

    def has_done(self, portion: Portion) -> None:
        """Pause if :meth:`run_one` asked for this portion only; for the trainer."""
        if self._portion == portion:
            self.pause()

    @property
    def paused(self) -> bool:
        """Whether the run is paused, or will be after the current batch."""
        return self._paused

    @property
    def stopping(self) -> bool:
        """Whether the run is to end."""
        return self._stopping.is_set()

    @property
    def discarding(self) -> bool:
        """Whether the run is to end without saving its state."""
        return self._discarding

    def wait_while_paused(self, attend: Callable[[], None] = lambda: None) -> None:
        """Block until :meth:`resume`, :meth:`run_one` or :meth:`stop`.

        Meanwhile ``attend`` is called when :meth:`glimpse` asks.
        """
        while self._paused:
            self._called.wait()
            self._called.clear()
            attend()

    def glimpse(self) -> Glimpse | None:
        """The weights as they were asked for at the last call, once; asks for the next ones.

        None until the trainer has copied them: it does so between two steps, so seldom that
        training takes at most 1% longer, and holds one copy at most.
        """
        found, self._glimpse = self._glimpse, None
        self._asked = True
        self._called.set()
        return found

    def show(self, copy: Callable[[], Glimpse]) -> None:
        """Copy the weights if they were asked for and it is time; for the trainer."""
        if not self._asked or not self._pace.due:
            return
        began = time.monotonic()
        self._glimpse, self._asked = copy(), False
        self._pace.worked(time.monotonic() - began)

    def _continue(self) -> None:
        self._paused = False
        self._called.set()
