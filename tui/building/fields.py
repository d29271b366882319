"""Form fields made from the annotations of the specs, the source for files and forms alike.

A field converts typed text into a value of the spec, or says what it needs.
"""

from __future__ import annotations

import math
import os
import re
import types
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from cnn_tui.engine.specs.known_data import IMAGENET, KNOWN_DATA, facts_of
from cnn_tui.engine.specs.layers import Layer
from cnn_tui.engine.specs.network import ClassNames
from cnn_tui.engine.specs.wording import expected, nearest

Hint = Any
"""A type annotation, as returned by ``typing.get_type_hints``."""


class FieldError(ValueError):
    """The typed text is not a value of the field; the message says what is."""


@dataclass(frozen=True)
class Field:
    """A value of a spec, edited as text."""

    name: str
    hint: Hint

    @property
    def label(self) -> str:
        return self.name.replace("_", " ")

    @property
    def choices(self) -> tuple[str, ...]:
        """All valid texts, if they are few; else empty."""
        kinds = list(_alternatives(self.hint))
        if kinds == [bool]:
            return ("yes", "no")
        if len(kinds) == 1 and get_origin(kinds[0]) is Literal:
            return tuple(str(value) for value in get_args(kinds[0]))
        return ()

    @property
    def empty(self) -> str:
        """The meaning of an empty text."""
        return _EMPTY.get(self.name, "")

    @property
    def expects(self) -> str:
        """The accepted values, in words that follow "needs"."""
        # A file has a pair as a list; a form shows and reads it as the table writes it.
        words = expected(self.hint).replace("[height, width]", "such as 5x3")
        example = _EXAMPLES.get(self.name, "")
        return f"{words}, such as {example}" if example and "such as" not in words else words

    def show(self, value: object) -> str:
        """Return the text of a value; :meth:`parse` is the inverse."""
        if isinstance(value, bool):
            return "yes" if value else "no"
        if self.hint == ClassNames:
            return ", ".join(map(str, value)) if isinstance(value, tuple) else ""
        if isinstance(value, tuple):
            return ("x" if isinstance(value[0], int) else " ").join(self.show(v) for v in value)
        return "" if value is None else f"{value:g}" if _short(value) else str(value)

    def parse(self, text: str) -> Any:
        """Return the value of a text; raises :class:`FieldError`."""
        text = text.strip()
        if self.name == "data" and not _is_data(text):
            near = nearest(text, KNOWN_DATA) or ["mnist"]
            raise FieldError(f"needs a dataset, such as {near[0]}, or a path")
        if self.hint == ClassNames and len(next(_names(text))) == 1:
            raise FieldError(f"needs two or more, such as {_EXAMPLES['classes']}")
        for candidate in _names(text) if self.hint == ClassNames else _candidates(text):
            try:
                return msgspec.convert(candidate, self.hint)
            except msgspec.ValidationError:
                continue
        raise FieldError(f"needs {self.expects}")


_EXAMPLES = {
    "classes": "cat, dog",
    "labels_from": "name",
    "input": "1x28x28",
    "betas": "0.9 0.999",
    "out_channels": "16",
    "out_features": "10",
    "epochs": "10",
    "batch_size": "64",
    "lr": "0.01",
    "l2": "0.0005",
    "dropout": "0.5",
    "p": "0.5",
}
_EMPTY = {
    "classes": "as found",
    "labels_from": "as found",
    "stride": "as kernel",
    "clip_norm": "off",
    "patience": "off",
    "keep_every": "off",
    "limit": "all",
    "per_class": "all",
}


@lru_cache
def form_fields(spec: type[msgspec.Struct]) -> tuple[Field, ...]:
    """Return the fields of a spec class in their order, the optional ``name`` last."""
    hints = get_type_hints(spec, include_extras=True)
    names = sorted(spec.__struct_fields__, key=lambda name: name == "name")
    return tuple(Field(name, _typed(hints[name])) for name in names)


def _typed(hint: Hint) -> Hint:
    """Return an annotation without lists of layers, which are edited as rows."""
    kinds = [kind for kind in _alternatives(hint) if get_args(kind)[:1] != (Layer,)]
    return Union[tuple(kinds)] if kinds else hint  # noqa: UP007 - of a tuple


def _short(value: object) -> bool:
    return isinstance(value, float) and float(f"{value:g}") == value


def _candidates(text: str) -> Iterator[object]:
    if text.lower() in {"", "none", "off"}:
        yield None
    if text.lower() in {"yes", "no", "true", "false"}:
        yield text.lower() in {"yes", "true"}
    parts = [_number(part) for part in re.split(r"\s*[x,×]\s*|\s+", text)]
    if None not in parts:
        yield parts[0] if len(parts) == 1 else parts
    yield text


def _is_data(text: str) -> bool:
    """Whether a text names a dataset, or may be a path: it looks like one, or is there."""
    named = facts_of(text).name or text in (IMAGENET, "folder")
    return bool(named or os.sep in text or "." in text or (text and Path(text).exists()))


def _names(text: str) -> Iterator[list[str]]:
    yield [name for part in text.split(",") if (name := part.strip())]


def _number(text: str) -> int | float | None:
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        return number if math.isfinite(number) else None
    return None


def _alternatives(hint: Hint) -> Iterator[Hint]:
    origin: object = get_origin(hint)
    if origin in (Union, types.UnionType):
        for kind in get_args(hint):
            yield from _alternatives(kind)
    else:
        yield hint
