"""Figures and settings as other programs give them, in the forms that the files of a run hold."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Self

MOST = 1e100
"""Size of a figure beyond which it counts as not finite."""
_MOST_SETTINGS, _MOST_TEXT, _DEEPEST = 1_000, 1_000, 8
_EXACT = 2**53
_MOST_CLASSES = 65_536

Setting = bool | float | str | None


def number(value: object) -> float:
    """A number, or the only element of a tensor or an array; NaN if it is not finite.

    Raises:
        TypeError, ValueError, RuntimeError: if it is none.
    """
    if not isinstance(value, float):
        item = getattr(value, "item", None)  # float() of a tensor with a gradient warns
        try:
            value = float(item() if callable(item) else value)  # type: ignore[arg-type]
        except OverflowError:
            return math.nan
    found: float = value
    return found if -MOST <= found <= MOST else math.nan


class FigureReader:
    """Reads figures; one that cannot be read is left out, with one warning."""

    def __init__(self, complain: Callable[[str], None]) -> None:
        self._complain = complain

    def numbers(
        self, figures: Mapping[str, object] | None, more: Mapping[str, object]
    ) -> dict[str, float]:
        """The figures of two mappings as numbers; a figure that is None is left out."""
        found = {}
        for name, value in ({**figures, **more} if figures else more).items():
            if value is None:
                continue
            try:
                found[name] = number(value)
            except (TypeError, ValueError, RuntimeError):
                kind = type(value).__name__
                self._complain(f"{name} is left out: it is no single number but {kind}")
        return found

    def count(self, name: str, value: object) -> int:
        """A whole number from 0; 0, with a warning, for what is none."""
        try:
            found = 0.0 if value is None else number(value)
            if found.is_integer() and 0 <= found <= _EXACT:
                return int(found)
        except (TypeError, ValueError, RuntimeError):
            pass
        self._complain(f"{name} is left out: it is no whole number from 0")
        return 0

    def share(self, named: dict[str, float], *names: str) -> float:
        """An accuracy, taken from the figures; NaN if there is none from 0 to 1."""
        for name in names:
            if (value := named.get(name)) is None:
                continue
            if 0 <= value <= 1:
                return named.pop(name)
            self._complain(f"{name} {value:g} is no share from 0 to 1: it has a chart of its own")
        return math.nan


def settings(config: object) -> dict[str, Setting]:
    """The settings of a training by name, nested ones as ``optimizer.lr``."""
    pairs = _flat(config, "", 0)
    return {name: value for (name, value), _ in zip(pairs, range(_MOST_SETTINGS), strict=False)}


def _flat(value: object, name: str, depth: int) -> Iterator[tuple[str, Setting]]:
    inner = _fields(value) if depth < _DEEPEST else None
    if inner is None:
        if name:
            yield name[:_MOST_TEXT], _plain(value)
        return
    for key, item in inner.items():
        yield from _flat(item, f"{name}.{key}" if name else str(key), depth + 1)


def _fields(value: object) -> Mapping[object, object] | None:
    """The parts of a setting that has names; None if it is a single one."""
    if isinstance(value, Mapping):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if type(value).__name__ == "Namespace":  # of argparse and of Lightning
        return dict(vars(value).items())
    return None


def _plain(value: object) -> Setting:
    match value:
        case bool() | None:
            return value
        case int() if abs(value) <= _EXACT:
            return value
        case float() if abs(value) <= MOST:
            return value
        case str():
            return value[:_MOST_TEXT]
    return str(value)[:_MOST_TEXT]


@dataclasses.dataclass(frozen=True)
class Sizes:
    """Sizes and rates that the settings of a run give; 0 or empty if they do not."""

    arch: str = ""
    data: str = ""
    optimizer: str = ""
    lr: float = 0.0
    epochs: int = 0
    batches: int = 0
    batch_size: int = 0
    params: int = 0
    seed: int = 0
    classes: tuple[str, ...] = ()

    @classmethod
    def of(cls, config: Mapping[str, Setting], classes: object = None) -> Self:
        """The sizes among the settings of :func:`settings`, by their usual names."""

        def text(*names: str) -> str:
            return next((str(config[name]) for name in names if config.get(name)), "")

        def size(*names: str) -> float:
            found = (config.get(name) for name in names)
            numbers = (value for value in found if isinstance(value, int | float))
            return next((value for value in numbers if 0 < value <= _EXACT), 0)

        return cls(
            arch=text("arch", "model", "network"),
            data=text("data", "dataset"),
            optimizer=text("optimizer", "optim"),
            lr=size("lr", "learning_rate"),
            epochs=int(size("epochs", "max_epochs")),
            batches=int(size("batches", "steps_per_epoch")),
            batch_size=int(size("batch_size")),
            params=int(size("params")),
            seed=int(size("seed")),
            classes=_names(classes),
        )


def _names(classes: object) -> tuple[str, ...]:
    if isinstance(classes, int) and not isinstance(classes, bool):
        return tuple(map(str, range(min(max(classes, 0), _MOST_CLASSES))))
    if isinstance(classes, Sequence) and not isinstance(classes, str | bytes):
        return tuple(str(name)[:_MOST_TEXT] for name in classes[:_MOST_CLASSES])
    return ()
