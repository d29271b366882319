"""Requests of other terminals to a recorded training, until its loop reads them."""

from __future__ import annotations

from typing import Literal

Wish = Literal["stop", "pause", "lr"]
_LOOKS: dict[Wish, str] = {
    "stop": "run.should_stop",
    "pause": "run.paused",
    "lr": 'run.changed("lr")',
}
"""The call by which a loop learns of each wish."""


class Wishes:
    """The wishes; written by the thread that reads requests, read by that of the training.

    Answers are honest: they say so if the training has not looked where it would learn of a wish.
    """

    def __init__(self) -> None:
        self.stopping = self.pausing = False
        self.looked = set[Wish]()
        """The wishes for which the training has looked so far."""
        self._lr: float | None = None

    def pause(self) -> str:
        """Ask for a pause."""
        self.pausing = True
        return self._answer("pause", "pauses when it looks at {}")

    def resume(self) -> str:
        """Ask to continue."""
        self.pausing = False
        return self._answer("pause", "continues when it looks at {}")

    def stop(self) -> str:
        """Ask for the end, also of a pause."""
        self.stopping, self.pausing = True, False
        return self._answer("stop", "stops when it looks at {}")

    def set_lr(self, lr: float) -> str:
        """Ask for another learning rate."""
        self._lr = lr
        return self._answer("lr", f"uses the learning rate {lr:g} when it looks at {{}}")

    def take_lr(self) -> float | None:
        """The learning rate that was asked for since the last call."""
        lr, self._lr = self._lr, None
        return lr

    def _answer(self, wish: Wish, words: str) -> str:
        answer = words.format(_LOOKS[wish])
        return answer if wish in self.looked else f"{answer}, which it has not done yet"
