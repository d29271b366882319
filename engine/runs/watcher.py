"""Whoever waits for a long computation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from cnn_tui.engine.errors import InsightError


class CancelledError(InsightError):
    """A computation ended early, because its watcher had cancelled it."""

    def __init__(self) -> None:
        super().__init__("Cancelled before it was done.")


def _ignore(share: float) -> None:
    pass


@dataclass(frozen=True)
class Watcher:
    """Is told how far a computation is, and asked whether its result is still wanted."""

    progress: Callable[[float], object] = field(default=_ignore, repr=False)
    """Called with the share that is done, from 0 to 1."""
    cancelled: Callable[[], bool] = field(default=lambda: False, repr=False)
    """Asked between pieces of the work; True ends it."""

    def check_in(self, share: float) -> None:
        """Report the share that is done, and end the work if it is no longer wanted.

        Raises:
            CancelledError: if it was cancelled.
        """
        if self.cancelled():
            raise CancelledError
        self.progress(share)

    def part(self, start: float, end: float) -> Watcher:
        """The watcher of a part of the work, from ``start`` to ``end`` of the whole."""
        return replace(self, progress=lambda share: self.progress(start + (end - start) * share))

    def parts(self, count: int) -> list[Watcher]:
        """The watchers of ``count`` equal parts of the work, in order."""
        return [self.part(number / count, (number + 1) / count) for number in range(count)]

    @property
    def quiet(self) -> Watcher:
        """A watcher that is not told the progress."""
        return replace(self, progress=_ignore)


NOBODY = Watcher()
