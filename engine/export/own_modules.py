"""Modules that PyTorch does not have, as an exported file defines them.

An import recognises a class that is exactly one of these.
"""

from __future__ import annotations

LAYER_NORM = '''\
class LayerNorm2d(nn.LayerNorm):
    """A layer norm over the channels of each pixel."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


'''

LAYER_SCALE = '''\
class LayerScale(nn.Module):
    """A learned factor for each channel."""

    def __init__(self, channels: int, init_value: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), init_value))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight.reshape(-1, *[1] * (x.ndim - 2))


'''

STOCHASTIC_DEPTH = '''\
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


'''

OWN = {"LayerNorm2d": LAYER_NORM, "LayerScale": LAYER_SCALE, "StochasticDepth": STOCHASTIC_DEPTH}
"""By the name of the class."""
