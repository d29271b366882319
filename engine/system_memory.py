"""Memory that this process holds, and memory that is still available to it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

_LIMITS = (
    ("memory.max", "memory.current"),  # control groups, version 2
    ("memory.limit_in_bytes", "memory.usage_in_bytes"),  # version 1
)
_NO_LIMIT = 1 << 60


def available_memory(root: Path = Path("/")) -> int | None:
    """Bytes that can be allocated without swapping; None if the system does not report them.

    On Linux the available memory, or less if a container or batch job has a lower limit; elsewhere
    the installed memory.

    Args:
        root: the folder of ``proc`` and ``sys``.
    """
    limits = [*_free(root), *_left_in_groups(root)]
    return min(limits) if limits else _installed()


if sys.platform == "win32":
    import psutil

    def held_memory() -> int:
        """Bytes of memory that this process occupies."""
        return int(psutil.Process().memory_info().rss)

    def most_held_memory() -> int:
        """Peak memory of this process in bytes."""
        return int(psutil.Process().memory_info().peak_wset)

    def _installed() -> int | None:
        return int(psutil.virtual_memory().available)

else:
    import resource

    def held_memory() -> int:
        """Bytes of memory that this process occupies, or its peak if only that is known."""
        for line in _lines(Path("/proc/self/statm")):
            return int(line.split()[1]) * os.sysconf("SC_PAGE_SIZE")
        return most_held_memory()

    def most_held_memory() -> int:
        """Peak memory of this process in bytes."""
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024

    def _installed() -> int | None:
        try:
            return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (ValueError, OSError):
            return None


def _free(root: Path) -> Iterator[int]:
    for line in _lines(root / "proc/meminfo"):
        if line.startswith("MemAvailable:"):
            yield int(line.split()[1]) * 1024


def _left_in_groups(root: Path) -> Iterator[int]:
    """Bytes left in the control groups of this process and in those that contain them."""
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, path = line.split(":", 2)
        if controllers in ("", "memory"):
            # A container that hides the outer groups shows its own in their place.
            group = root / "sys/fs/cgroup" / controllers
            for name in (".", *path.strip("/").split("/")):
                group /= name
                yield from _left(group)


def _left(group: Path) -> Iterator[int]:
    for most, used in _LIMITS:
        limit, usage = _number(group / most), _number(group / used)
        if limit is not None and usage is not None and limit < _NO_LIMIT:
            yield max(0, limit - usage + _reclaimable(group))


def _reclaimable(group: Path) -> int:
    """Bytes of cached files, which count as used but are freed when memory is needed."""
    stat = dict(line.split(maxsplit=1) for line in _lines(group / "memory.stat"))
    return int(stat.get("total_inactive_file", stat.get("inactive_file", "0")))


def _number(path: Path) -> int | None:
    text = next(iter(_lines(path)), "")
    return int(text) if text.isdigit() else None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
