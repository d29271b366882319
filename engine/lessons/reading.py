"""Reads lessons, those of the package and those of teachers; files are untrusted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

import msgspec

from cnn_tui import presets
from cnn_tui.engine.decoding import RunName, convert
from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.formats import LESSON
from cnn_tui.engine.lessons.conditions import read_conditions, refuse_unknown
from cnn_tui.engine.lessons.lesson import HINTS, Condition, Lesson, Task, Where
from cnn_tui.engine.lessons.mistakes import LessonError, Mistakes
from cnn_tui.engine.specs.codec import convert_network, parse_toml
from cnn_tui.engine.specs.files import read_text
from cnn_tui.engine.specs.fitting import with_data
from cnn_tui.engine.specs.network import MAX_FILE_BYTES, Network
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.engine.specs.values import network_problems, table_problems
from cnn_tui.engine.specs.wording import did_you_mean, plain, show

_Line = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=8_000)]
_MOST_SOLUTIONS = 5
_MOST_MISTAKES = 20
_Part = TypeVar("_Part")


class LessonTable(msgspec.Struct, frozen=True, kw_only=True):
    """The tables of a lesson's file, as far as they have one type."""

    name: RunName
    title: _Line
    chapter: _Line
    minutes: Annotated[int, msgspec.Meta(ge=1, le=600)]
    text: _Text
    why: _Text
    start: Any
    task: Any
    hints: Any
    solution: Any = None
    fast: bool = False


_PARTS = {
    "start": "Give a network as in an architecture file, or the name of a preset.",
    "task": "Give a table [task] with a text and [[task.conditions]].",
    "hints": "Give three texts, each of which says more.",
}
"""What to do about a part that is missing, and has no single type."""


def shipped_lessons() -> dict[str, Path]:
    """The files of the lessons of the package by name, in the order in which they are learned."""
    folder = Path(presets.__file__).with_name("lessons")
    # The number before the name is the order.
    return {path.stem.partition("-")[2]: path for path in sorted(folder.glob("*.toml"))}


@cache
def load_shipped(name: str) -> Lesson:
    """Read a lesson of the package.

    Raises:
        SpecError: if there is none; the message lists a similar name.
    """
    known = shipped_lessons()
    if name not in known:
        hint = did_you_mean(name, known, "cnn-tui learn --list lists them.")
        raise SpecError(f"There is no lesson {show(name)}.", hint)
    return loads_lesson(known[name].read_text("utf-8"), f"lesson {name}")


def load_lesson(name: str) -> Lesson:
    """Read a lesson of the package, or else the file ``name``, with or without ``.toml``.

    Raises:
        SpecError: if there is neither, or the file does not describe a lesson.
    """
    known = shipped_lessons()
    path = Path(name) if name.endswith(".toml") else Path(f"{name}.toml")
    try:
        is_file = path.is_file() or Path(name).is_file()
        is_folder = not is_file and Path(name).is_dir()
    except (OSError, ValueError):  # a name that no file can have
        is_file = is_folder = False
    if is_folder and name not in known:
        raise SpecError(f"{plain(name)} is a folder.", "Give the TOML file of a lesson in it.")
    if name in known or not (is_file or name.endswith(".toml")):
        return load_shipped(name)
    path = path if path.is_file() else Path(name)
    lesson = loads_lesson(
        read_text(path, MAX_FILE_BYTES, hint="Give a lesson in TOML."), plain(str(path))
    )
    if lesson.name in known:
        raise SpecError(
            f"{plain(str(path))}: name: {lesson.name} is a lesson of cnn-tui.", "Choose another."
        )
    return lesson


def loads_lesson(text: str, where: str) -> Lesson:
    """Parse the text of a lesson; messages begin with ``where``.

    Raises:
        LessonError: if it has mistakes, with all of them.
        SpecError: if it is no TOML, or of a later version.
    """
    data = parse_toml(text, where, LESSON)
    mistakes = Mistakes()
    for path, problem, remedy in islice(table_problems(data, LessonTable), _MOST_MISTAKES):
        advice = _PARTS.get(path, remedy)
        mistakes.found.append(SpecError(f"{where}: {path}: {problem}.", advice))
    name = str(data.get("name", "")) if not mistakes.found else "lesson"

    def part(key: str, read: Callable[[Any, str], _Part]) -> _Part | None:
        """What a key stands for; None if it is missing or wrong, which is noted."""
        if key in data:
            with mistakes.noted():
                return read(data[key], f"{where}: {key}")
        return None

    start = part("start", lambda given, at: _network(given, at, None, name))
    task = part("task", _task)
    hints = part("hints", _hints)
    solutions = part("solution", lambda given, at: _solutions(given, at, start or Network()))
    mistakes.require_none()
    assert start and task and hints  # else a mistake was noted
    table: LessonTable = convert(data, LessonTable)
    return Lesson(
        name=table.name,
        title=_line(table.title),
        chapter=_line(table.chapter),
        minutes=table.minutes,
        text=_clean(table.text),
        start=start,
        task=task,
        hints=hints,
        why=_clean(table.why),
        solutions=solutions or (),
        fast=table.fast,
    )


def _line(text: str) -> str:
    return plain(" ".join(text.split()))


def _clean(text: str) -> str:
    """The text with its line breaks; what could control a terminal is escaped."""
    return "\n".join(plain(line.rstrip()) for line in text.strip("\n").split("\n"))


def _task(table: object, where: str) -> Task:
    if not isinstance(table, dict):
        raise SpecError(f"{where}: expected a table, received {show(table)}.")
    mistakes = Mistakes()
    for key in table:
        with mistakes.noted():
            refuse_unknown(key, ("text", "where", "conditions"), where, "setting")
    text, screen = table.get("text"), table.get("where", "build")
    if not isinstance(text, str) or not 0 < len(text) <= 1_000:
        mistakes.found.append(SpecError(f"{where}.text: expected text of 1 to 1000 characters."))
    with mistakes.noted():
        refuse_unknown(screen, get_args(Where), f"{where}.where", "screen")
    conditions: tuple[Condition, ...] = ()
    with mistakes.noted():
        conditions = read_conditions(table.get("conditions"), f"{where}.conditions")
    mistakes.require_none()
    return Task(_line(str(text)), screen, conditions)


def _hints(given: object, where: str) -> tuple[str, ...]:
    if (
        not isinstance(given, list)
        or len(given) != HINTS
        or not all(isinstance(hint, str) and 0 < len(hint) <= 1_000 for hint in given)
    ):
        raise SpecError(f"{where}: expected three texts, each of which says more.")
    return tuple(map(_line, given))


def _solutions(given: object, where: str, start: Network) -> tuple[Network, ...]:
    tables = given if isinstance(given, list) else [given]
    if not 0 < len(tables) <= _MOST_SOLUTIONS:
        raise SpecError(f"{where}: expected 1 to {_MOST_SOLUTIONS} networks.")
    mistakes = Mistakes()
    networks = []
    for table in tables:
        with mistakes.noted():
            networks.append(_network(table, where, start, start.name))
    mistakes.require_none()
    return tuple(networks)


def _network(given: object, where: str, start: Network | None, name: str) -> Network:
    """A network: the name of a preset, or tables as in an architecture file, perhaps on a base."""
    table = {"base": given} if isinstance(given, str) else given
    if not isinstance(table, dict):
        raise SpecError(f"{where}: expected a preset's name or a network, received {show(given)}.")
    base, own = table.get("base"), {key: value for key, value in table.items() if key != "base"}
    if base is not None:
        own = _over(_base(base, where, start), own)
    own = {"name": name, **own}
    try:
        return convert_network(own, where)
    except SpecError:
        problems = [
            SpecError(f"{where}: {path}: {problem}.", remedy)
            for path, problem, remedy in islice(network_problems(own), _MOST_MISTAKES)
        ]
        if problems:
            raise LessonError(problems) from None
        raise


def _base(name: object, where: str, start: Network | None) -> Network:
    if name == "start" and start is not None:
        return start
    try:
        return load_preset(str(name))
    except SpecError as error:
        raise SpecError(f"{where}: {error.message}", error.hint) from None


def _over(base: Network, own: Mapping[str, object]) -> dict[str, object]:
    """The base as tables, with one's own in its place; a recipe changes setting by setting."""
    data, recipe = own.get("data"), own.get("training", {})
    if isinstance(data, str) and data != base.data:
        base = with_data(base, data)
    tables: dict[str, Any] = msgspec.to_builtins(base)
    tables.pop("name", None)
    if isinstance(recipe, dict):
        recipe = {**tables.get("training", {}), **recipe}
    return {**tables, **own, "training": recipe}
