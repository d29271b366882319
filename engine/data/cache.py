"""Folders of unpacked or decoded data in the user's cache, created once and atomically.

The cache is bounded: what was not used for longest goes when a new folder would exceed the limit.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from cnn_tui.engine.data.sources import cache_home
from cnn_tui.engine.errors import DataError, reason_of
from cnn_tui.engine.locks import locked_folder

_MARGIN = 64 << 20
"""Bytes of the disk that are left free."""
LIMIT_VARIABLE = "CNN_TUI_CACHE_GB"
_USUAL_LIMIT = 20.0
_OURS = re.compile(r"(\.part-)?.+-[0-9a-f]{16}")
"""Names of the folders that are counted, and may be deleted."""


def digest(*parts: object) -> str:
    """A short digest of the parts, usable in a file name."""
    return hashlib.sha256(repr(parts).encode("utf-8", "backslashreplace")).hexdigest()[:16]


def file_state(path: Path) -> tuple[str, int, int]:
    """Path, size and time of a file, which change when its content does."""
    state = path.stat()
    return str(path.resolve()), state.st_size, state.st_mtime_ns


def cached(
    name: str, key: str, size: int, make: Callable[[Path], None], *, resumable: bool = False
) -> Path:
    """The cached folder ``name`` in version ``key``; ``make`` fills it if it does not exist.

    The folder gets its name only after ``make`` has returned; older versions are then deleted.
    Processes that create the same folder at once do not disturb each other.

    Args:
        name: A file name; all cached folders that begin with it belong to the caller.
        key: A :func:`digest` of everything that the content depends on.
        size: Bytes that ``make`` writes at most.
        make: Called with an empty folder.
        resumable: Keep what an interrupted ``make`` has written; the next one is called with it.

    Raises:
        DataError: The cache has too little space, or cannot be written.
    """
    target = cache_home() / f"{name}-{key}"
    try:
        if target.is_dir():
            os.utime(target)  # the time of the last use
        else:
            _make(target, size, make, resumable)
            _forget_others(target, name)
    except OSError as error:
        raise DataError(
            f"{target.parent}: cannot be written: {reason_of(error)}.", _ELSEWHERE
        ) from error
    return target


_ELSEWHERE = "Set XDG_CACHE_HOME to a folder with enough space."


def _make(target: Path, size: int, make: Callable[[Path], None], resumable: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.parent / f".part-{target.name}"
    _make_room(target, part, size)
    with _workplace(part, resumable) as made:
        make(made)
        try:
            made.replace(target)
        except OSError:
            if not target.is_dir():  # another process was first
                raise


@contextmanager
def _workplace(part: Path, resumable: bool) -> Iterator[Path]:
    """The folder to fill: the one that an interrupted process has left, or a temporary one."""
    with ExitStack() as held:
        if resumable:
            part.mkdir(exist_ok=True)
            try:
                held.enter_context(locked_folder(part))
            except BlockingIOError:
                resumable = False  # another process is filling it
        if resumable:
            yield part
            return
    with tempfile.TemporaryDirectory(prefix=".new-", dir=part.parent) as temporary:
        made = Path(temporary) / "made"
        made.mkdir()
        yield made


def _make_room(target: Path, part: Path, size: int) -> None:
    """Delete what was not used for longest until the new folder is within the limit."""
    limit = _limit()
    if size > limit:
        raise DataError(
            f"{target.parent}: {size / 1e9:,.1f} GB are needed, the cache may take "
            f"{limit / 1e9:,.1f} GB.",
            f"Use fewer or smaller pictures, or set {LIMIT_VARIABLE}={size / 1e9 + 1:.0f}.",
        )
    folders = [path for path in target.parent.iterdir() if _OURS.fullmatch(path.name)]
    sizes = {path: _size(path) for path in folders if path != part}
    for old in sorted(sizes, key=_last_used):
        if sum(sizes.values()) + size <= limit:
            break
        _delete(old)
        del sizes[old]
    needed, free = size - _size(part), shutil.disk_usage(target.parent).free
    if free < needed + _MARGIN:
        raise DataError(
            f"{target.parent}: {needed / 1e6:,.0f} MB are needed, {free / 1e6:,.0f} MB are free.",
            _ELSEWHERE,
        )


def _limit() -> float:
    text = os.environ.get(LIMIT_VARIABLE, "")
    try:
        return float(text or _USUAL_LIMIT) * 1e9
    except ValueError:
        raise DataError(
            f"{LIMIT_VARIABLE}={text}: expected a number of gigabytes.", "Such as 20."
        ) from None


# Another process may delete a folder between any two of these calls.
def _last_used(folder: Path) -> float:
    with suppress(OSError):
        return folder.stat().st_mtime
    return 0.0


def _size(folder: Path) -> int:
    with suppress(OSError):
        return sum(file.stat().st_size for file in folder.glob("*"))
    return 0


def _forget_others(target: Path, name: str) -> None:
    for pattern in (f"{name}-{'?' * 16}", f".part-{name}-{'?' * 16}"):
        for other in target.parent.glob(pattern):
            if other != target:
                _delete(other)


def _delete(folder: Path) -> None:
    """Delete a folder, unless a process is filling it."""
    with suppress(OSError), locked_folder(folder):
        shutil.rmtree(folder, ignore_errors=True)
