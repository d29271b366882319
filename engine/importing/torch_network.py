"""Modules of PyTorch as a network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.assembly import Assembly
from cnn_tui.engine.importing.modules import SIGNATURES, WHY, ImportedModule, add_module
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
from cnn_tui.engine.specs.network import MAX_LAYERS, MAX_NESTING
from cnn_tui.engine.specs.wording import plain


def import_module(module: Any, size: Size) -> Imported:
    """The architecture of a live ``torch.nn.Sequential`` for images of this size.

    PyTorch is not imported, and weights stay behind.

    Raises:
        SpecError: if something in it has no counterpart.
    """
    return from_part(describe(module), "The module", size)


def from_part(part: ImportedModule, where: str, size: Size | None) -> Imported:
    """The network that a description of modules stands for.

    Raises:
        SpecError: if something has no counterpart, or the size of the images is not known.
    """
    modules, notes = list(_leaves(part)), []
    if modules and modules[-1].kind in SOFTMAX:
        modules.pop()
        notes.append(SOFTMAX_NOTE)
    every = (inner for module in modules for inner in module.every())
    refuse_unknown(where, (_because(one) for one in every if not _has_counterpart(one)))
    if size is None:
        raise no_size(where, _channels(modules), partial(_assembled, modules))
    return finished(_assembled(modules, size), size, notes)


def _leaves(part: ImportedModule) -> Iterator[ImportedModule]:
    """Modules one after another, nested Sequentials resolved."""
    if part.kind == "Sequential" and part.known:
        for inner in part.parts:
            yield from _leaves(inner)
        return
    inner_parts = tuple(one for inner in part.parts for one in _leaves(inner))
    yield replace(part, name=usable_name(part.name), parts=inner_parts)


def _assembled(modules: list[ImportedModule], size: Size) -> Assembly:
    assembly = Assembly(size)
    for module in modules:
        add_module(module, assembly)
    return assembly


def _has_counterpart(part: ImportedModule) -> bool:
    return part.known and (part.kind in SIGNATURES or part.kind == "Sequential")


def _because(part: ImportedModule) -> str:
    """The place, and why there is none if that is known."""
    place = part.where.partition(", ")[2] or part.where
    why = f" ({WHY[part.kind]})" if part.kind in WHY else ""
    return f"{plain(place)}{why}"


def _channels(modules: list[ImportedModule]) -> int:
    """Of the images, as far as the first layer tells."""
    for module in modules:
        told = module.settings.get("in_channels", module.settings.get("num_features"))
        if isinstance(told, int) and 0 < told <= 65536:
            return told
    return 1


_FAMILY = "torch.nn.modules."


def describe(module: Any, where: str = "the network") -> ImportedModule:
    """A live ``torch.nn.Sequential`` with all within it.

    Raises:
        SpecError: if it is none, or nested too deeply.
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
            _described(one, where, key, seen, depth + 1) for key, one in _children(module)
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
    # named_children leaves out what stands there twice.
    names = {id(one): name for name, one in module.named_children()}  # type: ignore[attr-defined]
    return ((names[id(one)], one) for one in module)


def _settings(module: Any, names: Iterable[str]) -> dict[str, object]:
    found = {name: getattr(module, name) for name in names if hasattr(module, name)}
    if "bias" in found:
        found["bias"] = found["bias"] is not None
    return found
