"""Modules that PyTorch does not have: those that this engine runs, and that an export writes.

An exported file defines them by the text of this one, and an import recognises a class that is
exactly one of these: their text is part of the format of exported files.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional


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


class Parallel(nn.Module):
    """Branches of the same input, or with split of equal shares of its channels, merged."""

    def __init__(self, merge: str, *, split: bool = False, **branches: nn.Module) -> None:
        super().__init__()
        self.merge, self.split = merge, split
        for name, branch in branches.items():
            self.add_module(name, branch)

    def forward(self, x: Tensor) -> Tensor:
        branches = list(self.children())
        inputs = x.chunk(len(branches), 1) if self.split else [x] * len(branches)
        y, *others = (branch(part) for branch, part in zip(branches, inputs))
        if self.merge == "concat":
            return torch.cat([y, *others], 1)
        for other in others:
            y = y + other if self.merge == "add" else y * other
        return y


class Repeat(nn.Sequential):
    """The same layers several times, each copy with weights of its own; copies count from 1."""

    def __init__(self, *copies: nn.Module) -> None:
        super().__init__(OrderedDict((str(n), copy) for n, copy in enumerate(copies, 1)))


class ZeroPad(nn.Module):
    """Every stride-th pixel, with channels of zeros behind those there are."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.channels, self.stride = channels, stride

    def forward(self, x: Tensor) -> Tensor:
        x = x[:, :, :: self.stride, :: self.stride]
        return functional.pad(x, (0, 0, 0, 0, 0, self.channels - x.shape[1]))


class LayerNorm2d(nn.LayerNorm):
    """A layer norm over the channels of each pixel."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class LayerScale(nn.Module):
    """A learned factor for each channel."""

    def __init__(self, channels: int, init_value: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), init_value))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight.reshape(-1, *[1] * (x.ndim - 2))


class StochasticDepth(nn.Module):
    """Zeroes whole images with probability p while training, and scales the others."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        kept = torch.rand(len(x), *[1] * (x.ndim - 1), device=x.device) >= self.p
        return x * kept / (1 - self.p)
