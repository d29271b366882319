"""Reads a network as PyTorch prints it: ``print(model)``.

A print names the modules of each container, but not what its ``forward`` does with them. For a
``Sequential`` that is known, for the blocks in ``_BLOCKS`` as well; the outermost class is taken
for a chain, and that is said.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.literals import NotLiteralError, value_of
from cnn_tui.engine.importing.signatures import SIGNATURES, ImportedModule
from cnn_tui.engine.specs.network import MAX_LAYERS, MAX_NESTING
from cnn_tui.engine.specs.wording import plain

_LINE = re.compile(r"\s*(?:\((?P<name>\w+)\): )?(?P<kind>\w+)\((?P<rest>.*)")
_COPIES = re.compile(r"\s*\((\d+)-(\d+)\): (\d+) x (.*)")
_SHOWN_BARE = {
    "Conv2d": ("in_channels", "out_channels"),
    "BatchNorm2d": ("num_features",),
    "BatchNorm1d": ("num_features",),
    "GroupNorm": ("num_groups", "num_channels"),
    "LayerNorm": ("normalized_shape",),
    "LocalResponseNorm": ("size",),
}
"""Arguments that a print shows without their names."""
_ORDER = (
    "its modules are taken in the order in which they are printed; what forward does besides is "
    "not printed"
)
FLATTENED = "a Flatten before its first Linear is added: a print does not show one in forward"


@dataclass
class _Printed:
    """A printed module with those inside it."""

    name: str
    kind: str
    where: str
    settings: dict[str, object] = field(default_factory=dict)
    inside: list[_Printed] = field(default_factory=list)


def printed_network(text: str, where: str) -> tuple[ImportedModule, tuple[str, ...]]:
    """Return the network of a print, and remarks.

    Raises:
        SpecError: if it is not printed by PyTorch, or what a class does is unknown.
    """
    lines = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
    reader = iter(lines)
    first = next(reader, None)
    if first is None:
        raise SpecError(f"{where} is empty.", _WANTED)
    top = _read(first, reader, where, 0)
    for number, _ in reader:
        raise SpecError(f"{where}, line {number}: the network has ended before it.", _WANTED)
    if top.kind == "Sequential":
        return _module(top), ()
    parts = tuple(_flattened(tuple(map(_module, top.inside))))
    notes = [f"{plain(top.kind)}: {_ORDER}"]
    if any(part.name == _ADDED for part in parts):
        notes.append(FLATTENED)
    return ImportedModule("Sequential", where, parts=parts), tuple(notes)


_WANTED = "Expected what print(model) shows, such as Sequential( (0): Conv2d(...) )."
_ADDED = "added flatten"


def _read(
    line: tuple[int, str], reader: Iterator[tuple[int, str]], where: str, depth: int
) -> _Printed:
    number, text = line
    here = f"{where}, line {number}"
    found = _LINE.fullmatch(text)
    if found is None or depth > 4 * MAX_NESTING:
        raise SpecError(f"{here} is no module as PyTorch prints it.", _WANTED)
    rest, kind = found["rest"].rstrip(), found["kind"]
    made = _Printed(found["name"] or "", kind, f"{here}: {plain(kind)}")
    if rest.endswith(")"):
        made.settings = _settings(kind, rest[:-1], made.where)
        return made
    if rest:
        raise SpecError(f"{here} is cut off.", _WANTED)
    for inner in reader:
        if inner[1].strip() == ")":
            return made
        if copies := _COPIES.fullmatch(inner[1]):
            count = min(int(copies[3]), MAX_LAYERS)
            one = _read((inner[0], copies[4]), reader, where, depth + 1)
            made.inside += [replace(one, name=str(int(copies[1]) + at)) for at in range(count)]
        else:
            made.inside.append(_read(inner, reader, where, depth + 1))
    raise SpecError(f"{where} ends inside {plain(kind)} (line {number}).", _WANTED)


def _settings(kind: str, text: str, where: str) -> dict[str, object]:
    """The settings in brackets; text such as ``same`` is printed without quotes."""
    text = re.sub(r"=(same|valid|zeros|none|tanh|reflect|circular|replicate)\b", r"='\1'", text)
    try:
        call = ast.parse(f"f({text})", mode="eval").body
        assert isinstance(call, ast.Call)
        bare = dict(zip(_SHOWN_BARE.get(kind, ()), call.args, strict=False))
        if not bare and call.args:
            bare = dict(zip(SIGNATURES.get(kind, ()), call.args, strict=False))
        words = {word.arg or "**": word.value for word in call.keywords}
        return {name: value_of(value, {}) for name, value in {**bare, **words}.items()}
    except (SyntaxError, ValueError, RecursionError, MemoryError, NotLiteralError):
        raise SpecError(f"{where} has settings that are no literals.", _WANTED) from None


def _module(printed: _Printed) -> ImportedModule:
    """A module with its inner ones, whose ``forward`` is known."""
    if printed.kind == "Sequential":
        parts = tuple(map(_module, printed.inside))
        return ImportedModule("Sequential", printed.where, name=printed.name, parts=parts)
    if printed.inside:
        block = _BLOCKS.get(printed.kind)
        names = {inner.name: _module(inner) for inner in printed.inside}
        made = block(printed, names) if block else None
        return made or ImportedModule(printed.kind, printed.where, known=False)
    known = printed.kind in SIGNATURES
    settings = {
        name: value
        for name, value in printed.settings.items()
        if not known or name in SIGNATURES[printed.kind]
    }
    return ImportedModule(printed.kind, printed.where, settings, printed.name, known=known)


def _flattened(parts: tuple[ImportedModule, ...]) -> Iterator[ImportedModule]:
    """Add the flattening that a ``forward`` does before the first fc layer."""
    flat = False
    for part in parts:
        leaves = [leaf.kind for leaf in part.every()]
        if not flat and "Linear" in leaves and "Flatten" not in leaves[: leaves.index("Linear")]:
            yield ImportedModule("Flatten", part.where, name=_ADDED)
        flat = flat or "Linear" in leaves or "Flatten" in leaves
        yield part


Names = dict[str, ImportedModule]


def _residual(*order: str) -> Callable[[_Printed, Names], ImportedModule | None]:
    """A block of a ResNet: modules in this order, the sum with ``downsample``, a ReLU."""

    def make(printed: _Printed, names: Names) -> ImportedModule | None:
        if not set(order) <= names.keys() <= {*order, "downsample"}:
            return None
        branch = tuple(replace(names[name], name="") for name in order)
        side = names.get("downsample")
        block = ImportedModule("Residual", printed.where, {}, "", branch, side)
        parts = (block, replace(names["relu"], name=""))
        return ImportedModule("Sequential", printed.where, parts=parts)

    return make


_BLOCKS: dict[str, Callable[[_Printed, Names], ImportedModule | None]] = {
    "BasicBlock": _residual("conv1", "bn1", "relu", "conv2", "bn2"),
    "Bottleneck": _residual("conv1", "bn1", "relu", "conv2", "bn2", "relu", "conv3", "bn3"),
}
"""Blocks of torchvision whose ``forward`` is known."""
