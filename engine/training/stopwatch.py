"""How long a run has worked, pauses left out."""

from __future__ import annotations

import time


class Stopwatch:
    """Runs from its making on; can be held. ``seconds`` were counted before."""

    def __init__(self, seconds: float = 0.0) -> None:
        self._start = time.perf_counter() - seconds
        self._held_since: float | None = None

    def pause(self) -> None:
        """Stop counting."""
        self._held_since = time.perf_counter()

    def resume(self) -> None:
        """Count again."""
        if self._held_since is not None:
            self._start += time.perf_counter() - self._held_since
            self._held_since = None

    @property
    def seconds(self) -> float:
        """Counted so far."""
        now = time.perf_counter() if self._held_since is None else self._held_since
        return now - self._start
