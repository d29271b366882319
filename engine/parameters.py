"""Parameters: PyTorch's shapes outside, one flat array of the engine's own layout inside."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import DTypeLike

from cnn_tui.engine.ops.memory import Array, aligned_empty, aligned_zeros
from cnn_tui.engine.specs.network import InitializerName

WIDE = 1 << 18
"""Weights of a fully connected layer from this count on are used by the whole batch at once."""


@dataclass(eq=False)
class Parameter:
    """A learned array. ``inner_shape`` is the engine's, ``axes`` turn it into PyTorch's."""

    name: str
    inner_shape: tuple[int, ...]
    axes: tuple[int, ...]
    role: Literal["weight", "bias", "gamma", "beta"]
    fan_in: int = 1
    fan_out: int = 1
    inner: Array = field(init=False, repr=False)
    inner_grad: Array = field(init=False, repr=False)
    offset: int = field(init=False, default=0)

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.inner_shape)

    @property
    def decay(self) -> bool:
        """Whether L2 applies: to weights of conv and fc layers, not to biases or batch norms."""
        return self.role == "weight"

    @property
    def wide(self) -> bool:
        """Whether it is the weight of a fully connected layer used by the whole batch at once."""
        return self.role == "weight" and len(self.inner_shape) == 2 and self.size >= WIDE

    @property
    def by_batch(self) -> bool:
        """Whether its gradient is computed for the whole batch rather than summed over shards."""
        return self.wide or self.role in ("gamma", "beta")

    def part_of(self, flat: Array) -> Array:
        """Its part of a flat array of all parameters, in its inner shape."""
        return flat[self.offset : self.offset + self.size].reshape(self.inner_shape)

    @property
    def data(self) -> Array:
        """The values in PyTorch's shape; a view, so that assigning to it changes the network."""
        return self.inner.transpose(self.axes)

    @property
    def grad(self) -> Array:
        """The gradient of the last batch in PyTorch's shape; a view."""
        return self.inner_grad.transpose(self.axes)


class ParameterStore:
    """All parameters and their gradients, each as one flat array.

    Those whose gradients are summed over shards come first, ``summed`` numbers in all; there and
    behind, weights that decay come before the rest, so that an optimizer meets at most four runs.
    """

    def __init__(self, parameters: list[Parameter], dtype: DTypeLike) -> None:
        ordered = sorted(parameters, key=lambda p: (p.by_batch, not p.decay))
        self.parameters = parameters
        self.size = sum(p.size for p in parameters)
        self.summed = sum(p.size for p in parameters if not p.by_batch)
        self.data = aligned_empty((self.size,), dtype)
        self.grad = aligned_zeros((self.size,), dtype)
        self.decayed: list[slice] = []
        offset = 0
        for parameter in ordered:
            self._place(parameter, offset)
            offset += parameter.size

    def _place(self, parameter: Parameter, offset: int) -> None:
        span = slice(offset, offset + parameter.size)
        parameter.offset = offset
        parameter.inner = parameter.part_of(self.data)
        parameter.inner_grad = parameter.part_of(self.grad)
        if parameter.decay:
            if self.decayed and self.decayed[-1].stop == offset:
                self.decayed[-1] = slice(self.decayed[-1].start, span.stop)
            else:
                self.decayed.append(span)

    def first_non_finite(self) -> Parameter | None:
        """The parameter nearest to the loss whose gradient is not finite."""
        for parameter in reversed(self.parameters):
            if not np.isfinite(parameter.inner_grad).all():
                return parameter
        return None


GAUSSIAN_STD = 0.01


def weight_std(name: InitializerName, fan_in: int, fan_out: int) -> float:
    """Standard deviation of the normal distribution that weights are drawn from.

    he: sqrt(2/fan_in), He et al. 2015; xavier: sqrt(2/(fan_in + fan_out)), Glorot & Bengio 2010;
    lecun: sqrt(1/fan_in), LeCun et al. 1998; gaussian: 0.01 whatever the size; zeros: 0.
    """
    return {
        "he": math.sqrt(2 / fan_in),
        "xavier": math.sqrt(2 / (fan_in + fan_out)),
        "lecun": math.sqrt(1 / fan_in),
        "gaussian": GAUSSIAN_STD,
        "zeros": 0.0,
    }[name]


def initialize(parameters: list[Parameter], name: InitializerName, seed: int) -> None:
    """Fill the parameters; each draws from a stream of its own, by its place in the network."""
    for number, parameter in enumerate(parameters):
        if parameter.role != "weight":
            parameter.inner.fill(1 if parameter.role == "gamma" else 0)
            continue
        std = weight_std(name, parameter.fan_in, parameter.fan_out)
        generator = np.random.default_rng(np.random.SeedSequence([seed, number]))
        values = generator.standard_normal(parameter.data.shape, np.float32)
        parameter.data[...] = values * np.float32(std)
