"""What the program takes of the machine: processor and memory."""

from __future__ import annotations

import os
import resource
import sys
import time
from contextlib import suppress
from pathlib import Path


class Usage:
    """Processor time between two looks, and memory now."""

    def __init__(self) -> None:
        self._then = self._now()

    def words(self) -> str:
        """``cpu 187% 212 MB``; processor time of all cores together since the last call."""
        (cpu, clock), self._then = self._then, self._now()
        share = (self._then[0] - cpu) / max(1e-3, self._then[1] - clock)
        return f"cpu {share:.0%} {resident_bytes() / 1e6:.0f} MB"

    @staticmethod
    def _now() -> tuple[float, float]:
        return time.process_time(), time.monotonic()


def resident_bytes() -> int:
    """Memory that the program holds now; the most it ever held where only that is known."""
    with suppress(OSError, ValueError, IndexError):
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
