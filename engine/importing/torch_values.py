"""Values of a ``forward``: chains of modules that part and join again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.signatures import ImportedModule
from cnn_tui.engine.specs.layers import Merge


@dataclass(eq=False)
class Value:
    """What a module makes of the value before it; without one, the input."""

    before: Value | None = None
    part: ImportedModule | None = None
    share: tuple[int, int] | None = None
    """Which of how many equal shares of the channels, instead of a module."""
    where: str = ""
    """The line in which the channels are shared out."""
    taken: str = ""
    """The place of the join that has it inside one of its branches."""
    joins: dict[tuple[Value, ...], Value] = field(default_factory=dict)
    """The concatenations of values that come from this one."""

    def then(self, part: ImportedModule) -> Value:
        """Return what a module makes of it."""
        return Value(self, part)

    def shares(self, count: int, where: str) -> list[Value]:
        """Return equal shares of its channels."""
        return [Value(self, share=(at, count), where=where) for at in range(count)]

    def path(self) -> list[Value]:
        """Return the values from the input to this one."""
        made, value = [self], self
        while value.before is not None:
            value = value.before
            made.append(value)
        return made[::-1]


def parts_to(value: Value) -> tuple[ImportedModule, ...]:
    """Return the modules between the input and a value.

    Raises:
        SpecError: if a share of the channels is not joined with the others.
    """
    return _parts(value.path())


def joined(values: Sequence[Value], merge: Merge, where: str) -> Value:
    """Return the value that several are merged into.

    Raises:
        SpecError: if the values do not come from branches that part at one value.
    """
    if len(set(values)) < len(values) and merge != "concat":
        raise SpecError(f"{where} joins a value with itself: no counterpart.")
    known = values[0].path()[0].joins
    sources = _concatenated(values, known) if merge == "concat" else list(values)
    start, part = _parallel([value.path() for value in sources], merge, where)
    made = Value(start, part)
    if merge == "concat":
        known[tuple(values)] = made
    return made


def _concatenated(values: Sequence[Value], known: Mapping[tuple[Value, ...], Value]) -> list[Value]:
    """The values, with the first of them as one where they are concatenated already.

    A DenseNet concatenates everything again for each layer.
    """
    for count in range(len(values) - 1, 1, -1):
        if first := known.get(tuple(values[:count])):
            return [first, *values[count:]]
    return list(values)


Path = list[Value]


def _parallel(paths: Sequence[Path], merge: Merge, where: str) -> tuple[Value, ImportedModule]:
    """The value at which the paths part, and the block of what follows."""
    common = 0
    while all(path[common : common + 1] == paths[0][common : common + 1] for path in paths):
        if all(len(path) == common for path in paths):
            break
        common += 1
    start = paths[0][common - 1]
    rests = [path[common:] for path in paths]
    if split := _is_split(rests, where):
        rests = [rest[1:] for rest in rests]
    groups = [(key, list(group)) for key, group in groupby(rests, key=lambda rest: rest[:1])]
    keys = [key for key, _ in groups if key]
    if len(keys) > len({id(key[0]) for key in keys}):
        raise SpecError(f"{where} crosses other branches: no counterpart.")
    branches = [_branch(group, merge, where) for _, group in groups for group in _single(group)]
    return start, _block(branches, merge, where, split=split)


def _single(group: list[Path]) -> list[list[Path]]:
    """Paths that are the start itself are branches of their own."""
    return [group] if group[0] else [[path] for path in group]


def _branch(group: list[Path], merge: Merge, where: str) -> tuple[ImportedModule, ...]:
    if len(group) == 1:
        for value in group[0]:
            _take(value, where)
        return _parts(group[0])
    start, inner = _parallel(group, merge, where)
    above = group[0][: group[0].index(start) + 1]
    for value in above:
        _take(value, where)
    return (*_parts(above), inner)


def _take(value: Value, where: str) -> None:
    if value.taken:
        made = value.part.where.rpartition("line ")[2] if value.part else "it"
        raise SpecError(
            f"{where} uses a value inside the branches that {value.taken} joins (line {made}): "
            "no counterpart.",
            "Branches may part and join, and hold others, but not cross.",
        )
    value.taken = where.partition(", ")[2] or where


def _is_split(rests: Sequence[Path], where: str) -> bool:
    """Whether the paths begin with all shares of the channels, in order."""
    shares = [rest[0].share if rest else None for rest in rests]
    if not any(shares):
        return False
    if shares != [(at, len(shares)) for at in range(len(shares))]:
        raise SpecError(f"{where} does not join every share of the channels in order.")
    for rest in rests:
        _take(rest[0], where)
    return True


def _parts(path: Sequence[Value]) -> tuple[ImportedModule, ...]:
    for value in path:
        if value.share:
            raise SpecError(f"{value.where} makes shares that are not joined: no counterpart.")
    return tuple(value.part for value in path if value.part is not None)


def _block(
    branches: list[tuple[ImportedModule, ...]], merge: Merge, where: str, *, split: bool
) -> ImportedModule:
    """A residual block for a sum of two with an input or its projection, else a parallel one."""
    if merge == "add" and len(branches) == 2 and not split:
        for branch, shortcut in (branches, branches[::-1]):
            if branch and all(map(_projects, shortcut)):
                side = ImportedModule("Sequential", where, parts=shortcut)
                return ImportedModule("Residual", where, parts=branch, shortcut=side)
    rows = tuple(ImportedModule("Sequential", where, parts=branch) for branch in branches)
    return ImportedModule("Parallel", where, {"merge": merge, "split": split}, parts=rows)


def _projects(part: ImportedModule) -> bool:
    """Whether a layer may be a part of a projection: a 1x1 convolution or its batch norm."""
    if part.kind == "Sequential":
        return all(map(_projects, part.parts))
    kernel = part.settings.get("kernel_size")
    return part.kind == "BatchNorm2d" or (part.kind == "Conv2d" and kernel in (1, (1, 1)))
