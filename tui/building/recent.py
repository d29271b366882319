"""The files that were opened or saved last, kept between sessions."""

from __future__ import annotations

import json
from pathlib import Path

import platformdirs

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.specs.files import read_bytes, replace_bytes

_MOST = 12
_MOST_BYTES = 1 << 16


def recent_files() -> tuple[Path, ...]:
    """Those that are still there, the last first; none if the list cannot be read."""
    try:
        listed = json.loads(read_bytes(_place(), _MOST_BYTES))
    except (SpecError, ValueError, RecursionError):
        return ()
    paths = listed if isinstance(listed, list) else []
    return tuple(path for path in map(Path, filter(_is_text, paths)) if _is_file(path))[:_MOST]


def remember(path: Path) -> None:
    """Put a file first; a list that cannot be written is nobody's trouble."""
    path = path.absolute()
    others = [one for one in recent_files() if one != path]
    listed = [str(one) for one in (path, *others)][:_MOST]
    try:
        _place().parent.mkdir(parents=True, exist_ok=True)
        replace_bytes(_place(), json.dumps(listed, indent=1).encode())
    except (OSError, ValueError):
        return


def _place() -> Path:
    return platformdirs.user_state_path("cnn-tui", appauthor=False) / "recent.json"


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
