"""Folders of unpacked or decoded data in the user's cache, created once and atomically."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from cnn_tui.engine.data.sources import cache_home
from cnn_tui.engine.errors import DataError, reason_of

_MARGIN = 64 << 20
"""Bytes of the disk that are left free."""


def digest(*parts: object) -> str:
    """A short digest of the parts, usable in a file name."""
    return hashlib.sha256(repr(parts).encode("utf-8", "backslashreplace")).hexdigest()[:16]


def file_state(path: Path) -> tuple[str, int, int]:
    """Path, size and time of a file, which change when its content does."""
    state = path.stat()
    return str(path.resolve()), state.st_size, state.st_mtime_ns


def cached(name: str, key: str, size: int, make: Callable[[Path], None]) -> Path:
    """The cached folder ``name`` in version ``key``; ``make`` fills it if it does not exist.

    The folder gets its name only after ``make`` has returned; older versions are then deleted.
    Processes that create the same folder at once do not disturb each other.

    Args:
        name: A file name; all cached folders that begin with it belong to the caller.
        key: A :func:`digest` of everything that the content depends on.
        size: Bytes that ``make`` writes at most.
        make: Called with an empty folder.

    Raises:
        DataError: The cache has too little space, or cannot be written.
    """
    target = cache_home() / f"{name}-{key}"
    if not target.is_dir():
        try:
            _make(target, size, make)
        except OSError as error:
            raise DataError(
                f"{target.parent}: cannot be written: {reason_of(error)}.", _ELSEWHERE
            ) from error
        _forget_others(target, name)
    return target


_ELSEWHERE = "Set XDG_CACHE_HOME to a folder with enough space."


def _make(target: Path, size: int, make: Callable[[Path], None]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(target.parent).free
    if free < size + _MARGIN:
        raise DataError(
            f"{target.parent}: {size / 1e6:,.0f} MB are needed, {free / 1e6:,.0f} MB are free.",
            _ELSEWHERE,
        )
    with tempfile.TemporaryDirectory(prefix=".new-", dir=target.parent) as temporary:
        made = Path(temporary) / "made"
        made.mkdir()
        make(made)
        try:
            made.replace(target)
        except OSError:
            if not target.is_dir():  # another process was first
                raise


def _forget_others(target: Path, name: str) -> None:
    for other in target.parent.glob(f"{name}-{'?' * 16}"):
        if other != target:
            shutil.rmtree(other, ignore_errors=True)
