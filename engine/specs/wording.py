"""Values and types as text for messages; whatever comes from a file is escaped."""

from __future__ import annotations

import datetime
import difflib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec.inspect as types

_LONGEST = 40


def show(value: object) -> str:
    """Format a value for a message: short, one line, without control characters."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() if value.bit_length() > 64:
            # Python refuses to format integers of thousands of digits.
            return f"an integer of {value.bit_length()} bits"
        case str():
            return repr(value if len(value) <= _LONGEST else value[:_LONGEST] + "...")
        case dict():
            return "a table"
        case list() | tuple():
            return _show_list(value)
        case datetime.date() | datetime.time():
            return "a date or time"
        case int() | float():
            return repr(value)
        case type():
            return f"the class {value.__name__}"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _show_list(value: Sequence[object]) -> str:
    if len(value) > 4 or any(isinstance(item, list | tuple) for item in value):
        return f"a list of {len(value)}"
    return f"[{', '.join(show(item) for item in value)}]"


def nearest(word: object, known: Iterable[str], count: int = 1) -> list[str]:
    """Return the known words most similar to ``word``; none if there is no similar one."""
    if not isinstance(word, str):
        return []
    by_lower_case = {name.lower(): name for name in known}
    matches = difflib.get_close_matches(word[:_LONGEST].lower(), by_lower_case, count, 0.55)
    return [by_lower_case[name] for name in matches]


def did_you_mean(word: object, known: Iterable[str], otherwise: str = "") -> str:
    """Return a hint that names the known word most similar to ``word``, or ``otherwise``."""
    near = nearest(word, known)
    return f"Did you mean {near[0]}?" if near else otherwise


def listed(words: Iterable[str], last: str = "or") -> str:
    """Join words as in ``a, b or c``."""
    *first, final = words
    return f"{', '.join(first)} {last} {final}" if first else final


def expected(annotation: Any) -> str:
    """Describe a type: ``a whole number from 1 to 1024, or a pair of them [height, width]``."""
    return _describe(types.type_info(annotation))


def _describe(kind: types.Type) -> str:
    match kind:
        case types.UnionType():
            members = (member for member in kind.types if member != types.NoneType())
            return ", or ".join(map(_describe, members))
        case types.IntType():
            return f"a whole number{_range(kind)}"
        case types.FloatType():
            return f"a number{_range(kind)}"
        case types.BoolType():
            return "true or false"
        case types.LiteralType():
            return listed(f'"{value}"' for value in kind.values)
        case types.StrType():
            return _text(kind)
        case types.VarTupleType(min_length=2, max_length=2):
            return "a pair of them, [height, width]"
        case types.VarTupleType(min_length=4, max_length=4):
            return "four of them, [left, right, top, bottom]"
        case types.TupleType(item_types=(_, _, _)):
            return "a list of 3 numbers, [channels, height, width]"
        case types.TupleType():
            return f"a list of {len(kind.item_types)} numbers"
    return "a table" if isinstance(kind, types.StructType) else "a list"


def _text(kind: types.StrType) -> str:
    if kind.pattern is not None:
        return "a name of at most 64 letters, digits, dots, dashes and underscores"
    return "text" if kind.max_length is None else f"text of at most {kind.max_length} characters"


def _range(kind: types.IntType | types.FloatType) -> str:
    most = "to" if kind.ge is not None else "up to"
    bounds = {"above": kind.gt, "from": kind.ge, "below": kind.lt, most: kind.le}
    return "".join(f" {word} {bound:.16g}" for word, bound in bounds.items() if bound is not None)


def file_size(count: int) -> str:
    """Bytes as text, in powers of 1000."""
    return f"{count / 1e6:,.0f} MB" if count < 1e9 else f"{count / 1e9:,.1f} GB"


def plain(text: str) -> str:
    """Escape control characters and line breaks of untrusted text."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
