"""Where the values of a field lie on an axis: linear, logarithmic, or one place for each choice."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from cnn_tui.engine.sweeps.lines import Value
from cnn_tui.engine.sweeps.state import SweepState
from cnn_tui.tui.dashboard.ticks import Axis

_MARGIN = 0.03
"""The part of an axis that stays free at both ends."""
_LOG, _LEAST_RANGE, _MOST_NUMBER = 30, 1e-12, 1e15
"""The ratio of ends from which positive numbers of an unknown scale are drawn logarithmically; the
shortest range with ticks; the largest number, as in a sweep file.
"""


@dataclass(frozen=True)
class FieldScale:
    """A range of values, or choices at equal distances."""

    low: float = 0.0
    high: float = 1.0
    log: bool = False
    choices: tuple[Value, ...] = ()

    def at(self, value: Value) -> float:
        """Return the place of a value, from 0 to 1."""
        if self.choices:
            return (self.choices.index(value) + 0.5) / len(self.choices)
        low, high, number = self._linear(self.low), self._linear(self.high), float(value or 0)
        return (self._linear(number) - low) / (high - low) if high > low else 0.5

    @property
    def ends(self) -> tuple[str, str]:
        """The lowest and the highest value in words."""
        ends = (self.choices[0], self.choices[-1]) if self.choices else (self.low, self.high)
        return value_words(ends[0]), value_words(ends[1])

    def axis(self, name: str, most: int, words: Callable[[Any], str] | None = None) -> Axis:
        """Return an axis from 0 to 1, with at most about ``most`` labels, as ``words`` has them."""
        marks = self._choice_marks(most) if self.choices else self._number_marks(most)
        places = tuple(self.at(mark) for mark in marks)
        labels = tuple(map(words or value_words, marks))
        return Axis(-_MARGIN, 1 + _MARGIN, places, labels, f"{name} ")

    def _linear(self, value: float) -> float:
        return math.log10(value) if self.log else value

    def _choice_marks(self, most: int) -> Sequence[Value]:
        return self.choices[:: -(-len(self.choices) // max(1, most))]

    def _number_marks(self, most: int) -> Sequence[float]:
        if self.high - self.low < _LEAST_RANGE and not self.log:
            return [self.low]
        ladders = _log_ladders(self.low, self.high) if self.log else _ladders(self.low, self.high)
        fitting = (ladder for ladder in ladders if 2 <= len(ladder) <= max(2, most))
        return next(fitting, [self.low, self.high])


def _ladders(low: float, high: float) -> Iterable[list[float]]:
    """Yield ever fewer round numbers in a range."""
    power = math.floor(math.log10(high - low)) - 1
    for step in (factor * 10.0**at for at in (power, power + 1) for factor in (1, 2, 5)):
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        yield [round(step * at, 12) for at in range(first, last + 1)]


def _log_ladders(low: float, high: float) -> Iterable[list[float]]:
    """Yield ever fewer round numbers in a range: 1, 2, 5 of each power of ten, then 1 of some."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for digits, every in (((1, 2, 5), 1), ((1,), 1), ((1,), 2), ((1,), 3)):
        numbers = (
            float(f"{digit}e{at}") for at in range(first, last + 1, every) for digit in digits
        )
        yield [number for number in numbers if low * (1 - 1e-9) <= number <= high * (1 + 1e-9)]


def scale_of(state: SweepState, field: str) -> FieldScale:
    """Return the scale of a field, as far as the trials reach."""
    values = [trial.values[field] for trial in state.trials if field in trial.values]
    numbers = [float(value) for value in values if is_number(value)]
    if len(numbers) < len(values) or not numbers:
        return FieldScale(choices=tuple(dict.fromkeys(values)) or ("",))
    low, high = min(numbers), max(numbers)
    return FieldScale(low, high, log=low > 0 and (field in state.logarithmic or high > _LOG * low))


def figures_scale(values: Sequence[float]) -> FieldScale:
    """Return the scale of some figures of the trials, such as parameters."""
    low, high = min(values), max(values)
    return FieldScale(low, high, log=low > 0 and high > _LOG / 10 * low)


def is_number(value: Value) -> TypeGuard[int | float]:
    """Whether a value can be drawn on an axis of numbers."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= _MOST_NUMBER


def value_words(value: Value) -> str:
    """Format a value of a field: ``0.0123``, ``16``, ``1e-4``, ``adam``, ``yes``."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        text = f"{value:.3g}"
        return text.replace("e-0", "e-").replace("e+0", "e+")
    # Python refuses to write integers of thousands of digits.
    return str(value) if isinstance(value, str) or is_number(value) else "..."
