"""Writes a network as readable source of a PyTorch module."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from textwrap import indent
from typing import Any

from cnn_tui.engine.export.modules import Module, free_key, modules
from cnn_tui.engine.export.own_modules import OWN
from cnn_tui.engine.export.states import TrainedState
from cnn_tui.engine.specs.activations import PReLU
from cnn_tui.engine.specs.inside import list_letter
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
    Parallel,
    Repeat,
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


def torch_source(state: TrainedState, weights: str, module: str = "network") -> str:
    """Return the source of a module; its docstring names itself and the file ``weights``."""
    network = state.network
    body = _build(modules(network))
    own = "".join(code for name, code in OWN.items() if re.search(rf"\b{name}\(", body))
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
        functional="from torch.nn import functional\n" if "functional." in own else "",
        classes=_tuple(map(repr, state.classes)),
        mean=_tuple(map(repr, state.normalizer.mean.ravel().tolist())),
        std=_tuple(map(repr, state.normalizer.std.ravel().tolist())),
    )
    return head + own + body


def _tuple(items: Iterable[str]) -> str:
    return f"({''.join(f'{item}, ' for item in items).rstrip()})"


def _build(tree: tuple[Module, ...]) -> str:
    return (
        "def build() -> nn.Sequential:\n"
        '    """Return the network with newly initialised weights."""\n'
        f"{indent(f'return {torch_expression(tree)}', _INDENT)}\n"
    )


def torch_expression(tree: tuple[Module, ...]) -> str:
    """Return the expression of the whole module: calls of ``nn`` and own classes, and constants."""
    return f"nn.Sequential({_ordered(tree, _end(tree))})"


def _end(tree: tuple[Module, ...]) -> tuple[tuple[str, str], ...]:
    """Scores are flat, even if the last layer gives a volume C x 1 x 1."""
    flat = not tree or len(tree[-1].after) == 1
    return () if flat else ((_flatten_key(tree, tree[-1]), "nn.Flatten()"),)


def _flatten_key(tree: tuple[Module, ...], module: Module) -> str:
    return free_key(f"{module.key}_flatten", {neighbour.key for neighbour in tree})


def _sequence(tree: tuple[Module, ...], end: tuple[tuple[str, str], ...] = ()) -> str:
    """Modules applied one after the other."""
    if not tree and not end:
        return "nn.Identity()"
    return f"nn.Sequential({_ordered(tree, end)})"


def _ordered(tree: tuple[Module, ...], end: tuple[tuple[str, str], ...] = ()) -> str:
    """An OrderedDict of layers, one per line."""
    entries = "\n".join(f'("{key}", {expression}),' for key, expression in (*_entries(tree), *end))
    if not entries:
        return "OrderedDict()"
    return f"OrderedDict([\n{indent(entries, _INDENT)}\n])"


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
    shortcut = _sequence(module.branches[1])
    if layer.shortcut == "zero-pad":
        shortcut = f"ZeroPad({module.after[0]}, {layer.stride})"
    return _call("Residual", [_ordered(module.branches[0]), shortcut])


def _parallel(layer: Parallel, module: Module) -> str:
    split = ["split=True"] if layer.split else []
    branches = (
        f"{list_letter(number)}={_sequence(branch, _as_merged(branch, module))}"
        for number, branch in enumerate(module.branches)
    )
    return _call("Parallel", [f'"{layer.merge}"', *split, *branches])


def _as_merged(branch: tuple[Module, ...], module: Module) -> tuple[tuple[str, str], ...]:
    """The module that gives a branch the dimensions of the volume it is merged into."""
    shape = branch[-1].after if branch else module.before
    if len(shape) == len(module.after):
        return ()
    key = free_key("flatten" if len(shape) == 3 else "unflatten", {part.key for part in branch})
    return ((key, "nn.Flatten()" if len(shape) == 3 else f"nn.Unflatten(1, ({shape[0]}, 1, 1))"),)


def _repeat(layer: Repeat, module: Module) -> str:
    """The first copy and, where the others are written alike, those once."""
    copies = [_sequence(copy) for copy in module.branches]
    if len(copies) > 1 and len(set(copies)) == 1:
        every = f"{copies[0]}\nfor _ in range({layer.times})"
        return _call("Repeat", [f"*(\n{indent(every, _INDENT)}\n)"])
    return _call("Repeat", copies)


def _call(name: str, arguments: Iterable[str]) -> str:
    """A call with one argument a line."""
    lines = "\n".join(f"{argument}," for argument in arguments)
    return f"{name}(\n{indent(lines, _INDENT)}\n)"


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
    Parallel: _parallel,
    Repeat: _repeat,
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
