"""A network of the engine in PyTorch, layer by layer, with the same names, weights and recipe.

Parameters and buffers have the names of the model, so that its ``state_dict`` loads unchanged; for
this, layers inside residual blocks must not have names given by the user.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from cnn_tui.engine.model import Model
from cnn_tui.engine.specs.activations import Hardsigmoid, PReLU
from cnn_tui.engine.specs.blocks import projection
from cnn_tui.engine.specs.check import check
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
    ReLU,
    Repeat,
    Residual,
    StochasticDepth,
)
from cnn_tui.engine.specs.network import SVM, Loss, Network, Recipe
from cnn_tui.engine.specs.norms import GroupNorm, LayerNorm, LayerScale
from cnn_tui.engine.specs.pooling import AdaptiveAvgPool, GlobalMaxPool
from cnn_tui.engine.specs.report import LayerReport
from cnn_tui.engine.specs.shaping import Pad
from cnn_tui.engine.specs.windows import as_conv, windows

Shape = tuple[int, ...]
LossFunction = Callable[[Tensor, Tensor], Tensor]


def to_torch(network: Network, *, inplace: bool = False) -> nn.Sequential:
    """The network as PyTorch modules; ``inplace`` lets ReLU and sums overwrite their input."""
    layers, reports = network.layers, check(network).layers
    return Maker(inplace).chain(layers, reports, network.input, "")


def copy_weights(model: Model, peer: nn.Module) -> None:
    """Copy the parameters and buffers of ``model`` to ``peer`` by name."""
    arrays = {name: parameter.data for name, parameter in model.parameters.items()}
    tensors = {name: torch.tensor(array) for name, array in (arrays | model.buffers).items()}
    missing, unexpected = peer.load_state_dict(tensors, strict=False)
    assert not unexpected, unexpected
    assert all(name.endswith("num_batches_tracked") for name in missing), missing


def loss_function(loss: Loss) -> LossFunction:
    """PyTorch's own losses; its margin loss divides by the number of classes."""
    if isinstance(loss, SVM):
        power, delta = 2 if loss.squared else 1, loss.delta
        return lambda scores, targets: (
            scores.shape[1] * functional.multi_margin_loss(scores, targets, p=power, margin=delta)
        )
    smoothing = loss.label_smoothing
    return lambda scores, targets: functional.cross_entropy(
        scores, targets, label_smoothing=smoothing
    )


def torch_optimizer(
    training: Recipe, model: Model, peer: nn.Module, *, fused: bool = False
) -> torch.optim.Optimizer:
    """The optimizer of a recipe, with weight decay only for the weights that ``model`` decays.

    ``fused`` asks for the one-pass form of SGD, which PyTorch does not take by itself.
    """
    named = dict(peer.named_parameters())
    decay = training.weight_decay if training.optimizer == "adamw" else training.l2
    groups = [
        {"params": [named[n] for n, p in model.parameters.items() if p.decay is decays]}
        | {"weight_decay": decay if decays else 0.0}
        for decays in (True, False)
    ]
    groups = [group for group in groups if group["params"]]
    lr, eps, betas = training.lr, training.eps, training.betas
    match training.optimizer:
        case "sgd":
            return torch.optim.SGD(groups, lr, fused=fused)
        case "momentum" | "nesterov" as name:
            momentum, nesterov = training.momentum, name == "nesterov"
            return torch.optim.SGD(groups, lr, momentum, nesterov=nesterov, fused=fused)
        case "adagrad":
            return torch.optim.Adagrad(groups, lr, eps=eps)
        case "rmsprop":
            return torch.optim.RMSprop(groups, lr, alpha=training.rho, eps=eps)
        case "adam":
            return torch.optim.Adam(groups, lr, betas, eps)
    return torch.optim.AdamW(groups, lr, betas, eps)


class Maker:
    """A builder of modules from layer descriptions."""

    def __init__(self, inplace: bool) -> None:
        self.inplace = inplace

    def chain(
        self,
        layers: tuple[Layer, ...],
        reports: tuple[LayerReport, ...],
        shape: Shape,
        prefix: str,
    ) -> nn.Sequential:
        """A sequence of layers on a volume of ``shape``."""
        modules = nn.Sequential()
        for layer, report in zip(layers, reports, strict=True):
            name = report.name.removeprefix(prefix)
            if isinstance(layer, FC) and len(shape) == 3:
                modules.add_module(f"{name}_flatten", nn.Flatten())
            # The first layer of a branch must not overwrite its input, which the shortcut reads.
            modules.add_module(name, self.module(layer, report, shape, first=not len(modules)))
            shape = tuple(report.output or ())
        return modules

    def module(self, layer: Layer, report: LayerReport, shape: Shape, *, first: bool) -> nn.Module:
        match layer:
            case Conv():
                return conv(layer, shape[0])
            case DWConv():
                return conv(as_conv(layer, shape[0]), shape[0])
            case FC():
                return nn.Linear(math.prod(shape), layer.out_features, layer.bias)
            case MaxPool() | AvgPool():
                return pool(layer)
            case AdaptiveAvgPool():
                return nn.AdaptiveAvgPool2d(layer.output_size)
            case GlobalMaxPool():
                return nn.AdaptiveMaxPool2d(1)
            case GlobalAvgPool():
                return nn.AdaptiveAvgPool2d(1)
            case BatchNorm():
                norm = nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d
                return norm(shape[0], layer.eps, layer.momentum)
            case GroupNorm():
                return nn.GroupNorm(layer.num_groups, shape[0], layer.eps)
            case LayerNorm():
                if layer.over == "channels" and len(shape) == 3:
                    return PixelNorm(shape[0], layer.eps)
                return nn.LayerNorm(shape, layer.eps)
            case LayerScale():
                return Scale(shape[0])
            case Pad():
                kinds = {
                    "zeros": nn.ZeroPad2d,
                    "reflect": nn.ReflectionPad2d,
                    "replicate": nn.ReplicationPad2d,
                }
                return kinds[layer.padding_mode](layer.padding)
            case StochasticDepth():
                assert not layer.p, "masks are random"
                return nn.Identity()
            case PReLU():
                return nn.PReLU(shape[0] if layer.per_channel else 1, layer.init)
            case ReLU():
                return nn.ReLU(self.inplace and not first)
            case LRN():
                # The engine's alpha is the paper's; PyTorch divides its own by the size.
                return nn.LocalResponseNorm(
                    layer.size, layer.alpha * layer.size, layer.beta, layer.k
                )
            case Hardsigmoid():
                return ExactHardsigmoid()
            case Residual():
                return self.residual(layer, report, shape)
            case Parallel():
                return self.parallel(layer, report, shape)
            case Repeat():
                return self.repeat(layer, report, shape)
        torch = layer.info.torch
        settings = {name: getattr(layer, field) for field, name in torch.settings.items()}
        return getattr(nn, torch.name)(**settings, **torch.fixed)

    def residual(self, layer: Residual, report: LayerReport, shape: Shape) -> nn.Module:
        branch = self.chain(layer.branch, report.branch, shape, f"{report.name}.")
        channels = (report.output or [0])[0]
        shortcut: nn.Module = nn.Identity()
        if layer.shortcut == "projection":
            layers = projection(channels, layer.stride)
            shortcut = self.chain(layers, report.shortcut, shape, f"{report.name}.shortcut.")
        elif layer.shortcut == "zero-pad":
            shortcut = ZeroPad(channels, layer.stride)
        elif isinstance(layer.shortcut, tuple):
            prefix = f"{report.name}.shortcut."
            shortcut = self.chain(layer.shortcut, report.shortcut, shape, prefix)
        return Block(branch, shortcut, self.inplace)

    def parallel(self, layer: Parallel, report: LayerReport, shape: Shape) -> nn.Module:
        if layer.split:
            shape = (shape[0] // len(layer.branches), *shape[1:])
        branches = [
            self.chain(branch, rows, shape, f"{report.name}.{list_letter(at)}.")
            for at, (branch, rows) in enumerate(zip(layer.branches, report.branches, strict=True))
        ]
        return Branches(branches, layer.merge, split=layer.split)

    def repeat(self, layer: Repeat, report: LayerReport, shape: Shape) -> nn.Module:
        copies = nn.Sequential()
        for number, rows in enumerate(report.branches, 1):
            prefix = f"{report.name}.{number}."
            copies.add_module(str(number), self.chain(layer.layers, rows, shape, prefix))
            shape = tuple(rows[-1].output or ())
        return copies


def conv(layer: Conv, in_channels: int) -> nn.Conv2d:
    kernel, stride, padding, dilation = zip(*windows(layer), strict=True)
    return nn.Conv2d(
        in_channels,
        layer.out_channels,
        kernel,
        stride,
        padding,
        dilation,
        layer.groups,
        layer.bias,
    )


def pool(layer: MaxPool | AvgPool) -> nn.Module:
    kernel, stride, padding, _ = zip(*windows(layer), strict=True)
    ceil = layer.rounding == "ceil"
    if isinstance(layer, MaxPool):
        return nn.MaxPool2d(kernel, stride, padding, ceil_mode=ceil)
    return nn.AvgPool2d(kernel, stride, padding, ceil, layer.count_include_pad)


class Block(nn.Module):
    """``branch(x) + shortcut(x)``; the layers of the branch are the block's own children."""

    def __init__(self, branch: nn.Sequential, shortcut: nn.Module, inplace: bool) -> None:
        super().__init__()
        self.names = [name for name, _ in branch.named_children()]
        for name, module in branch.named_children():
            self.add_module(name, module)
        self.shortcut = shortcut
        last = branch[-1]
        # A sum may overwrite only what no gradient is computed from.
        self.inplace = inplace and isinstance(last, nn.BatchNorm2d | nn.Conv2d)

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for name in self.names:
            y = self.get_submodule(name)(y)
        return y.add_(self.shortcut(x)) if self.inplace else y + self.shortcut(x)


class Branches(nn.Module):
    """Branches of the same input, or of its shares, merged."""

    def __init__(self, branches: list[nn.Sequential], merge: str, *, split: bool) -> None:
        super().__init__()
        self.merge, self.split, self.count = merge, split, len(branches)
        for at, branch in enumerate(branches):
            self.add_module(list_letter(at), branch)

    def forward(self, x: Tensor) -> Tensor:
        xs = x.chunk(self.count, dim=1) if self.split else (x,) * self.count
        ys = [self.get_submodule(list_letter(at))(x) for at, x in enumerate(xs)]
        if self.merge == "concat":
            return torch.cat(ys, dim=1)
        if any(y.ndim == 4 for y in ys):
            ys = [y[:, :, None, None] if y.ndim == 2 else y for y in ys]
        merged = ys[0]
        for y in ys[1:]:
            merged = merged + y if self.merge == "add" else merged * y
        return merged


class PixelNorm(nn.LayerNorm):
    """A layer norm over the channels of each pixel, as in torchvision's ConvNeXt."""

    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(0, 2, 3, 1)
        x = functional.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)


class Scale(nn.Module):
    """A factor for each channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        return torch.einsum("nc...,c->nc...", x, self.weight)


class ExactHardsigmoid(nn.Module):
    """``relu6(x + 3) / 6``: the gradient of PyTorch's own holds 1/6 in float32 only."""

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu6(x + 3) / 6


class ZeroPad(nn.Module):
    """Every ``stride``-th pixel, with channels of zeros appended."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.channels, self.stride = channels, stride

    def forward(self, x: Tensor) -> Tensor:
        x = x[:, :, :: self.stride, :: self.stride]
        return functional.pad(x, (0, 0, 0, 0, 0, self.channels - x.shape[1]))
