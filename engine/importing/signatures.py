"""Modules of PyTorch as they are read, and the arguments of those that have a counterpart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.specs.layers import FC, LAYER_TYPES, BatchNorm, Conv, Layer
from cnn_tui.engine.specs.quick.called import CONV, POOL


@dataclass(frozen=True)
class ImportedModule:
    """A PyTorch module, from source or a live object, with the settings that are not defaults."""

    kind: str
    """The name of the class."""
    where: str
    """The call's place in messages: ``net.py, line 12: nn.Conv2d``."""
    settings: dict[str, object] = field(default_factory=dict)
    name: str = ""
    parts: tuple[ImportedModule, ...] = ()
    """The modules of a Sequential or of the branch of a Residual, the branches of a Parallel, or
    the copies of a Repeat."""
    shortcut: ImportedModule | None = None
    layers: tuple[Layer, ...] = ()
    """The layers themselves, of the kind ``Layers``."""
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
        inner = (part for part in self.every() if part.kind not in HOLDERS)
        if any(isinstance(layer, FC | Conv | BatchNorm) for layer in self.layers):
            return True
        return any(not part.known or _LEARNING & set(SIGNATURES[part.kind]) for part in inner)

    def refused(self, why: str, remedy: str = "") -> SpecError:
        """Return the error that explains why the module has no counterpart."""
        return SpecError(f"{self.where} {why}.", remedy)


HOLDERS = ("Sequential", "Parallel", "Repeat")
"""Modules that only hold others."""
_LEARNING = {"bias", "affine", "num_parameters", "init_value", "channels"}
"""Arguments that only modules with weights have."""
_CONV_END = ("padding_mode", "device", "dtype")
_NORM = ("eps", "momentum", "affine", "track_running_stats", "device", "dtype")
_SIGNATURES: dict[str, tuple[str, ...]] = {
    "Conv2d": ("in_channels", *CONV, *_CONV_END),
    "LazyConv2d": (*CONV, *_CONV_END),
    "Linear": ("in_features", "out_features", "bias", "device", "dtype"),
    "LazyLinear": ("out_features", "bias", "device", "dtype"),
    "MaxPool2d": (*POOL, "dilation", "return_indices", "ceil_mode"),
    "AvgPool2d": (*POOL, "ceil_mode", "count_include_pad", "divisor_override"),
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
    "Layers": (),
    "Residual": (),
    "Parallel": ("merge", "split"),
    "Repeat": (),
    "Unflatten": ("dim", "unflattened_size"),
    "ZeroPad": ("channels", "stride"),
}
"""Arguments, in PyTorch's order, of modules that need code of their own."""
BY_NAME = {kind.info.torch.name: kind for kind in LAYER_TYPES.values()}
SIGNATURES = {name: kind.info.torch.arguments for name, kind in BY_NAME.items()} | _SIGNATURES
"""The arguments of each module that has a counterpart."""

ONLY: dict[str, object] = {
    "padding_mode": "zeros",
    "affine": True,
    "elementwise_affine": True,
    "track_running_stats": True,
    "return_indices": False,
    "divisor_override": None,
}
"""The only supported values of some arguments, for all modules."""

REQUIRED = frozenset(
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
WHY = {
    "Dropout2d": "zeroes whole channels; dropout here zeroes single values",
    "ConvTranspose2d": "enlarges its input, which no layer here does",
    "Conv1d": "is not a convolution of images",
    "Conv3d": "is not a convolution of images",
}
"""Reasons for modules without a counterpart that are likely to occur."""
