"""How much room files take."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from cnn_tui.engine.files import is_regular


def disk_use(path: Path) -> int:
    """Bytes of a file, or of all files in a folder; those that vanish meanwhile count nothing.

    A link is followed where ``path`` itself is one, and counts as what it is inside.
    """
    if is_regular(path):
        return path.lstat().st_size
    return sum(_sizes(path))


def _sizes(path: Path) -> Iterator[int]:
    # No recursion: a folder from elsewhere may be deeper than Python's stack.
    waiting = [os.fspath(path)]
    while waiting:
        # Entries know what they are without being asked again: a history may have 20,000 files.
        with suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    yield entry.stat(follow_symlinks=False).st_size
