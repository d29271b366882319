"""Converts PyTorch modules to a network, without importing PyTorch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.assembly import Assembly
from cnn_tui.engine.importing.modules import add_module
from cnn_tui.engine.importing.result import (
    SOFTMAX,
    SOFTMAX_NOTE,
    Imported,
    Size,
    finished,
    no_size,
    refuse_unknown,
    usable_name,
)
from cnn_tui.engine.importing.signatures import HOLDERS, SIGNATURES, WHY, ImportedModule
from cnn_tui.engine.specs.network import MAX_LAYERS, MAX_NESTING
from cnn_tui.engine.specs.wording import plain


def import_module(module: Any, size: Size) -> Imported:
    """Import the architecture of a live ``torch.nn.Sequential`` for images of this size.

    Weights are not imported.

    Raises:
        SpecError: if a module has no counterpart.
    """
    return from_part(describe(module), "The module", size)


def from_part(part: ImportedModule, where: str, size: Size | None) -> Imported:
    """Convert a tree of modules to a network.

    Raises:
        SpecError: if a module has no counterpart, or the image size is unknown.
    """
    modules, notes = list(_leaves(part)), []
    if modules and modules[-1].kind in SOFTMAX:
        modules.pop()
        notes.append(SOFTMAX_NOTE)
    every = (inner for module in modules for inner in module.every())
    refuse_unknown(where, (_because(inner) for inner in every if not _has_counterpart(inner)))
    if size is None:
        raise no_size(where, _channels(modules), partial(_assembled, modules))
    return finished(_assembled(modules, size), size, notes)


def _leaves(*parts: ImportedModule) -> Iterator[ImportedModule]:
    """The modules in order, with nested Sequentials unpacked; those in a block for each branch."""
    for part in parts:
        if part.kind == "Sequential" and part.known:
            yield from _leaves(*part.parts)
            continue
        inner = tuple(_leaves(*part.parts))
        if part.kind in HOLDERS:
            branches = ((each, tuple(_leaves(each))) for each in part.parts)
            inner = tuple(ImportedModule("Sequential", e.where, parts=row) for e, row in branches)
        yield replace(part, name=usable_name(part.name), parts=inner)


def _assembled(modules: list[ImportedModule], size: Size) -> Assembly:
    assembly = Assembly(size)
    for module in modules:
        add_module(module, assembly)
    return assembly


def _has_counterpart(part: ImportedModule) -> bool:
    return part.known and (part.kind in SIGNATURES or part.kind == "Sequential")


def _because(part: ImportedModule) -> str:
    """The place of a module, with the reason why it has no counterpart if known."""
    place = part.where.partition(", ")[2] or part.where
    why = f" ({WHY[part.kind]})" if part.kind in WHY else ""
    return f"{plain(place)}{why}"


def _channels(modules: list[ImportedModule]) -> int:
    """The channels of the images as declared by the first layer, or 1."""
    for module in modules:
        declared = module.settings.get("in_channels", module.settings.get("num_features"))
        if isinstance(declared, int) and 0 < declared <= 65536:
            return declared
    return 1


_FAMILY = "torch.nn.modules."


def describe(module: Any, where: str = "the network") -> ImportedModule:
    """Describe a live ``torch.nn.Sequential`` with its inner modules.

    Raises:
        SpecError: if the module is not a Sequential, or nested too deeply.
    """
    part = _described(module, where, "", set(), 0)
    if part.kind != "Sequential":
        raise SpecError(f"{where} is a {part.kind}, not an nn.Sequential.")
    return part


def _described(module: Any, where: str, name: str, seen: set[int], depth: int) -> ImportedModule:
    kind = type(module).__name__
    own = type(module).__module__.startswith(_FAMILY)
    here = f"{where}: {name or kind}" if depth else where
    if depth > 4 * MAX_NESTING or len(seen) > MAX_LAYERS:
        raise SpecError(f"{where} is nested too deeply, or has more than {MAX_LAYERS} modules.")
    if own and kind == "Sequential":
        inner = tuple(
            _described(child, where, key, seen, depth + 1) for key, child in _children(module)
        )
        return ImportedModule(kind, here, name=name, parts=inner)
    if not own or kind not in SIGNATURES:
        return ImportedModule(kind, f"{here} ({kind})", known=False)
    settings = _settings(module, SIGNATURES[kind])
    if id(module) in seen and next(iter(module.parameters()), None) is not None:
        raise SpecError(f"{here} is used twice and shares its weights: no counterpart.")
    seen.add(id(module))
    return ImportedModule(kind, f"{here} ({kind})", settings, name)


def _children(module: Iterable[Any]) -> Iterable[tuple[str, Any]]:
    # named_children skips repeated modules.
    names = {id(child): name for name, child in module.named_children()}  # type: ignore[attr-defined]
    return ((names[id(child)], child) for child in module)


def _settings(module: Any, names: Iterable[str]) -> dict[str, object]:
    settings = {name: getattr(module, name) for name in names if hasattr(module, name)}
    if "bias" in settings:
        settings["bias"] = settings["bias"] is not None
    return settings
