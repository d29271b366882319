"""The files and folders used last, kept in the user's state folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import platformdirs

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.specs.files import read_bytes, replace_bytes

_MOST = 12
_MOST_BYTES = 1 << 16


class Recent:
    """A list of paths, the newest first; one that cannot be read or written counts as empty.

    Args:
        file: Its name in the state folder.
        fits: Whether a path still is what the list holds.
    """

    def __init__(self, file: str, fits: Callable[[Path], bool]) -> None:
        self._file, self._fits = file, fits

    def paths(self) -> tuple[Path, ...]:
        """Return the paths that still exist."""
        try:
            listed = json.loads(read_bytes(self._place(), _MOST_BYTES))
        except (SpecError, ValueError, RecursionError):
            return ()
        paths = listed if isinstance(listed, list) else []
        return tuple(path for path in map(Path, filter(_is_text, paths)) if self._is_there(path))[
            :_MOST
        ]

    def add(self, path: Path) -> None:
        """Put a path at the top."""
        path = path.absolute()
        others = [other for other in self.paths() if other != path]
        listed = [str(other) for other in (path, *others)][:_MOST]
        try:
            self._place().parent.mkdir(parents=True, exist_ok=True)
            replace_bytes(self._place(), json.dumps(listed, indent=1).encode())
        except (OSError, ValueError):
            return

    def _place(self) -> Path:
        return platformdirs.user_state_path("cnn-tui", appauthor=False) / self._file

    def _is_there(self, path: Path) -> bool:
        try:
            return self._fits(path)
        except (OSError, ValueError):
            return False


def _is_text(value: object) -> bool:
    return isinstance(value, str)


NETWORKS = Recent("recent.json", Path.is_file)
"""Architecture files that were opened or saved."""
DATA = Recent("data.json", Path.exists)
"""Folders and files of data that were given."""
