"""How much room files take."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def disk_use(path: Path) -> int:
    """Bytes of a file, or of all files in a folder; those that vanish meanwhile count nothing."""
    return sum(_sizes(path))


def _sizes(path: Path | str) -> Iterator[int]:
    # Entries know what they are without being asked again: a history may have 20,000 files.
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                with suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        yield from _sizes(entry.path)
                    else:
                        yield entry.stat(follow_symlinks=False).st_size
    except NotADirectoryError:
        yield Path(path).lstat().st_size
    except OSError:
        return
