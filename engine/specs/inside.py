"""The lists of layers inside a layer, and the places of layers that these make."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from string import ascii_lowercase

import msgspec

from cnn_tui.engine.specs.layers import Layer, Parallel, Repeat, Residual

Layers = tuple[Layer, ...]

Place = tuple[int, ...]
"""Positions from 0, those of layers and of lists in turn: ``(3,)`` is the fourth layer,
``(3, 0, 1)`` the second in its first list of layers, ``(3, 2, 0)`` the first in its third."""

BLOCKS = (Residual, Parallel, Repeat)
"""The kinds of layers that hold layers."""


def lists_in(layer: Layer) -> tuple[Layers, ...]:
    """Return the lists of layers that a user sees inside a layer; none for most kinds.

    They are the branch and, where it consists of layers, the shortcut of a residual block, the
    branches of a parallel block, and the layers that are repeated.
    """
    match layer:
        case Residual():
            return (layer.branch, *_written(layer))
        case Parallel():
            return layer.branches
        case Repeat():
            return (layer.layers,)
    return ()


def _written(block: Residual) -> tuple[Layers, ...]:
    return () if isinstance(block.shortcut, str) else (block.shortcut,)


def with_lists(layer: Layer, lists: Sequence[Layers]) -> Layer:
    """Return a layer with other lists of layers, as many as :func:`lists_in` gives."""
    match layer:
        case Parallel():
            return msgspec.structs.replace(layer, branches=tuple(lists))
        case Residual() | Repeat():  # a shortcut of one word is no list
            named = zip(list_fields(layer), lists, strict=False)
            return msgspec.structs.replace(layer, **dict(named))
    return layer


def fields_of_lists(kind: type[Layer], lists: Sequence[Layers]) -> dict[str, object] | None:
    """Return the fields that hold these lists of layers; None if the kind has fewer."""
    if kind is Parallel:
        return {"branches": tuple(lists)} if lists else {}
    fields = {Residual: ("branch", "shortcut"), Repeat: ("layers",)}.get(kind, ())
    return dict(zip(fields, lists, strict=False)) if len(lists) <= len(fields) else None


LIST_FIELDS = ("branch", "shortcut", "branches", "layers")
"""The settings that hold layers."""


def list_fields(layer: Layer) -> tuple[str, ...]:
    """Return the paths of the lists: ``branch`` and ``shortcut``, ``branches[0]``, ``layers``."""
    match layer:
        case Residual():
            return ("branch", "shortcut")
        case Parallel():
            return tuple(f"branches[{number}]" for number in range(len(layer.branches)))
        case Repeat():
            return ("layers",)
    return ()


def walk_layers(layers: Iterable[Layer], above: Place = ()) -> Iterator[tuple[Place, Layer]]:
    """Yield every layer with its place, a block before the layers inside it."""
    pending = _placed(layers, above)
    while pending:  # not recursive: a network made in code may be nested to any depth
        place, layer = pending.pop()
        yield place, layer
        for number, inner in reversed(list(enumerate(lists_in(layer)))):
            pending += _placed(inner, (*place, number))


def _placed(layers: Iterable[Layer], above: Place) -> list[tuple[Place, Layer]]:
    return [((*above, position), layer) for position, layer in enumerate(layers)][::-1]


@lru_cache(8192)  # of each row, after each edit
def number(place: Place) -> str:
    """Format a place from 1: ``(3, 0, 1)`` is ``4.2``, and ``(3, 2, 0)`` ``4c.1``.

    The first list of a layer goes without a letter.
    """
    return "".join(
        f"{ascii_lowercase[at] if at else ''}." if level % 2 else str(at + 1)
        for level, at in enumerate(place)
    )


_LEVEL = re.compile(r"(\d+)(?:([a-z])?\.)?")


def place_numbered(text: str) -> Place:
    """Return the place of a number such as ``4c.1``, and ``(3, 2)`` for ``4c.``."""
    place: list[int] = []
    for level in _LEVEL.finditer(text):
        place.append(int(level[1]) - 1)
        if level[0].endswith("."):
            place.append(ascii_lowercase.index(level[2] or "a"))
    return tuple(place)


def list_letter(number: int) -> str:
    """Return the letter of a list of layers: ``a`` for the first."""
    return ascii_lowercase[number]


_STEP = re.compile(r"(layers|branch|shortcut|branches\[(\d+)\])\[(\d+)\]")


def place_of(path: str) -> Place:
    """Return ``layers[3].branches[1][0].stride`` as ``(3, 1, 0)``; empty if it names no layer."""
    place: list[int] = []
    for part in re.split(r"\.", path):
        step = _STEP.fullmatch(part)
        if step is None:
            break
        if place:
            place.append(int(step[2] or 0) + (step[1] == "shortcut"))
        place.append(int(step[3]))
    return tuple(place)
