"""The last edits, taken back: the fix that a person who has just made one looks for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from cnn_tui.engine.errors import EntryError
from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.applying import apply_fix
from cnn_tui.engine.specs.cases import first_broken
from cnn_tui.engine.specs.flow import Edit, Found
from cnn_tui.engine.specs.inside import (
    LIST_FIELDS,
    Place,
    list_fields,
    lists_in,
    with_lists,
)
from cnn_tui.engine.specs.layers import Layer, pair
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.quick.write import to_quick
from cnn_tui.engine.specs.report import Fix
from cnn_tui.engine.specs.structural_fixes import short_name

Faults = Sequence[tuple[Place, str]]
"""Places and codes."""


class Undoing(NamedTuple):
    """A fix that takes an edit back, and the faults that it leaves."""

    fix: Fix
    left: Faults
    same_places: bool
    """Whether the layers have the same places afterwards."""
    before: Faults

    def helps(self, place: Place, code: str) -> bool:
        """Whether the fault is gone and no other has come."""
        if self.same_places:
            return (place, code) not in self.left
        count = Counter(code for _, code in self.left)
        return count[code] < Counter(code for _, code in self.before)[code]


def undoings(
    network: Network,
    present: Found,
    edits: Sequence[Edit],
    find: Callable[[Network], Found],
) -> tuple[Undoing, ...]:
    """Return the edits that can be taken back so that fewer faults are left.

    Args:
        network: the network with the faults.
        present: its layers, and what it suffers from.
        edits: the newest first.
        find: finds the layers and faults of a network.
    """
    return tuple(_tried(network, present, edits, find))


def _tried(
    network: Network,
    present: Found,
    edits: Sequence[Edit],
    find: Callable[[Network], Found],
) -> Iterator[Undoing]:
    faults = present.codes
    codes = Counter(code for _, code in faults)
    for edit in edits:
        back = _taken_back(network, edit)
        if back is None:
            continue
        try:
            after = apply_fix(network, back)
        except EntryError:
            continue  # a layer was invalid before the edit, too
        found = find(after)
        left = found.codes
        remaining = Counter(code for _, code in left)
        if after == network or not remaining < codes:
            continue
        renumbered = len(after.layers) != len(network.layers)
        effect = first_broken(found.steps, present.steps, renumbered) or _effect(found)
        fix = msgspec.structs.replace(back, description=f"{back.description}: {effect}")
        yield Undoing(fix, left, not renumbered, faults)


def _effect(found: Found) -> str:
    if found.faults:
        return f"then {found.faults[0][1].text}"
    return "all layers fit again"


def _taken_back(network: Network, edit: Edit) -> Fix | None:
    """The changes that lead from ``network`` to how it was before the edit; None if unknown."""
    before, after = edit
    changes: list[tuple[int, str, int | str | list[int]]] = []
    words = ""
    if before.data != after.data and network.data == after.data:
        changes.append((0, "data", before.data))
        words = f"take the data {after.data} back to {before.data}"
    if before.input != after.input and network.input == after.input:
        changes.append((0, "input", list(before.input)))
        taken, back = format_shape(after.input), format_shape(before.input)
        words = words or f"take the input {taken} back to {back}"
    if before.layers != after.layers:
        layers = _layers_back(before.layers, after.layers, network.layers)
        if layers is None:
            return None
        changes += layers.changes
        words = words or layers.words
    if not changes:
        return None
    first, *also = (Fix(*change, "") for change in changes)
    return msgspec.structs.replace(first, description=words, also=tuple(also))


class _Back(NamedTuple):
    """Changes of layers, and what they do together."""

    changes: list[tuple[int, str, int | str | list[int]]]
    words: str


def _layers_back(
    before: Sequence[Layer], after: Sequence[Layer], now: Sequence[Layer]
) -> _Back | None:
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    old, new = before[start : len(before) - end], after[start : len(after) - end]
    if start > len(now) or tuple(now[start : start + len(new)]) != tuple(new):
        return None  # it has been edited again since
    if len(old) == len(new) == 1 and type(old[0]) is type(new[0]):
        words = f"take the {short_name(old[0])} back to what it was"
        whole = _Back([(start + 1, "replace", to_quick(old))], words)
        return _settings_back(start + 1, "", old[0], new[0]) or whole
    return _list_back(start, old, new, now)


def _settings_back(number: int, inside: str, old: Layer, new: Layer) -> _Back | None:
    """The old settings of one layer, or of one inside a block."""
    names = [name for name in old.__struct_fields__ if getattr(old, name) != getattr(new, name)]
    if any(name in LIST_FIELDS for name in names):
        return _inside_back(number, inside, old, new)
    changes, words = [], []
    for name in names:
        value = getattr(old, name)
        value = list(value) if isinstance(value, tuple) else value
        if isinstance(value, bool | float) or not isinstance(value, int | str | list):
            return None  # no number of a layer that fits or does not
        changes.append((number, f"{inside}{name}", value))
        taken, back = (_shown(name, getattr(layer, name)) for layer in (new, old))
        words.append(f"{name.removesuffix('_size')} {taken} back to {back}")
    return _Back(changes, f"take {' and '.join(words)}") if changes else None


def _inside_back(number: int, inside: str, old: Layer, new: Layer) -> _Back | None:
    """The old settings of the only layer inside a block that has changed."""
    before, after = lists_in(old), lists_in(new)
    if list(map(len, before)) != list(map(len, after)) or with_lists(new, before) != old:
        return None
    changed = [
        (f"{field}[{at}]", one, two)
        for field, first, second in zip(list_fields(old), before, after, strict=False)
        for at, (one, two) in enumerate(zip(first, second, strict=True))
        if one != two
    ]
    if len(changed) != 1 or type(changed[0][1]) is not type(changed[0][2]):
        return None
    ((where, one, two),) = changed
    return _settings_back(number, f"{inside}{where}.", one, two)


def _shown(name: str, value: object) -> str:
    value = pair(value) if name == "kernel_size" and isinstance(value, int) else value
    return format_shape(value) if isinstance(value, tuple) else str(value)


def _list_back(
    start: int, old: Sequence[Layer], new: Sequence[Layer], now: Sequence[Layer]
) -> _Back | None:
    """Layers that were inserted, deleted, moved or exchanged."""
    which = f"the {short_name(new[0])}" if len(new) == 1 else f"the {len(new)} new layers"
    # From the end, so that the numbers before remain valid.
    removed: list[tuple[int, str, int | str | list[int]]] = [
        (start + at + 1, "replace", "") for at in reversed(range(len(new)))
    ]
    if not old:
        return _Back(removed, f"take {which} out again")
    if new:
        *others, last = removed
        moved = sorted(map(repr, old)) == sorted(map(repr, new))
        words = "move it back" if moved else f"put {to_quick(old)} back in place of {which}"
        return _Back([*others, (last[0], "replace", to_quick(old))], words)
    words = f"put {to_quick(old) if len(old) == 1 else f'the {len(old)} layers'} back"
    if start:
        return _Back([(start, "after", to_quick(old))], words)
    if now:
        return _Back([(1, "replace", to_quick((*old, now[0])))], words)
    return None
