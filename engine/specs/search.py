"""The nearest value of a window's setting under which the layer fits."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import msgspec

from cnn_tui.engine.specs.case import Case, FixCandidate
from cnn_tui.engine.specs.flow import dims
from cnn_tui.engine.specs.infer import infer
from cnn_tui.engine.specs.layers import pair
from cnn_tui.engine.specs.windows import Windowed, windows

SHIFTS = ((1, 1), (1, 0), (0, 1))
"""Both axes together keep a square square; one alone is for volumes that are not square."""
_FARTHEST = 32
_HANDICAPS = {"stride": 0.0, "kernel_size": 0.1, "padding": 0.2}
"""Decides between changes of the same size."""


def around(case: Case, layer: Windowed, field: str) -> Iterator[FixCandidate]:
    """The nearest fitting value below the present one and the nearest above."""
    for direction in (-1, 1):
        yield from first(case, layer, field, current(layer, field), direction)


def first(
    case: Case, layer: Windowed, field: str, start: Sequence[int], direction: int
) -> Iterator[FixCandidate]:
    """The first fitting value, ``start`` included, going up (1) or down (-1)."""
    for height, width in _values(layer, field, start, direction):
        value = height if height == width else (height, width)
        changed = msgspec.structs.replace(layer, **{field: value})
        if changed != layer and not infer(changed, case.step.before).faults:
            yield _prescription(case, layer, field, value)
            return


def current(layer: Windowed, field: str) -> tuple[int, int]:
    """Height and width of ``kernel_size``, ``stride`` or ``padding``, defaults resolved."""
    if field == "kernel_size":
        return pair(layer.kernel_size)
    if field == "stride":
        return pair(layer.kernel_size if layer.stride is None else layer.stride)
    down, across = windows(layer)
    return down.padding, across.padding


def _values(
    layer: Windowed, field: str, start: Sequence[int], direction: int
) -> Iterator[tuple[int, int]]:
    largest = max(*current(layer, "kernel_size"), *current(layer, "stride"))
    least = 0 if field == "padding" else 1
    # A stride beyond the window would skip pixels.
    most = largest if field == "stride" else math.inf
    # Whether a window tiles repeats with its stride: a longer search seldom finds anything new.
    for distance in range(min(largest, _FARTHEST) + 1):
        for shift in SHIFTS:
            height, width = (
                size + direction * distance * one for size, one in zip(start, shift, strict=True)
            )
            if least <= min(height, width) and max(height, width) <= most:
                yield height, width


def _prescription(
    case: Case, layer: Windowed, field: str, value: int | tuple[int, int]
) -> FixCandidate:
    sizes = pair(value)
    shown = dims(sizes) if field == "kernel_size" or not isinstance(value, int) else value
    label = f"{field.removesuffix('_size')} {shown}"
    old = current(layer, field)
    cost = max(abs(sizes[0] - old[0]), abs(sizes[1] - old[1])) + _HANDICAPS[field]
    return FixCandidate(
        case.fix(field, value if isinstance(value, int) else list(value)), label, cost
    )
