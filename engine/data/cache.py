"""Folders of unpacked or decoded data in the user's cache: made once, whole or not at all."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from cnn_tui.engine.data.sources import cache_home
from cnn_tui.engine.errors import DataError, reason_of

_MARGIN = 64 << 20
"""Bytes of the disk that are left to others."""


def digest(*parts: object) -> str:
    """A short name for what the parts describe; others give another name."""
    return hashlib.sha256(repr(parts).encode("utf-8", "backslashreplace")).hexdigest()[:16]


def file_state(path: Path) -> tuple[str, int, int]:
    """What changes when the file does: its place, its size and its time."""
    state = path.stat()
    return str(path.resolve()), state.st_size, state.st_mtime_ns


def cached(name: str, key: str, size: int, make: Callable[[Path], None]) -> Path:
    """The cached folder ``name`` in its version ``key``, filled by ``make`` if it is not there.

    A folder appears under its name only when ``make`` has returned; its older versions are
    deleted then. Two processes that make the same one do not disturb each other.

    Args:
        name: A file name; whoever uses it owns every folder that begins so.
        key: A :func:`digest` of everything that the content depends on.
        size: Bytes that ``make`` is going to write, at most.
        make: Gets an empty folder.

    Raises:
        DataError: The cache has no room, or cannot be written.
    """
    place = cache_home() / f"{name}-{key}"
    if not place.is_dir():
        try:
            _make(place, size, make)
        except OSError as error:
            raise DataError(
                f"{place.parent}: cannot be written: {reason_of(error)}.", _ELSEWHERE
            ) from error
        _forget_others(place, name)
    return place


_ELSEWHERE = "Set XDG_CACHE_HOME to a folder with room."


def _make(place: Path, size: int, make: Callable[[Path], None]) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(place.parent).free
    if free < size + _MARGIN:
        raise DataError(
            f"{place.parent}: {size / 1e6:,.0f} MB are needed, {free / 1e6:,.0f} MB are free.",
            _ELSEWHERE,
        )
    with tempfile.TemporaryDirectory(prefix=".new-", dir=place.parent) as temporary:
        made = Path(temporary) / "made"
        made.mkdir()
        make(made)
        try:
            made.replace(place)
        except OSError:
            if not place.is_dir():  # another process was first
                raise


def _forget_others(place: Path, name: str) -> None:
    for other in place.parent.glob(f"{name}-{'?' * 16}"):
        if other != place:
            shutil.rmtree(other, ignore_errors=True)
