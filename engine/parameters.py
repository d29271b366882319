"""Parameters in PyTorch's shapes, stored in one flat array, and their initial values."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import DTypeLike

from cnn_tui.engine.ops.memory import Array, aligned_empty, aligned_zeros
from cnn_tui.engine.specs.network import InitializerName

LARGE = 1 << 18
"""Weights from which a fully connected layer processes the whole batch at once."""


@dataclass(eq=False)
class Parameter:
    """A learned array; ``axes`` transpose its storage to PyTorch's shape."""

    name: str
    storage_shape: tuple[int, ...]
    axes: tuple[int, ...]
    role: Literal["weight", "bias", "gamma", "beta", "scale"]
    """``scale`` is a factor whose gradient, unlike that of a ``gamma``, is summed over shards."""
    fan_in: int = 1
    fan_out: int = 1
    frozen: bool = False
    """Whether training leaves it as it is; it then has neither gradient nor optimizer state."""
    initial: float = 0.0
    """The value at the beginning, of a bias or a scale."""
    storage: Array = field(init=False, repr=False)
    storage_grad: Array = field(init=False, repr=False)
    offset: int = field(init=False, default=0)

    @property
    def size(self) -> int:
        """Number of values."""
        return math.prod(self.storage_shape)

    @property
    def decay(self) -> bool:
        """Whether L2 applies: to weights of conv and fc layers, not to biases or batch norms."""
        return self.role == "weight"

    @property
    def large(self) -> bool:
        """Whether the parameter is a fully connected weight used by the whole batch at once."""
        return self.role == "weight" and len(self.storage_shape) == 2 and self.size >= LARGE

    @property
    def by_batch(self) -> bool:
        """Whether the gradient is computed for the whole batch rather than summed over shards."""
        return self.large or self.role in ("gamma", "beta")

    def part_of(self, flat: Array) -> Array:
        """The parameter's part of a flat array of all parameters, in its storage shape.

        Arrays of gradients end before the frozen ones: these get memory that is never touched.
        """
        if self.frozen and self.offset >= len(flat):
            return aligned_zeros(self.storage_shape, flat.dtype)
        return flat[self.offset : self.offset + self.size].reshape(self.storage_shape)

    @property
    def data(self) -> Array:
        """The values in PyTorch's shape; a view, so that assigning to it changes the network."""
        return self.storage.transpose(self.axes)

    @property
    def grad(self) -> Array:
        """The gradient of the last batch in PyTorch's shape; a view."""
        return self.storage_grad.transpose(self.axes)


class ParameterStore:
    """All parameters and their gradients, each as one flat array.

    Parameters whose gradients are summed over shards come first, ``summed`` values in all; in both
    groups weights with L2 come before the rest, so that an optimizer meets at most four runs. After
    all ``trained`` values come the frozen ones.
    """

    def __init__(self, parameters: list[Parameter], dtype: DTypeLike) -> None:
        ordered = sorted(parameters, key=lambda p: (p.frozen, p.by_batch, not p.decay))
        trained = [p for p in parameters if not p.frozen]
        self.parameters = parameters
        self.size = sum(p.size for p in parameters)
        self.trained = sum(p.size for p in trained)
        self.summed = sum(p.size for p in trained if not p.by_batch)
        self.data = aligned_empty((self.size,), dtype)
        self.grad = aligned_zeros((self.trained,), dtype)
        self.decayed: list[slice] = []
        offset = 0
        for parameter in ordered:
            self._place(parameter, offset)
            offset += parameter.size

    def _place(self, parameter: Parameter, offset: int) -> None:
        span = slice(offset, offset + parameter.size)
        parameter.offset = offset
        parameter.storage = parameter.part_of(self.data)
        parameter.storage_grad = parameter.part_of(self.grad)
        if parameter.decay and not parameter.frozen:
            if self.decayed and self.decayed[-1].stop == offset:
                self.decayed[-1] = slice(self.decayed[-1].start, span.stop)
            else:
                self.decayed.append(span)

    def first_non_finite(self) -> Parameter | None:
        """The parameter nearest to the loss whose gradient is not finite."""
        for parameter in reversed(self.parameters):
            if not np.isfinite(parameter.storage_grad).all():
                return parameter
        return None


GAUSSIAN_STD = 0.01


def weight_std(name: InitializerName, fan_in: int, fan_out: int) -> float:
    """Standard deviation of the normal distribution of initial weights.

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
    """Draw weights, each from a stream of its own; set the others to their initial values."""
    for number, parameter in enumerate(parameters):
        if parameter.role == "weight":
            parameter.data[...] = initial_weight(parameter, number, name, seed)
        else:
            parameter.storage.fill(1 if parameter.role == "gamma" else parameter.initial)


def initial_weight(parameter: Parameter, number: int, name: InitializerName, seed: int) -> Array:
    """The initial values of the weight that is the ``number``-th parameter, in PyTorch's shape."""
    std = weight_std(name, parameter.fan_in, parameter.fan_out)
    generator = np.random.default_rng(np.random.SeedSequence([seed, number]))
    values: Array = generator.standard_normal(parameter.data.shape, np.float32) * np.float32(std)
    return values
