"""The user's file ``config.toml``: read without judging it, written with its other lines kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import platformdirs

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.formats import CONFIG, later
from cnn_tui.engine.specs.files import read_text, replace_bytes
from cnn_tui.engine.specs.wording import show
from cnn_tui.tui.words import clean

_MOST_BYTES = 1 << 16
KEYS = "keys"
"""The table of the file with keys of one's own."""

Value = str | int | float | bool


def is_file(path: Path) -> bool:
    """Whether there is a file, as far as this user may know."""
    try:
        return path.is_file()
    except OSError:
        return False


def config_file() -> Path:
    """The file, existing or not; ``XDG_CONFIG_HOME`` moves it."""
    return platformdirs.user_config_path("cnn-tui", appauthor=False) / "config.toml"


def read_file() -> tuple[Mapping[str, object], str]:
    """Return what the file says, and what is wrong with it in one line if it cannot be used."""
    saved, trouble = _parsed()
    version = saved.pop("format", CONFIG)
    if version == CONFIG:
        return saved, trouble
    path = config_file()
    if isinstance(version, int) and version > CONFIG:
        message, hint = later(str(path), version, CONFIG)
        return {}, f"{message} The defaults are used. {hint}"
    return saved, f"{path}: format = {show(version)} is not accepted: remove the line."


def _parsed() -> tuple[dict[str, object], str]:
    path = config_file()
    if not is_file(path):
        return {}, ""
    # Imported late: most users have no such file, and the first paint waits for this.
    import tomllib

    try:
        return tomllib.loads(read_text(path, _MOST_BYTES)), ""
    except (SpecError, ValueError, RecursionError) as error:
        return {}, f"{path} cannot be read, so the defaults are used: {clean(str(error))}"


def keep(name: str, value: Value | None, table: str = "") -> Path | None:
    """Write a setting to the file; None removes it. A file that cannot be read is set aside.

    Args:
        name: A key of the file, or of its ``table``.
        value: Its new value.
        table: The heading below which it stands; empty for the top of the file.

    Returns:
        Where the file that could not be read is now.

    Raises:
        OSError: if the file cannot be written; its content is then unchanged.
    """
    # Imported late: only who changes a setting needs it.
    import tomlkit

    path = config_file()
    there = is_file(path)
    if not there and value is None:
        return None
    aside = path.with_suffix(".damaged.toml") if there and _parsed()[1] else None
    document = tomlkit.parse(read_text(path, _MOST_BYTES) if there and not aside else "")
    if table and not isinstance(document.get(table), dict):
        document[table] = tomlkit.table()
    place = document[table] if table else document
    if value is None:
        place.pop(name, None)
    else:
        place[name] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    if aside:
        path.replace(aside)
    replace_bytes(path, tomlkit.dumps(document).encode())
    return aside
