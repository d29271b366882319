"""What the program takes of the machine: processor and memory."""

from __future__ import annotations

import time

from cnn_tui.engine.system_memory import held_memory


class Usage:
    """Processor time between two looks, and memory now."""

    def __init__(self) -> None:
        self._then = self._now()

    def words(self) -> str:
        """``cpu 187% 212 MB``; processor time of all cores together since the last call."""
        (cpu, clock), self._then = self._then, self._now()
        share = (self._then[0] - cpu) / max(1e-3, self._then[1] - clock)
        return f"cpu {share:.0%} {held_memory() / 1e6:.0f} MB"

    @staticmethod
    def _now() -> tuple[float, float]:
        return time.process_time(), time.monotonic()
