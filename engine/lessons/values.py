"""Finds a value in JSON by its path, and says it in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from cnn_tui.engine.lessons.documents import JSON
from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.wording import listed, plain

EVERY, DEEP = "*", "**"
_MOST = 6
"""Items of a list that are said."""
_LONGEST = 200


class AbsentError(Exception):
    """The path leads to no value."""


def value_at(document: JSON, path: Sequence[str]) -> JSON:
    """The value at a path.

    Of an array, a number is the position counted from 0, or with a minus from the end;
    ``type=conv`` keeps the elements with that field, ``*`` takes each element, and ``**`` also the
    objects inside them, such as the layers of blocks: the rest of the path then gives a list.

    Raises:
        AbsentError: if there is none.
    """
    for number, part in enumerate(path):
        if part in (EVERY, DEEP):
            if not isinstance(document, list):
                raise AbsentError
            items = document if part == EVERY else _objects(document)
            return list(_every(items, path[number + 1 :]))
        document = _inside(document, part)
    return document


def _objects(document: JSON) -> Iterator[JSON]:
    """Every object below, from outside in."""
    if isinstance(document, dict):
        yield document
    below = document.values() if isinstance(document, dict) else document
    for item in below:
        if isinstance(item, dict | list):
            yield from _objects(item)


def _every(items: Iterable[JSON], rest: Sequence[str]) -> Iterator[JSON]:
    for item in items:
        try:
            found = value_at(item, rest)
        except AbsentError:
            continue
        if EVERY in rest or DEEP in rest:
            yield from found
        else:
            yield found


def _inside(document: JSON, part: str) -> JSON:
    name, is_filter, wanted = part.partition("=")
    if is_filter and isinstance(document, list):
        return [one for one in document if isinstance(one, dict) and _is(one.get(name), wanted)]
    try:
        if is_filter and _is(document[name], wanted):
            return document
        if isinstance(document, str):
            raise AbsentError
        return document[part] if isinstance(document, dict) else document[int(part)]
    except (LookupError, ValueError, TypeError):
        raise AbsentError from None


def _is(value: JSON, wanted: str) -> bool:
    return isinstance(value, str | int) and str(value) == wanted


def value_words(value: JSON) -> str:
    """A value as a sentence has it: ``96x55x55``, ``34,848``, ``0.9871``, ``none``."""
    match value:
        case None:
            return "unknown"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:.4g}"
        case str():
            return plain(value[:_LONGEST])
        case dict():
            return "a table"
    if not value:
        return "none"
    if len(value) <= 3 and all(isinstance(size, int) for size in value):
        return format_shape(tuple(value))
    shown = [value_words(item) for item in value[:_MOST]]
    more = len(value) - _MOST
    return listed([*shown, f"{more} more"] if more > 0 else shown, "and")


def percent_words(value: JSON) -> str:
    """A share in percent; anything else as :func:`value_words`."""
    return f"{value:.1%}" if isinstance(value, int | float) else value_words(value)
