"""How a value is compared: one table, which files, answers and the docs read."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

from cnn_tui.engine.decoding import Figure

Wants = Literal["anything", "a number", "two numbers", "a list"]
_KINDS: dict[Wants, Any] = {
    "anything": Any,
    "a number": Figure,
    "two numbers": tuple[Figure, Figure],
    "a list": list[Any],
}


class Operator(NamedTuple):
    """A row of the table."""

    means: str
    wants: Wants
    holds: Callable[[Any, Any], bool]
    """Takes the value and the wanted one; a value of another type is a TypeError."""
    at_start: bool = False
    """Whether what is wanted is a multiple of the value that the start network has."""

    @property
    def kind(self) -> Any:
        """The type of what is wanted."""
        return _KINDS[self.wants]


OPERATORS = {
    "is": Operator("is equal", "anything", lambda value, wanted: value == wanted),
    "is_not": Operator("is another", "anything", lambda value, wanted: value != wanted),
    "at_least": Operator("is as large, or larger", "a number", lambda v, w: v >= w),
    "at_most": Operator("is as small, or smaller", "a number", lambda v, w: v <= w),
    "between": Operator("lies between them", "two numbers", lambda v, w: w[0] <= v <= w[1]),
    "one_of": Operator("is one of them", "a list", lambda value, wanted: value in wanted),
    "contains": Operator("has it in it", "anything", lambda value, wanted: wanted in value),
    "lacks": Operator("does not have it in it", "anything", lambda v, w: w not in v),
    "contains_any": Operator(
        "has one of them in it", "a list", lambda v, w: any(one in v for one in w)
    ),
    "contains_none": Operator(
        "has none of them in it", "a list", lambda v, w: all(one not in v for one in w)
    ),
    "times_start_at_least": Operator(
        "is at least this many times the start's", "a number", lambda v, w: v >= w, at_start=True
    ),
    "times_start_at_most": Operator(
        "is at most this many times the start's", "a number", lambda v, w: v <= w, at_start=True
    ),
}


def _numbers(values: Sequence[Any]) -> Sequence[float]:
    if not values or not all(isinstance(value, int | float) for value in values):
        raise TypeError
    return values


TAKES: dict[str, Callable[[Sequence[Any]], Any]] = {
    "count": len,
    "sum": lambda values: sum(_numbers(values)) if values else 0,
    "mean": lambda values: statistics.fmean(_numbers(values)),
    "min": lambda values: min(_numbers(values)),
    "max": lambda values: max(_numbers(values)),
}
"""How several values become one, before it is compared."""
