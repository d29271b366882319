"""Modules of PyTorch as a network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from cnn_tui.engine.importing.assembly import Assembly
from cnn_tui.engine.importing.imported_module import ImportedModule
from cnn_tui.engine.importing.modules import SIGNATURES, WHY, add_module
from cnn_tui.engine.importing.naming import usable_name
from cnn_tui.engine.importing.result import (
    SOFTMAX,
    SOFTMAX_NOTE,
    Imported,
    Size,
    finished,
    no_size,
    refuse_unknown,
)
from cnn_tui.engine.importing.torch_live import describe
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
