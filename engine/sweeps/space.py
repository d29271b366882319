"""The space of a sweep: one field after the other, each with its values and its conditions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any, Literal, NamedTuple, get_args

import msgspec

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.specs.paths import value_words
from cnn_tui.engine.specs.wording import did_you_mean, listed, show
from cnn_tui.engine.sweeps.lines import Value

Kind = Literal["choice", "uniform", "log-uniform", "integer"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_OPTIONS: dict[Kind, tuple[str, ...]] = {
    "choice": ("when",),
    "uniform": ("step", "points", "when"),
    "log-uniform": ("points", "when"),
    "integer": ("step", "log", "points", "when"),
}
MOST_CHOICES = 1_000
MOST_FIELDS = 100
_MOST_NUMBER = 1e15


class SpaceField(NamedTuple):
    """A field of the space: a name that :func:`point.resolve_field` finds, and its values."""

    name: str
    kind: Kind
    low: float = 0.0
    high: float = 0.0
    choices: tuple[Value, ...] = ()
    step: float | None = None
    log: bool = False
    """Whether values are drawn from a logarithmic scale."""
    points: int | None = None
    """Number of values in a grid, where no step gives it."""
    when: Mapping[str, tuple[Value, ...]] = {}
    """Values of earlier fields with which this one counts; always, if there are none."""

    @property
    def is_integer(self) -> bool:
        """Whether the values of the field are whole numbers."""
        return self.kind == "integer"

    def applies(self, values: Mapping[str, Value]) -> bool:
        """Whether the field counts in a point with these values of earlier fields."""
        return all(values.get(name, _MISSING) in allowed for name, allowed in self.when.items())

    def edges(self) -> tuple[Value, ...]:
        """The values that have to be allowed: every choice, or both ends of a range."""
        if self.kind == "choice":
            return self.choices
        return tuple(int(end) if self.is_integer else end for end in (self.low, self.high))

    def grid_count(self) -> int | None:
        """Number of its values in a grid; None for a range without step or points."""
        if self.kind == "choice":
            return len(self.choices)
        if self.points is not None:
            return self.points
        if self.is_integer and self.log:
            return None
        step = self.step or (1.0 if self.is_integer else None)
        # A step that ends just below the upper end by rounding still reaches it.
        return None if step is None else math.floor((self.high - self.low) / step + 1e-9) + 1

    def grid(self) -> tuple[Value, ...]:
        """The values of the field in a grid, in order."""
        if self.kind == "choice":
            return self.choices
        if self.points is not None:
            return tuple(dict.fromkeys(self._spread(self.points)))
        step = self.step or 1.0
        return tuple(self._number(self.low + step * i) for i in range(self.grid_count() or 0))

    def drawn(self, share: float) -> Value:
        """The value at a share of its range, from 0 to 1, on its own scale."""
        if self.kind == "choice" or self.step is not None or (self.is_integer and not self.log):
            values = self.grid()
            return values[min(int(share * len(values)), len(values) - 1)]
        return self._at(share)

    def _spread(self, points: int) -> Iterator[Value]:
        for number in range(points):
            yield self._at(number / (points - 1) if points > 1 else 0.0)

    def _at(self, share: float) -> Value:
        if self.log:
            return self._number(self.low * (self.high / self.low) ** share)
        return self._number(self.low + (self.high - self.low) * share)

    def _number(self, value: float) -> float | int:
        return round(value) if self.is_integer else float(f"{value:.12g}")


_MISSING = object()


def grid_size(fields: Sequence[SpaceField]) -> int:
    """Number of points of the grid; conditions can only make it smaller.

    Raises:
        SpecError: if a field has no grid.
    """
    size = 1
    for field in fields:
        count = field.grid_count()
        if count is None:
            raise SpecError(
                f"space.{field.name}: a grid needs a number of values.",
                "Give points = 5, or a step.",
            )
        size *= count
    return size


def grid_points(fields: Sequence[SpaceField]) -> Iterator[dict[str, Value]]:
    """Every point of the grid once, the last field changing fastest."""
    seen = set()
    for combination in product(*(field.grid() for field in fields)):
        point: dict[str, Value] = {}
        for field, value in zip(fields, combination, strict=True):
            if field.applies(point):
                point[field.name] = value
        key = tuple(point.items())
        if key not in seen:
            seen.add(key)
            yield point


def read_space(table: Mapping[str, object], where: str) -> tuple[SpaceField, ...]:
    """The fields of a decoded ``[space]``; dotted keys, which TOML nests, are joined.

    Raises:
        SpecError: the first mistake; the message begins with ``where``.
    """
    fields: list[SpaceField] = []
    for name, values in _flat(table, "", where):
        try:
            fields.append(_field(name, values, fields))
        except SpecError as error:
            message = f"{where}: space.{name}: {error.message}"
            raise SpecError(message, error.hint) from None
    if not 1 <= len(fields) <= MOST_FIELDS:
        raise SpecError(
            f"{where}: space: expected 1 to {MOST_FIELDS} fields, received {len(fields)}.",
            "For example: lr = { log-uniform = [0.001, 1] }",
        )
    return tuple(fields)


def _flat(
    table: Mapping[str, object], above: str, where: str
) -> Iterator[tuple[str, Mapping[str, object]]]:
    for key, value in table.items():
        name = f"{above}.{key}" if above else key
        if not isinstance(value, dict):
            raise SpecError(
                f"{where}: space.{name}: expected a table, received {show(value)}.",
                f"For example: {name} = {{ choice = [1, 2] }}",
            )
        if value and all(isinstance(inner, dict) for inner in value.values()):
            yield from _flat(value, name, where)
        else:
            yield name, value


def _field(name: str, table: Mapping[str, object], before: Sequence[SpaceField]) -> SpaceField:
    kinds = [kind for kind in KINDS if kind in table]
    if len(kinds) != 1:
        unknown = next(iter(table.keys() - {*KINDS, "step", "points", "log", "when"}), "")
        hint = did_you_mean(unknown, KINDS, f"Give one of {listed(KINDS)}.")
        received = listed(kinds, "and") if kinds else show(unknown) if unknown else "none"
        raise SpecError(f"expected one kind of values, received {received}.", hint)
    kind = kinds[0]
    for key in table.keys() - {kind, *_OPTIONS[kind]}:
        known = f"Known beside {kind}: {listed(_OPTIONS[kind], 'and')}."
        hint = did_you_mean(key, _OPTIONS[kind], known)
        raise SpecError(f"unknown setting {show(key)}.", hint)
    when = _conditions(table.get("when", {}), before)
    if kind == "choice":
        return SpaceField(name, kind, choices=_choices(table[kind]), when=when)
    return _range(name, kind, table, when)


def _range(
    name: str, kind: Kind, table: Mapping[str, object], when: Mapping[str, tuple[Value, ...]]
) -> SpaceField:
    whole = kind == "integer"
    low, high = _ends(table[kind], whole)
    log = kind == "log-uniform" or table.get("log", False)
    if not isinstance(log, bool):
        raise SpecError(f"log: expected true or false, received {show(log)}.")
    step, points = table.get("step"), table.get("points")
    if log and low <= 0:
        raise SpecError(
            f"a logarithmic range must be above 0, received {low:g} to {high:g}.",
            "Begin it with a small number, such as 0.0001." if not whole else "Begin it with 1.",
        )
    if step is not None and (not _is_number(step, whole) or not 0 < step <= high - low):  # type: ignore[operator]
        raise SpecError(f"step: expected a number up to {high - low:g}, received {show(step)}.")
    if points is not None and (not _is_number(points, True) or not 1 <= points <= MOST_CHOICES):  # type: ignore[operator]
        raise SpecError(f"points: expected 1 to {MOST_CHOICES:,}, received {show(points)}.")
    if step is not None and (log or points is not None):
        raise SpecError(f"step excludes {'log' if log else 'points'}.", "Give one of the two.")
    return SpaceField(
        name,
        kind,
        low,
        high,
        step=None if step is None else float(step),  # type: ignore[arg-type]
        log=log,
        points=points,  # type: ignore[arg-type]
        when=when,
    )


def _ends(value: object, whole: bool) -> tuple[float, float]:
    wanted = "whole numbers" if whole else "numbers"
    if not isinstance(value, list) or len(value) != 2:
        raise SpecError(f"expected two {wanted}, [low, high], received {show(value)}.")
    low, high = value
    if not (_is_number(low, whole) and _is_number(high, whole)):
        raise SpecError(f"expected two {wanted}, [low, high], received {show(value)}.")
    if low > high:
        raise SpecError(
            f"the range {low:g} to {high:g} is reversed.", f"Write [{high:g}, {low:g}]."
        )
    if low == high:
        raise SpecError(
            f"the range {low:g} to {high:g} is empty.", f"Write choice = [{low:g}], or widen it."
        )
    return float(low), float(high)


def _is_number(value: object, whole: bool) -> bool:
    kinds = (int,) if whole else (int, float)
    return isinstance(value, kinds) and not isinstance(value, bool) and abs(value) <= _MOST_NUMBER


def _choices(value: object) -> tuple[Value, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_CHOICES:
        raise SpecError(f"expected a list of 1 to {MOST_CHOICES:,} values, received {show(value)}.")
    choices = tuple(map(_in_words, value))
    if len(set(map(repr, choices))) < len(choices):
        raise SpecError("a value is listed twice.", "Name each value once.")
    return choices


def _in_words(value: object) -> Value:
    """A value of TOML as one that Optuna can keep: a list becomes ``3x3``."""
    if isinstance(value, list) and value and not isinstance(value[0], list | dict):
        return value_words(msgspec.json.encode(value).decode())
    if isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise SpecError(
        f"a choice cannot be {show(value)}.",
        "Give numbers, text, true or false, lists of numbers, or layers as quick entry has them.",
    )


def _conditions(table: object, before: Sequence[SpaceField]) -> Mapping[str, tuple[Value, ...]]:
    if not isinstance(table, dict):
        raise SpecError(
            f"when: expected a table, received {show(table)}.",
            'For example: when = { optimizer = "adam" }',
        )
    found: dict[str, tuple[Value, ...]] = {}
    names = {field.name: field for field in before}
    for name, wanted in dotted(table):
        if name not in names:
            hint = did_you_mean(name, names, "A condition names a field above it.")
            raise SpecError(f"when: there is no field {show(name)} above.", hint)
        found[name] = tuple(map(_in_words, wanted if isinstance(wanted, list) else [wanted]))
        other = names[name]
        odd = [
            value for value in found[name] if other.kind == "choice" and value not in other.choices
        ]
        if odd:
            shown = listed(map(show, other.choices))
            raise SpecError(f"when: {name} is never {show(odd[0])}.", f"Its choices are {shown}.")
    return found


def dotted(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """The values of nested tables, each with its keys joined by dots."""
    for key, value in table.items():
        name = f"{above}.{key}" if above else key
        if isinstance(value, dict):
            yield from dotted(value, name)
        else:
            yield name, value
