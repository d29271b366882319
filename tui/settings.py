"""The settings: one row each. The file, the environment and the commands read this table.

A value comes from the option of a command, else from the environment, else from ``config.toml``.
So the file is read once, when a command starts (:func:`apply`): what it says becomes environment
variables, which the processes that the command starts see as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from cnn_tui.engine.cores import MOST_THREADS, THREADS_VARIABLE
from cnn_tui.engine.runs.names import RUNS_VARIABLE
from cnn_tui.engine.specs.wording import did_you_mean, show
from cnn_tui.tui.config import KEYS, Value, config_file, read_file
from cnn_tui.tui.terminal.link import LOCAL_FPS, REMOTE_FPS, Color


@dataclass(frozen=True)
class UserSetting:
    """A value that the user may choose once for all commands."""

    name: str
    variable: str
    """The environment variable that wins over the file."""
    help: str
    accepts: str
    """The accepted values, as an error states them."""
    usual: str
    """The usual value, in words."""
    parse: Callable[[object], Value | None]
    """The value in its own type; None if it is not accepted."""
    words: Callable[[], Iterable[str]] = tuple
    """Every accepted value, if these are words."""
    late: bool = False
    """Whether only the app checks the value, as that takes long to import."""


def _word(*words: str) -> Callable[[object], Value | None]:
    return lambda value: value if isinstance(value, str) and value in words else None


def _number(value: object) -> float | None:
    try:
        return float(value) if isinstance(value, str | int | float) else None
    except ValueError:
        return None


def _fps(value: object) -> Value | None:
    number = None if isinstance(value, bool) else _number(value)
    return number if number is not None and 0.1 <= number <= 30 else None


def _threads(value: object) -> Value | None:
    number = None if isinstance(value, bool) else _number(value)
    return int(number) if number is not None and number in range(1, MOST_THREADS + 1) else None


def _switch(value: object) -> Value | None:
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    return value if isinstance(value, bool) else words.get(str(value).lower())


def _folder(value: object) -> Value | None:
    if not isinstance(value, str) or not value or "\0" in value:
        return None
    return str(Path(value).expanduser().absolute())


def _themes() -> Iterable[str]:
    # Imported late: it brings Textual, and most commands draw nothing.
    from cnn_tui.tui.theme import THEMES

    return THEMES


def _theme(value: object) -> Value | None:
    return value if isinstance(value, str) and value in _themes() else None


_COLORS = get_args(Color)

SETTINGS = (
    UserSetting(
        "theme",
        "CNN_TUI_THEME",
        "Colours of the app",
        "the name of a theme, of those that the app lists",
        "cnn-tui",
        _theme,
        _themes,
        late=True,
    ),
    UserSetting(
        "color",
        "CNN_TUI_COLOR",
        "Number of colours",
        f"one of {', '.join(_COLORS)}",
        "what the terminal reports",
        _word(*_COLORS),
        lambda: _COLORS,
    ),
    UserSetting(
        "ascii",
        "CNN_TUI_ASCII",
        "Draw in ASCII only",
        "true or false",
        "false",
        _switch,
        lambda: ("true", "false"),
    ),
    UserSetting(
        "mouse",
        "CNN_TUI_MOUSE",
        "Ask the terminal to report the mouse",
        "true or false",
        "true",
        _switch,
        lambda: ("true", "false"),
    ),
    UserSetting(
        "fps",
        "CNN_TUI_FPS",
        "How many times a second a run is drawn",
        "a number from 0.1 to 30",
        f"{LOCAL_FPS:g}, over SSH {REMOTE_FPS:g}",
        _fps,
    ),
    UserSetting(
        "threads",
        THREADS_VARIABLE,
        "Threads of the engine",
        f"a whole number from 1 to {MOST_THREADS}",
        "all cores",
        _threads,
    ),
    UserSetting(
        "runs",
        RUNS_VARIABLE,
        "Folder of the runs",
        "the path of a folder",
        "the user's data folder",
        _folder,
    ),
)


@dataclass(frozen=True)
class Given:
    """A setting that the file or the environment gives."""

    setting: UserSetting
    value: Value
    origin: str
    """The environment variable, or the file."""


def apply(environ: MutableMapping[str, str]) -> None:
    """Set the environment variables of what the file says, but for those that are set already."""
    saved, _ = read_file()
    for row in SETTINGS:
        given = saved.get(row.name)
        if row.late and isinstance(given, str):
            environ.setdefault(row.variable, given)
        elif given is not None and (value := row.parse(given)) is not None:
            environ.setdefault(row.variable, show(value) if isinstance(value, bool) else str(value))


def troubles() -> Iterator[str]:
    """Yield what is wrong with the file, a line each; such a setting keeps its usual value."""
    saved, trouble = read_file()
    if trouble:
        yield trouble
    for name, given in saved.items():
        row = setting_of(name)
        if name == KEYS:
            # Imported late, as most files have no such table.
            from cnn_tui.tui.keymap import keymap

            yield from (f"{config_file()}: {line}" for line in keymap(given).troubles)
        elif row is None:
            yield f"{config_file()}: {unknown(name)}"
        elif not (row.late and isinstance(given, str)) and row.parse(given) is None:
            yield f"{config_file()}: {refusal(row, given)}"


def found(environ: Mapping[str, str]) -> Iterator[Given]:
    """Yield the settings that have a value of the user's, each with its origin."""
    saved, _ = read_file()
    for row in SETTINGS:
        given = saved.get(row.name)
        from_file = None if given is None else row.parse(given)
        variable = environ.get(row.variable)
        value = None if variable is None else row.parse(variable)
        if value is not None and value != from_file:
            yield Given(row, value, row.variable)
        elif from_file is not None:
            yield Given(row, from_file, str(config_file()))


def theme(environ: Mapping[str, str]) -> tuple[str, str]:
    """Return the theme to wear, empty for the usual one, and what is wrong with the choice."""
    given = environ.get("CNN_TUI_THEME", "")
    if not given or _theme(given) is not None:
        return given, ""
    row = SETTINGS[0]
    origin = config_file() if read_file()[0].get(row.name) == given else row.variable
    return "", f"{origin}: {refusal(row, given)}"


def setting_of(name: str) -> UserSetting | None:
    """The row of a name."""
    return next((row for row in SETTINGS if row.name == name), None)


def refusal(row: UserSetting, given: object) -> str:
    """Why a value is not accepted, and what is."""
    words = list(row.words())
    # A theme is one of many.
    hint = did_you_mean(str(given), words, f"It is one of {', '.join(words)}.")
    more = f" {hint}" if row.late else ""
    return f"{row.name} = {show(given)} is not accepted: give {row.accepts}.{more}"


def unknown(name: str) -> str:
    """Why a name is refused."""
    hint = did_you_mean(name, [row.name for row in SETTINGS], "cnn-tui config lists them.")
    return f"there is no setting {show(name)}. {hint}"
