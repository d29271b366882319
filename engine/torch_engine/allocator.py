"""How the C library keeps the memory that PyTorch frees on the CPU."""

from __future__ import annotations

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""Names of ``mallopt`` in glibc's ``malloc.h``."""
_MMAP = 32 << 20
"""The most that glibc takes on 64 bits."""
_TRIM = 1 << 30


def keep_freed_memory() -> None:
    """Let freed arrays stay with the process, up to a gigabyte, for the next step.

    PyTorch allocates and frees every output in every step. By default glibc gives much of that back
    to the system at once, and the next step faults each page in again: a fifth of a step of
    resnet20. Other C libraries have no such setting.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _MMAP)
        mallopt(_M_TRIM_THRESHOLD, _TRIM)
