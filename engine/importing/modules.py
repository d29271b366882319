"""Converts PyTorch modules to layers; refuses those without a counterpart."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.assembly import INPUT_HINT, Assembly
from cnn_tui.engine.importing.residual import Shortcut, add_block, known_shortcut
from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.activations import PReLU
from cnn_tui.engine.specs.layers import (
    FC,
    LAYER_TYPES,
    LRN,
    AvgPool,
    BatchNorm,
    Conv,
    DWConv,
    Layer,
    MaxPool,
    single,
)
from cnn_tui.engine.specs.norms import GroupNorm, LayerNorm, LayerScale
from cnn_tui.engine.specs.pooling import GlobalMaxPool
from cnn_tui.engine.specs.shaping import Pad


@dataclass(frozen=True)
class ImportedModule:
    """A PyTorch module, from source or a live object, with the settings that are not defaults."""

    kind: str
    """The name of the class."""
    where: str
    """For messages: ``net.py, line 12: nn.Conv2d``."""
    settings: dict[str, object] = field(default_factory=dict)
    name: str = ""
    parts: tuple[ImportedModule, ...] = ()
    """The modules of a Sequential, or of the branch of a Residual."""
    shortcut: ImportedModule | None = None
    known: bool = True
    """Whether the class is PyTorch's own, or one that cnn-tui exports."""

    def every(self) -> Iterator[ImportedModule]:
        """Yield the module itself, then all inner modules."""
        yield self
        for inner in (*self.parts, *([self.shortcut] if self.shortcut else [])):
            yield from inner.every()

    @property
    def has_weights(self) -> bool:
        """Whether a module holds values that a second use would share."""
        inner = (part for part in self.every() if part.kind != "Sequential")
        return any(not part.known or _LEARNING & set(SIGNATURES[part.kind]) for part in inner)

    def refused(self, why: str, remedy: str = "") -> SpecError:
        """Return the error that explains why the module has no counterpart."""
        return SpecError(f"{self.where} {why}.", remedy)


_LEARNING = {"bias", "affine", "num_parameters", "init_value", "channels"}
"""Arguments that only modules with weights have."""
_POOL = ("kernel_size", "stride", "padding")
_CONV = ("out_channels", "kernel_size", "stride", "padding", "dilation", "groups", "bias")
_CONV_END = ("padding_mode", "device", "dtype")
_NORM = ("eps", "momentum", "affine", "track_running_stats", "device", "dtype")
_SIGNATURES: dict[str, tuple[str, ...]] = {
    "Conv2d": ("in_channels", *_CONV, *_CONV_END),
    "LazyConv2d": (*_CONV, *_CONV_END),
    "Linear": ("in_features", "out_features", "bias", "device", "dtype"),
    "LazyLinear": ("out_features", "bias", "device", "dtype"),
    "MaxPool2d": (*_POOL, "dilation", "return_indices", "ceil_mode"),
    "AvgPool2d": (*_POOL, "ceil_mode", "count_include_pad", "divisor_override"),
    "AdaptiveAvgPool2d": ("output_size",),
    "AdaptiveMaxPool2d": ("output_size", "return_indices"),
    **dict.fromkeys(("BatchNorm2d", "BatchNorm1d"), ("num_features", *_NORM)),
    **dict.fromkeys(("LazyBatchNorm2d", "LazyBatchNorm1d"), _NORM),
    "LocalResponseNorm": ("size", "alpha", "beta", "k"),
    "GroupNorm": ("num_groups", "num_channels", "eps", "affine", "device", "dtype"),
    "LayerNorm": ("normalized_shape", "eps", "elementwise_affine", "bias", "device", "dtype"),
    "LayerNorm2d": ("channels", "eps"),
    "LayerScale": ("channels", "init_value"),
    **dict.fromkeys(("ZeroPad2d", "ReflectionPad2d", "ReplicationPad2d"), ("padding",)),
    "PReLU": ("num_parameters", "init"),
    "Flatten": ("start_dim", "end_dim"),
    "Identity": (),
    "Softmax": ("dim",),
    "LogSoftmax": ("dim",),
    "Residual": (),
    "ZeroPad": ("channels", "stride"),
}
"""Arguments, in PyTorch's order, of modules that need code of their own."""
_BY_NAME = {kind.info.torch.name: kind for kind in LAYER_TYPES.values()}
SIGNATURES = {name: kind.info.torch.arguments for name, kind in _BY_NAME.items()} | _SIGNATURES
"""The arguments of each module that has a counterpart."""

_ONLY: dict[str, object] = {
    "padding_mode": "zeros",
    "affine": True,
    "elementwise_affine": True,
    "track_running_stats": True,
    "return_indices": False,
    "divisor_override": None,
}
"""The only supported values of some arguments, for all modules."""

_REQUIRED = frozenset(
    [
        "in_channels",
        "out_channels",
        "kernel_size",
        "in_features",
        "out_features",
        "num_features",
        "num_groups",
        "num_channels",
        "normalized_shape",
        "size",
        "output_size",
        "channels",
    ]
)
"""Arguments without a default in PyTorch, for all modules."""
_SIZES = ("kernel_size", "stride", "padding", "dilation")

WHY = {
    "Dropout2d": "zeroes whole channels; dropout here zeroes single values",
    "ConvTranspose2d": "enlarges its input, which no layer here does",
    "Conv1d": "is not a convolution of images",
    "Conv3d": "is not a convolution of images",
}
"""Reasons for modules without a counterpart that are likely to occur."""


def add_module(part: ImportedModule, assembly: Assembly) -> None:
    """Append the counterpart of a module and of its inner modules.

    Raises:
        SpecError: if a setting has no counterpart, or the layer does not fit.
    """
    if part.kind == "Sequential":
        for inner in part.parts:
            add_module(inner, assembly)
        return
    if missing := [n for n in SIGNATURES[part.kind] if n in _REQUIRED - part.settings.keys()]:
        raise part.refused(f"lacks its argument {missing[0]}")
    for name, only in _ONLY.items():
        if part.settings.get(name, only) != only:
            raise part.refused(f"has {name}={part.settings[name]!r}: no counterpart")
    _HANDLERS.get(part.kind, _plain)(part, assembly)


def _residual(part: ImportedModule, assembly: Assembly) -> None:
    """Add a block as the PyTorch source that cnn-tui exports describes it."""
    branch, side = assembly.branch(part.where), part.shortcut
    for inner in part.parts:
        add_module(inner, branch)
    if side is not None and side.kind == "ZeroPad":
        shortcut: tuple[Shortcut, object] | None = ("zero-pad", side.settings.get("stride", 1))
    else:
        other = assembly.branch(part.where)
        if side is not None:
            add_module(side, other)
        shortcut = known_shortcut(other.layers)
    if shortcut is None:
        raise part.refused("has a shortcut that is neither its input nor a projection of it")
    add_block(branch, shortcut, assembly, part.where, part.name)


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
        settings = _selected(given, *_POOL)
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
    kind = _BY_NAME[part.kind]
    torch, given = kind.info.torch, {**kind.info.torch.defaults, **part.settings}
    if any(given.get(name) != value for name, value in torch.fixed.items()):
        raise part.refused(f"has no counterpart; the nearest is nn.{torch.written}")
    settings: dict[str, Any] = {
        field: given[name] for field, name in torch.settings.items() if name in given
    }
    _append(part, assembly, kind, **settings)


def _nothing(part: ImportedModule, assembly: Assembly) -> None:
    """Append nothing: the module does not change its input."""


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
    "Residual": _residual,
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
