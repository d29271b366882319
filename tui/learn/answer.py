"""One's own network beside the shipped solution."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest

from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.check import check_with_data
from cnn_tui.engine.specs.network import Network, Recipe
from cnn_tui.tui.rows import Line
from cnn_tui.tui.words import clean, fit

_TWO_COLUMNS = 70
"""Columns from which on both stand side by side."""
_GAP = 3
_ALWAYS = ("epochs", "optimizer", "lr")


def both(own: Network, shipped: Network, width: int, *, recipes: bool) -> list[Line]:
    """Return both networks, side by side if there is room; a bar marks what differs.

    Args:
        own: the network that solved the task.
        shipped: the solution of the lesson.
        width: columns.
        recipes: Whether to show how they were trained as well.
    """
    chosen = _worth_showing(own.training, shipped.training) if recipes else ()
    is_wide = width >= _TWO_COLUMNS
    room = (width - _GAP - 1) // 2 if is_wide else width - 2
    mine, theirs = _rows(own, chosen, room), _rows(shipped, chosen, room)
    if not is_wide:
        return [
            ((" yours", "accent"),),
            *(((f" {row}", ""),) for row in mine),
            (),
            ((" the shipped solution", "accent"),),
            *(((f" {row}", ""),) for row in theirs),
        ]
    titles = ((fit(" yours", room + 1 + _GAP), "accent"), ("the shipped solution", "accent"))
    return [
        titles,
        *(
            (
                (f" {fit(left, room)}", ""),
                (" | " if left != right else "   ", "warn"),
                (fit(right, room), ""),
            )
            for left, right in _aligned(mine, theirs)
        ),
    ]


def _aligned(mine: Sequence[str], theirs: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Pair the rows that are the same, with what stands between them."""
    for _, a, b, c, d in SequenceMatcher(None, mine, theirs, autojunk=False).get_opcodes():
        yield from zip_longest(mine[a:b], theirs[c:d], fillvalue="")


def _rows(network: Network, chosen: Sequence[str], width: int) -> list[str]:
    """Layers with their outputs, the parameters, and the chosen settings of the recipe."""
    report = check_with_data(network)
    rows = [_row("input", format_shape(network.input), width)]
    for layer in report.layers:
        output = "?" if layer.output is None else format_shape(tuple(layer.output))
        words = " ".join((layer.type, *clean(layer.settings).split()))
        rows.append(_row(words, output, width))
    rows.append(_row("parameters", f"{report.total_params:,}", width))
    return [*rows, *(_row(name, _shown(network.training, name), width) for name in chosen)]


def _row(left: str, right: str, width: int) -> str:
    return f"{fit(left, width - len(right) - 1)} {right}"


def _worth_showing(*recipes: Recipe) -> list[str]:
    """Return the settings that differ from the usual ones, and those that are always shown."""
    usual = Recipe()
    return [
        name
        for name in Recipe.__struct_fields__
        if name in _ALWAYS or any(getattr(one, name) != getattr(usual, name) for one in recipes)
    ]


def _shown(recipe: Recipe, name: str) -> str:
    value = getattr(recipe, name)
    return f"{value:g}" if isinstance(value, float) else str(value)
