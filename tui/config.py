"""The user's choices, kept in ``config.toml``: so far the theme."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.specs.files import read_bytes, replace_bytes
from cnn_tui.tui.words import clean

_MOST_BYTES = 1 << 16


@dataclass(frozen=True)
class Config:
    """What the file says; ``trouble`` is what could not be used, in one line."""

    theme: str = ""
    """The name of a theme; empty for the first one."""
    trouble: str = ""
    broken: bool = False
    """Whether the file is no TOML."""


def is_file(path: Path) -> bool:
    """Whether there is a file, as far as this user may know."""
    try:
        return path.is_file()
    except OSError:
        return False


def config_file() -> Path:
    """The file, existing or not; ``XDG_CONFIG_HOME`` moves it."""
    return platformdirs.user_config_path("cnn-tui", appauthor=False) / "config.toml"


def read_config(themes: Sequence[str]) -> Config:
    """Read the file; a wrong one is reported in ``trouble`` and never an error."""
    path = config_file()
    if not is_file(path):
        return Config()
    # Imported late: most users have no such file, and the first paint waits for this.
    import tomllib

    try:
        found = tomllib.loads(read_bytes(path, _MOST_BYTES).decode())
    except (SpecError, ValueError, RecursionError) as error:
        trouble = f"{path} cannot be read, so the defaults are used: {clean(str(error))}"
        return Config(trouble=trouble, broken=True)
    theme = found.get("theme", "")
    if theme in ("", *themes):
        return Config(theme)
    return Config(
        trouble=f"{path}: theme = {clean(repr(theme))} is none of the themes, which F9 lists."
    )


def keep_theme(theme: str) -> None:
    """Write the theme to the file, whose other lines stay; a wrong file is replaced.

    Raises:
        OSError: if the file cannot be written; its content is then unchanged.
    """
    path = config_file()
    line = f'theme = "{theme}"'
    lines = [] if read_config((theme,)).broken else _lines(path)
    # Below a table's heading it would be another setting.
    tables = [at for at, old in enumerate(lines) if old.lstrip().startswith("[")]
    own = [at for at, old in enumerate(lines) if re.match(r"\s*theme\s*=", old)]
    if own and own[0] < min(tables, default=len(lines)):
        lines[own[0]] = line
    else:
        lines.insert(0, line)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_bytes(path, ("\n".join(lines) + "\n").encode())


def _lines(path: Path) -> list[str]:
    try:
        return read_bytes(path, _MOST_BYTES).decode().splitlines()
    except (SpecError, ValueError):
        return []
