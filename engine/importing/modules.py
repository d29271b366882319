"""Converts PyTorch modules to layers; refuses those without a counterpart."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, cast, get_args

import msgspec

from cnn_tui.engine.importing.assembly import INPUT_HINT, Assembly
from cnn_tui.engine.importing.residual import add_block, add_parallel, add_repeat, known_shortcut
from cnn_tui.engine.importing.signatures import (
    BY_NAME,
    ONLY,
    REQUIRED,
    SIGNATURES,
    ImportedModule,
)
from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.activations import PReLU
from cnn_tui.engine.specs.layers import (
    FC,
    LRN,
    AvgPool,
    BatchNorm,
    Conv,
    DWConv,
    Layer,
    MaxPool,
    Merge,
    single,
)
from cnn_tui.engine.specs.norms import GroupNorm, LayerNorm, LayerScale
from cnn_tui.engine.specs.pooling import GlobalMaxPool
from cnn_tui.engine.specs.quick.called import POOL
from cnn_tui.engine.specs.shaping import Pad

_SIZES = ("kernel_size", "stride", "padding", "dilation")


def add_module(part: ImportedModule, assembly: Assembly) -> None:
    """Append the counterpart of a module and of its inner modules.

    Raises:
        SpecError: if a setting has no counterpart, or the layer does not fit.
    """
    if part.kind == "Sequential":
        for inner in part.parts:
            add_module(inner, assembly)
        return
    if missing := [n for n in SIGNATURES[part.kind] if n in REQUIRED - part.settings.keys()]:
        raise part.refused(f"lacks its argument {missing[0]}")
    for name, only in ONLY.items():
        if part.settings.get(name, only) != only:
            raise part.refused(f"has {name}={part.settings[name]!r}: no counterpart")
    _HANDLERS.get(part.kind, _plain)(part, assembly)


def _within(parts: Iterable[ImportedModule], assembly: Assembly, where: str) -> Assembly:
    """The counterparts of modules inside a block that receives the present volume."""
    branch = assembly.branch(where)
    for inner in parts:
        add_module(inner, branch)
    return branch


def _residual(part: ImportedModule, assembly: Assembly) -> None:
    """Add a block as the PyTorch source that cnn-tui exports describes it."""
    branch, side = _within(part.parts, assembly, part.where), part.shortcut
    if side is not None and side.kind == "ZeroPad":
        stride = side.settings.get("stride", 1)
        return add_block(branch, ("zero-pad", stride), assembly, part.where, part.name)
    other = _within([side] if side else [], assembly, part.where)
    shortcut = known_shortcut(other.layers) or (tuple(other.layers), 1)
    add_block(branch, shortcut, assembly, part.where, part.name)


def _parallel(part: ImportedModule, assembly: Assembly) -> None:
    merge, split = part.settings.get("merge"), bool(part.settings.get("split", False))
    if merge not in get_args(Merge) or not part.parts:
        raise part.refused("is not a known merge of at least one branch: no counterpart")
    whole = assembly.share(len(part.parts), part.where) if split else assembly
    branches = [_within([inner], whole, part.where) for inner in part.parts]
    add_parallel(branches, cast(Merge, merge), assembly, part.where, split=split, name=part.name)


def _repeat(part: ImportedModule, assembly: Assembly) -> None:
    copies = assembly.branch(part.where)
    each = []
    for inner in part.parts:
        start = len(copies.layers)
        add_module(inner, copies)
        each.append(tuple(copies.layers[start:]))
    add_repeat(each, copies, assembly, part.where, part.name)


def _conv(part: ImportedModule, assembly: Assembly) -> None:
    given = part.settings
    _expect(part, "in_channels", assembly, _channels(assembly))
    padding = given.get("padding", 0)
    settings = _selected(
        given, "out_channels", "kernel_size", "stride", "dilation", "groups", "bias"
    )
    settings["padding"] = 0 if padding == "valid" else padding
    multiplier = multiplier_of(settings["out_channels"], settings.get("groups"), assembly)
    if multiplier:
        settings = {**_without(settings, "out_channels", "groups"), "multiplier": multiplier}
    _append(part, assembly, DWConv if multiplier else Conv, **settings)


def multiplier_of(filters: object, groups: object, assembly: Assembly) -> int:
    """The filters of each channel, of a convolution that is depthwise; 0 for any other."""
    channels = _channels(assembly)
    if groups != channels or channels < 2 or not isinstance(filters, int) or filters % channels:
        return 0
    return filters // channels


def _linear(part: ImportedModule, assembly: Assembly) -> None:
    if not assembly.layers:
        # A network that begins with an fc layer receives flat images.
        assembly.flatten()
    if not assembly.flat:
        volume = format_shape(assembly.shape)
        raise part.refused(f"receives a volume of {volume}; nn.Flatten is missing before it")
    _expect(part, "in_features", assembly, math.prod(assembly.shape))
    _append(part, assembly, FC, **_selected(part.settings, "out_features", "bias"))


def _pool(kind: type[MaxPool] | type[AvgPool]) -> Callable[[ImportedModule, Assembly], None]:
    def add(part: ImportedModule, assembly: Assembly) -> None:
        given = part.settings
        if given.get("dilation", 1) not in (1, (1, 1)):
            raise part.refused("has a dilation, which pooling here does not support")
        settings = _selected(given, *POOL)
        if kind is AvgPool:
            settings["count_include_pad"] = bool(given.get("count_include_pad", True))
        ceil = bool(given.get("ceil_mode", False))
        _append(part, assembly, kind, ceil=ceil, **settings)

    return add


def _adaptive(part: ImportedModule, assembly: Assembly) -> None:
    size = part.settings.get("output_size")
    pair = size if isinstance(size, tuple) else (size, size)
    present = assembly.shape[1:] if len(assembly.shape) == 3 else (0, 0)
    sizes = zip(pair, present, strict=False)
    wanted = tuple(now if want is None else want for want, now in sizes)
    if len(pair) != 2 or not all(type(want) is int and want > 0 for want in wanted):
        raise part.refused(f"has output_size={size!r}, expected height and width")
    assembly.average_to((wanted[0], wanted[1]), part.where)


def _adaptive_max(part: ImportedModule, assembly: Assembly) -> None:
    if part.settings.get("output_size") not in (1, (1, 1)):
        raise part.refused("has an output_size other than 1: no counterpart")
    _append(part, assembly, GlobalMaxPool)


def _norm(part: ImportedModule, assembly: Assembly) -> None:
    _expect(part, "num_features", assembly, _channels(assembly))
    if part.settings.get("momentum", 0.1) is None:
        raise part.refused("has momentum=None, a cumulative mean: no counterpart")
    _append(part, assembly, BatchNorm, **_selected(part.settings, "eps", "momentum"))


def _lrn(part: ImportedModule, assembly: Assembly) -> None:
    size, alpha = part.settings.get("size"), part.settings.get("alpha", 1e-4)
    if not _is_number(size) or not size or not _is_number(alpha):
        raise part.refused("has a size or alpha that is not a number")
    # PyTorch divides alpha by the size, the paper does not.
    settings = {"beta": 0.75, "k": 1.0, **_selected(part.settings, "beta", "k")}
    _append(part, assembly, LRN, size=size, alpha=rounded(alpha / size), **settings)  # type: ignore[operator]


def _group_norm(part: ImportedModule, assembly: Assembly) -> None:
    _expect(part, "num_channels", assembly, _channels(assembly))
    _append(part, assembly, GroupNorm, **_selected(part.settings, "num_groups", "eps"))


def _layer_norm(part: ImportedModule, assembly: Assembly) -> None:
    given = part.settings["normalized_shape"]
    shape = tuple(given) if isinstance(given, list | tuple) else (given,)
    expected = (math.prod(assembly.shape),) if assembly.flat else assembly.shape
    if shape != expected or not part.settings.get("bias", True):
        raise part.refused(f"does not normalise {format_shape(expected)} with scales and shifts")
    _append(part, assembly, LayerNorm, **_selected(part.settings, "eps"))


def _pixel_norm(part: ImportedModule, assembly: Assembly) -> None:
    _expect(part, "channels", assembly, _channels(assembly))
    _append(part, assembly, LayerNorm, over="channels", **_selected(part.settings, "eps"))


def _layer_scale(part: ImportedModule, assembly: Assembly) -> None:
    _expect(part, "channels", assembly, _channels(assembly))
    _append(part, assembly, LayerScale, **_selected(part.settings, "init_value"))


_PADS = {"ZeroPad2d": "zeros", "ReflectionPad2d": "reflect", "ReplicationPad2d": "replicate"}


def _pad(mode: str) -> Callable[[ImportedModule, Assembly], None]:
    def add(part: ImportedModule, assembly: Assembly) -> None:
        size = part.settings["padding"]
        padding = size[0] if isinstance(size, tuple) and len({*size}) == 1 else size
        _append(part, assembly, Pad, padding=padding, padding_mode=mode)

    return add


def _prelu(part: ImportedModule, assembly: Assembly) -> None:
    slopes = part.settings.get("num_parameters", 1)
    if slopes not in (1, _channels(assembly)):
        raise part.refused(f"has {slopes} slopes, but receives {format_shape(assembly.shape)}")
    _append(part, assembly, PReLU, per_channel=slopes != 1, **_selected(part.settings, "init"))


def _flatten(part: ImportedModule, assembly: Assembly) -> None:
    if (part.settings.get("start_dim", 1), part.settings.get("end_dim", -1)) not in (
        (1, -1),
        (1, 3),
    ):
        raise part.refused("does not flatten all dimensions but the first: no counterpart")
    assembly.flatten()


def _plain(part: ImportedModule, assembly: Assembly) -> None:
    """Append a layer whose settings are those of the module."""
    kind = BY_NAME[part.kind]
    torch, given = kind.info.torch, {**kind.info.torch.defaults, **part.settings}
    if any(given.get(name) != value for name, value in torch.fixed.items()):
        raise part.refused(f"has no counterpart; the nearest is nn.{torch.written}")
    settings: dict[str, Any] = {
        field: given[name] for field, name in torch.settings.items() if name in given
    }
    _append(part, assembly, kind, **settings)


def _unflatten(part: ImportedModule, assembly: Assembly) -> None:
    pixels = (math.prod(assembly.shape), 1, 1)
    if part.settings.get("unflattened_size", pixels) != pixels:
        raise part.refused("does not restore one pixel of each channel: no counterpart")
    assembly.flat = False


def _nothing(part: ImportedModule, assembly: Assembly) -> None:
    """Append nothing: the module does not change its input."""


def _layers(part: ImportedModule, assembly: Assembly) -> None:
    """Append layers that were read as such; the first has the name of the module."""
    for number, layer in enumerate(part.layers):
        pixels = 1 if assembly.flat else math.prod(assembly.shape[1:])
        if isinstance(layer, FC) and assembly.layers and pixels > 1:
            raise part.refused(f"receives a volume of {format_shape(assembly.shape)}; flatten it")
        named = msgspec.structs.replace(layer, name="" if number else part.name)
        assembly.add(named, part.where)


def _misplaced(part: ImportedModule, assembly: Assembly) -> None:
    raise part.refused("has no counterpart in this position")


_HANDLERS: dict[str, Callable[[ImportedModule, Assembly], None]] = {
    "Conv2d": _conv,
    "LazyConv2d": _conv,
    "Linear": _linear,
    "LazyLinear": _linear,
    "MaxPool2d": _pool(MaxPool),
    "AvgPool2d": _pool(AvgPool),
    "AdaptiveAvgPool2d": _adaptive,
    "AdaptiveMaxPool2d": _adaptive_max,
    **dict.fromkeys(("BatchNorm2d", "BatchNorm1d", "LazyBatchNorm2d", "LazyBatchNorm1d"), _norm),
    "GroupNorm": _group_norm,
    "LayerNorm": _layer_norm,
    "LayerNorm2d": _pixel_norm,
    "LayerScale": _layer_scale,
    **{kind: _pad(mode) for kind, mode in _PADS.items()},
    "PReLU": _prelu,
    "LocalResponseNorm": _lrn,
    "Flatten": _flatten,
    "Layers": _layers,
    "Unflatten": _unflatten,
    "Residual": _residual,
    "Parallel": _parallel,
    "Repeat": _repeat,
    "Identity": _nothing,
    **dict.fromkeys(("Softmax", "LogSoftmax", "ZeroPad"), _misplaced),
}


def rounded(value: float) -> float:
    """Round to seven digits, which undoes the conversion of a number to float32."""
    return float(f"{value:.7g}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value < 1e30


def _without(given: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name not in names}


def _selected(given: dict[str, object], *names: str) -> dict[str, Any]:
    return {name: given[name] for name in names if name in given}


def _channels(assembly: Assembly) -> int:
    return math.prod(assembly.shape) if assembly.flat else assembly.shape[0]


def _expect(part: ImportedModule, name: str, assembly: Assembly, actual: int) -> None:
    """Refuse a declared input size that differs from the actual one."""
    declared = part.settings.get(name, actual)
    if declared != actual:
        received = f"{format_shape(assembly.shape)}, that is {actual:,}"
        raise part.refused(f"has {name}={declared!r}, but receives {received}", INPUT_HINT)


def _append(
    part: ImportedModule,
    assembly: Assembly,
    kind: Callable[..., Layer],
    *,
    ceil: bool = False,
    **settings: Any,
) -> None:
    sizes = {name: single(settings[name]) for name in _SIZES if name in settings}
    if kind in (MaxPool, AvgPool) and sizes.get("stride") in (None, sizes["kernel_size"]):
        sizes["stride"] = None
    layer = kind(**{**settings, **sizes}, name=part.name)
    assembly.add(layer, part.where, ceil=ceil)
