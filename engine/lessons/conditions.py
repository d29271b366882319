"""Reads the conditions of a task, strictly: what cannot be meant is refused with the nearest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

import msgspec

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.lessons.documents import EVENTS, VIEWS, names_in, outermost
from cnn_tui.engine.lessons.judging import WORDS
from cnn_tui.engine.lessons.lesson import Condition, JSONSource, Kind
from cnn_tui.engine.lessons.mistakes import Mistakes
from cnn_tui.engine.lessons.operators import OPERATORS, TAKES
from cnn_tui.engine.lessons.values import DEEP, EVERY
from cnn_tui.engine.specs.wording import did_you_mean, expected, listed, plain, show

MOST_CONDITIONS = 20
_MOST_PARTS = 16
_LONGEST = 300
_TEXTS = ("text", "else", "absent", "of", "path", "layer", "take")
_KINDS = get_args(Kind)
_NUMBER = re.compile(r"-?\d{1,6}")
_BRACES = re.compile(r"\{(\w*)\}")


def read_conditions(tables: object, where: str) -> tuple[Condition, ...]:
    """Convert the conditions of a task.

    Raises:
        SpecError: if there are mistakes, of which several are a ``LessonError``; the messages begin
            with ``where``.
    """
    if not isinstance(tables, list) or not tables:
        raise SpecError(f"{where}: expected at least one condition.", "Add [[task.conditions]].")
    if len(tables) > MOST_CONDITIONS:
        raise SpecError(f"{where}: more than {MOST_CONDITIONS} conditions.", "Make two lessons.")
    mistakes = Mistakes()
    conditions = []
    for at, table in enumerate(tables):
        with mistakes.noted():
            conditions.append(_condition(table, f"{where}[{at}]"))
    mistakes.require_none()
    return tuple(conditions)


def refuse_unknown(word: object, known: Iterable[str], where: str, what: str) -> None:
    """Refuse a word that is not known, with the nearest that is, or all there are.

    Raises:
        SpecError: if it is not.
    """
    known = list(known)
    if word not in known:
        hint = did_you_mean(word, known, f"Known: {listed(known, 'and')}.")
        raise SpecError(f"{where}: unknown {what} {show(word)}.", hint)


def _condition(table: object, where: str) -> Condition:
    if not isinstance(table, dict):
        raise SpecError(f"{where}: expected a table, received {show(table)}.")
    mistakes = Mistakes()
    for key in table:
        with mistakes.noted():
            refuse_unknown(key, (*OPERATORS, *_TEXTS, "once"), where, "setting or operator")
    is_misspelt = bool(mistakes.found)
    texts = dict.fromkeys(_TEXTS, "")
    for key in _TEXTS:
        with mistakes.noted():
            texts[key] = _text(table, key, where)
    for key, remedy in _HELP.items():
        if not table.get(key):
            mistakes.found.append(SpecError(f"{where}.{key}: missing.", remedy))
    path = tuple(texts["path"].split("."))
    of: JSONSource | None = None
    operator, once = "", ""
    wanted: Any = None
    with mistakes.noted():
        of = _source(texts["of"], texts["layer"], where) if texts["of"] else None
    if not is_misspelt or table.keys() & OPERATORS.keys():
        with mistakes.noted():
            operator, wanted = _operator(table, of, where)
    with mistakes.noted():
        once = _once(table.get("once", False), where)
    _check_words(texts, where, mistakes)
    if of and texts["path"]:
        with mistakes.noted():
            _check_path(path, of, f"{where}.path")
    mistakes.require_none()
    assert of  # else a mistake was noted
    return Condition(
        text=texts["text"],
        of=of,
        path=path,
        operator=operator,
        wanted=wanted,
        answer=texts["else"],
        take=texts["take"],
        absent=texts["absent"],
        once=once,
    )


def _check_words(texts: Mapping[str, str], where: str, mistakes: Mistakes) -> None:
    """Note words that are not known: what a list is made of, and those in braces."""
    if texts["take"]:
        with mistakes.noted():
            refuse_unknown(texts["take"], TAKES, f"{where}.take", "word")
    for key in ("else", "absent"):
        for name in _BRACES.findall(texts[key]):
            with mistakes.noted():
                refuse_unknown(name, WORDS, f"{where}.{key}", "word in braces")


_HELP = {
    "text": "Say in a line what is wanted.",
    "else": "Say what is wrong if it does not hold; {value} is what was found.",
    "of": 'Name the JSON: "check", "network", "train", "trained" or "inspect health".',
    "path": 'Say where the value is: "layers.0.output".',
}


def _text(table: Mapping[str, object], key: str, where: str) -> str:
    value = table.get(key, "")
    if not isinstance(value, str) or len(value) > _LONGEST:
        received = "a longer one" if isinstance(value, str) else show(value)
        raise SpecError(
            f"{where}.{key}: expected text of at most {_LONGEST} characters, received {received}."
        )
    return plain(" ".join(value.split()))


def _once(value: object, where: str) -> str:
    """The word of the group; of a condition by itself its own place."""
    if isinstance(value, bool):
        return where if value else ""
    if isinstance(value, str) and 0 < len(value) <= _LONGEST:
        return value
    raise SpecError(f"{where}.once: expected true, or a word that several conditions share.")


def _source(text: str, layer: str, where: str) -> JSONSource:
    kind, _, view = text.partition(" ")
    refuse_unknown(kind, _KINDS, f"{where}.of", "source")
    if kind == "inspect":
        refuse_unknown(view, VIEWS, f"{where}.of", "view")
    elif view or layer:
        extra = f"of {show(text)}" if view else "layer"
        raise SpecError(f"{where}: {extra}: only inspect has views and layers.")
    return JSONSource(kind, view, layer)  # type: ignore[arg-type]


def _operator(table: Mapping[str, object], of: JSONSource | None, where: str) -> tuple[str, Any]:
    given = [key for key in table if key in OPERATORS]
    if len(given) != 1:
        names = listed(given, "and") if given else "none"
        raise SpecError(f"{where}: expected one operator, received {names}.", _ONE)
    operator, wanted = OPERATORS[given[0]], table[given[0]]
    try:
        msgspec.convert(wanted, operator.kind)
        msgspec.json.encode(wanted)
    except (msgspec.ValidationError, TypeError, ValueError, OverflowError):
        wants = operator.wants if operator.wants != "anything" else expected(str)
        raise SpecError(f"{where}.{given[0]}: expected {wants}, received {show(wanted)}.") from None
    if operator.at_start and of and of.kind not in ("check", "network"):
        raise SpecError(
            f"{where}.{given[0]}: the start has no {of.kind}.", "Only check and network have one."
        )
    return given[0], wanted


_ONE = f"Operators: {listed(OPERATORS, 'and')}."


def _check_path(path: Sequence[str], of: JSONSource, where: str) -> None:
    if len(path) > _MOST_PARTS:
        raise SpecError(f"{where}: more than {_MOST_PARTS} parts.")
    names = names_in(of)
    for number, part in enumerate(path):
        known = (outermost(of) or names) if number == 0 else names
        if part in (EVERY, DEEP) or _NUMBER.fullmatch(part):
            continue
        name, _, wanted = part.partition("=")
        if name == "event" and of.kind == "train" and wanted:
            refuse_unknown(wanted, EVENTS, where, "event")
            names = names_in(of, wanted)
        elif name not in known:
            hint = did_you_mean(name, known, "docs/json.md lists what there is.")
            raise SpecError(f"{where}: {of.kind} has no {show(name)}.", hint)
