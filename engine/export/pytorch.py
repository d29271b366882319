"""Writes a network as readable source of a PyTorch module."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from textwrap import indent
from typing import Any

from cnn_tui.engine.export.modules import Module, free_key, modules
from cnn_tui.engine.export.own_modules import OWN
from cnn_tui.engine.export.states import TrainedState
from cnn_tui.engine.specs.activations import PReLU
from cnn_tui.engine.specs.layers import (
    FC,
    LRN,
    AvgPool,
    BatchNorm,
    Conv,
    DWConv,
    GlobalAvgPool,
    Layer,
    MaxPool,
    Residual,
    StochasticDepth,
    pair,
)
from cnn_tui.engine.specs.norms import GroupNorm, LayerNorm, LayerScale
from cnn_tui.engine.specs.pooling import AdaptiveAvgPool, GlobalMaxPool
from cnn_tui.engine.specs.shaping import Pad
from cnn_tui.engine.specs.windows import as_conv, windows

_INDENT = "    "

_HEAD = '''\
"""The network {name} of the run {run}, exported by cnn-tui.

It needs two packages: pip install torch safetensors

Images are float tensors (N, {channels}, {height}, {width});
give `normalize` their pixels, from 0 to {peak:g}.

    import safetensors.torch
    from {module} import build, normalize

    model = build()
    model.load_state_dict(safetensors.torch.load_file("{weights}"))
    scores = model.eval()(normalize(images))
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn
{functional}
INPUT = ({channels}, {height}, {width})
CLASSES = {classes}
MEAN = {mean}
STD = {std}


def normalize(images: Tensor) -> Tensor:
    """Normalise images as for training."""
    mean, std = (torch.tensor(values).reshape(-1, 1, 1) for values in (MEAN, STD))
    return (images.float() - mean) / std


'''

RESIDUAL = '''\
class Residual(nn.Sequential):
    """branch(x) + shortcut(x); the layers of the branch are its children, the shortcut the last."""

    def __init__(self, branch: OrderedDict[str, nn.Module], shortcut: nn.Module) -> None:
        super().__init__(branch)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        *branch, shortcut = self.children()
        y = x
        for layer in branch:
            y = layer(y)
        return y + shortcut(x)


'''

ZERO_PAD = '''\
class ZeroPad(nn.Module):
    """Every stride-th pixel, with channels of zeros behind those there are."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.channels, self.stride = channels, stride

    def forward(self, x: Tensor) -> Tensor:
        x = x[:, :, :: self.stride, :: self.stride]
        return functional.pad(x, (0, 0, 0, 0, 0, self.channels - x.shape[1]))


'''


def torch_source(state: TrainedState, weights: str, module: str = "network") -> str:
    """Return the source of a module; its docstring names itself and the file ``weights``."""
    network = state.network
    tree = modules(network)
    kinds = [module.layer for top in tree for module in top.every()]
    padded = any(isinstance(kind, Residual) and kind.shortcut == "zero-pad" for kind in kinds)
    channels, height, width = network.input
    head = _HEAD.format(
        name=network.name or "untitled",
        run=state.run,
        channels=channels,
        height=height,
        width=width,
        peak=state.peak,
        weights=weights,
        module=module,
        functional="from torch.nn import functional\n" if padded else "",
        classes=_tuple(map(repr, state.classes)),
        mean=_tuple(map(repr, state.normalizer.mean.ravel().tolist())),
        std=_tuple(map(repr, state.normalizer.std.ravel().tolist())),
    )
    classes = RESIDUAL * any(isinstance(kind, Residual) for kind in kinds) + ZERO_PAD * padded
    body = _build(tree)
    own = "".join(source for name, source in OWN.items() if f", {name}(" in body)
    return head + classes + own + body


def _tuple(items: Iterable[str]) -> str:
    return f"({''.join(f'{item}, ' for item in items).rstrip()})"


def _build(tree: tuple[Module, ...]) -> str:
    return (
        "def build() -> nn.Sequential:\n"
        '    """Return the network with newly initialised weights."""\n'
        "    return nn.Sequential(\n"
        f"{indent(_ordered(tree, _end(tree)), _INDENT * 2)}\n"
        "    )\n"
    )


def _end(tree: tuple[Module, ...]) -> tuple[tuple[str, str], ...]:
    """Scores are flat, even if the last layer gives a volume C x 1 x 1."""
    flat = not tree or len(tree[-1].after) == 1
    return () if flat else ((_flatten_key(tree, tree[-1]), "nn.Flatten()"),)


def _flatten_key(tree: tuple[Module, ...], module: Module) -> str:
    return free_key(f"{module.key}_flatten", {neighbour.key for neighbour in tree})


def _ordered(tree: tuple[Module, ...], end: tuple[tuple[str, str], ...] = ()) -> str:
    """An OrderedDict of layers, one per line."""
    entries = "\n".join(f'("{key}", {expression}),' for key, expression in (*_entries(tree), *end))
    if not entries:
        return "OrderedDict()"
    return f"OrderedDict(\n    [\n{indent(entries, _INDENT * 2)}\n    ]\n)"


def _entries(tree: tuple[Module, ...]) -> Iterator[tuple[str, str]]:
    for module in tree:
        if isinstance(module.layer, FC) and len(module.before) == 3:
            yield _flatten_key(tree, module), "nn.Flatten()"
        yield module.key, _expression(module)


def _expression(module: Module) -> str:
    write = _EXPRESSIONS.get(type(module.layer), _plain)
    return write(module.layer, module)


def _plain(layer: Layer, module: Module) -> str:
    """A module whose arguments are the settings of the layer."""
    torch = layer.info.torch
    values = [repr(getattr(layer, name)) for name in torch.settings]
    fixed = [f"{name}={value!r}" for name, value in torch.fixed.items()]
    return f"nn.{torch.name}({', '.join([*values, *fixed])})"


def _conv(layer: Conv, module: Module) -> str:
    down, across = windows(layer)
    kernel, stride, padding, dilation = (_size(pair) for pair in zip(down, across, strict=True))
    if layer.padding == "same" and stride == "1":
        # PyTorch supports "same" only for this stride.
        padding = "'same'"
    options = {"stride": (stride, "1"), "padding": (padding, "0"), "dilation": (dilation, "1")}
    options |= {"groups": (str(layer.groups), "1"), "bias": (str(layer.bias), "True")}
    arguments = "".join(
        f", {key}={value}" for key, (value, usual) in options.items() if value != usual
    )
    return f"nn.Conv2d({module.before[0]}, {layer.out_channels}, {kernel}{arguments})"


def _fc(layer: FC, module: Module) -> str:
    bias = "" if layer.bias else ", bias=False"
    return f"nn.Linear({math.prod(module.before)}, {layer.out_features}{bias})"


def _pool(layer: MaxPool | AvgPool, module: Module) -> str:
    return f"nn.{layer.info.torch.name}({_window(layer)})"


def _adaptive_avgpool(layer: AdaptiveAvgPool, module: Module) -> str:
    return f"nn.AdaptiveAvgPool2d({_size(pair(layer.output_size))})"


def _groupnorm(layer: GroupNorm, module: Module) -> str:
    return f"nn.GroupNorm({layer.num_groups}, {module.before[0]}, eps={layer.eps!r})"


def _layernorm(layer: LayerNorm, module: Module) -> str:
    if layer.over == "channels" and len(module.before) == 3:
        return f"LayerNorm2d({module.before[0]}, eps={layer.eps!r})"
    return f"nn.LayerNorm({list(module.before)}, eps={layer.eps!r})"


def _layer_scale(layer: LayerScale, module: Module) -> str:
    return f"LayerScale({module.before[0]}, {layer.init_value!r})"


_PADS = {"zeros": "ZeroPad2d", "reflect": "ReflectionPad2d", "replicate": "ReplicationPad2d"}


def _pad(layer: Pad, module: Module) -> str:
    return f"nn.{_PADS[layer.padding_mode]}({layer.padding!r})"


def _prelu(layer: PReLU, module: Module) -> str:
    return f"nn.PReLU({module.before[0] if layer.per_channel else 1}, {layer.init!r})"


def _batchnorm(layer: BatchNorm, module: Module) -> str:
    kind = "BatchNorm2d" if len(module.before) == 3 else "BatchNorm1d"
    return f"nn.{kind}({module.before[0]}, eps={layer.eps!r}, momentum={layer.momentum!r})"


def _lrn(layer: LRN, module: Module) -> str:
    # PyTorch divides alpha by the size, the paper does not.
    alpha = layer.alpha * layer.size
    return f"nn.LocalResponseNorm({layer.size}, {alpha!r}, {layer.beta!r}, {layer.k!r})"


def _residual(layer: Residual, module: Module) -> str:
    shortcut = "nn.Identity()"
    if module.branches[1]:
        shortcut = f"nn.Sequential(\n{indent(_ordered(module.branches[1]), _INDENT)}\n)"
    elif layer.shortcut == "zero-pad":
        shortcut = f"ZeroPad({module.after[0]}, {layer.stride})"
    inner = f"{_ordered(module.branches[0])},\n{shortcut},"
    return f"Residual(\n{indent(inner, _INDENT)}\n)"


_EXPRESSIONS: dict[type, Callable[[Any, Module], str]] = {
    Conv: _conv,
    DWConv: lambda layer, module: _conv(as_conv(layer, module.before[0]), module),
    MaxPool: _pool,
    AvgPool: _pool,
    GlobalAvgPool: lambda layer, module: "nn.AdaptiveAvgPool2d(1)",
    GlobalMaxPool: lambda layer, module: "nn.AdaptiveMaxPool2d(1)",
    AdaptiveAvgPool: _adaptive_avgpool,
    FC: _fc,
    PReLU: _prelu,
    GroupNorm: _groupnorm,
    LayerNorm: _layernorm,
    LayerScale: _layer_scale,
    Pad: _pad,
    StochasticDepth: lambda layer, module: f"StochasticDepth({layer.p!r})",
    BatchNorm: _batchnorm,
    LRN: _lrn,
    Residual: _residual,
}
"""The layers whose modules have other arguments than their settings."""


def _window(layer: MaxPool | AvgPool) -> str:
    down, across = windows(layer)
    kernel, stride, padding, _ = (_size(pair) for pair in zip(down, across, strict=True))
    written = {
        f"stride={stride}": stride != kernel,
        f"padding={padding}": padding != "0",
        "ceil_mode=True": layer.rounding == "ceil",
        "count_include_pad=False": isinstance(layer, AvgPool) and not layer.count_include_pad,
    }
    return ", ".join([kernel, *(text for text, is_needed in written.items() if is_needed)])


def _size(pair: tuple[int, int]) -> str:
    return str(pair[0]) if pair[0] == pair[1] else f"({pair[0]}, {pair[1]})"
