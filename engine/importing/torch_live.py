"""``nn.Sequential`` as an object. PyTorch is not imported: attributes say all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.imported_module import ImportedModule
from cnn_tui.engine.importing.modules import SIGNATURES
from cnn_tui.engine.specs.limits import MAX_LAYERS, MAX_NESTING

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
