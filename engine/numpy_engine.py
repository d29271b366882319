"""The NumPy engine: the model with its optimizer and its measurements, as the protocol asks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.layer_health import LayerHealth
from cnn_tui.engine.layers.base import ByShard
from cnn_tui.engine.model import Model
from cnn_tui.engine.ops.activations import ActivationKernel
from cnn_tui.engine.ops.kernel import Kernel
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.optimizers import Optimizer, build_optimizer
from cnn_tui.engine.parameters import Parameter
from cnn_tui.engine.plan import Plan
from cnn_tui.engine.protocol import Weights
from cnn_tui.engine.specs.layers import layer_type
from cnn_tui.engine.specs.network import Recipe

SAMPLE = 1 << 20
"""Weights per layer that are copied to measure the update; of larger layers the first ones."""
SATURATION = 0.99
"""Share of the distance from the middle to a bound beyond which an output is saturated."""


class NumpyEngine(Model):
    """The model of :mod:`cnn_tui.engine.model` as an :class:`~cnn_tui.engine.protocol.Engine`."""

    @property
    def size(self) -> int:
        """Number of learned values."""
        return self.store.size

    @property
    def signature(self) -> str:
        """Who computes, in which version, and where."""
        return f"numpy {np.__version__}, cpu"

    def arrays(self) -> dict[str, Array]:
        """Parameters and buffers by name, as views into the model."""
        return {name: parameter.data for name, parameter in self.parameters.items()} | self.buffers

    def put(self, weights: Weights) -> None:
        """Load parameters and buffers; other names are ignored."""
        for name, target in self.arrays().items():
            target[...] = weights[name]

    def optimizer(self, recipe: Recipe) -> Optimizer:
        """The optimizer of a recipe."""
        return build_optimizer(recipe, self)

    @property
    def latest_plan(self) -> Plan:
        """The plan of the last batch."""
        return next(reversed(self._plans.values()))

    def meter(self, types: Mapping[str, str]) -> NumpyMeter:
        """A meter of the layers, whose types are given by name."""
        return NumpyMeter(self, types)


class NumpyMeter:
    """Measures steps by the arrays that they leave, without an additional pass."""

    def __init__(self, model: NumpyEngine, types: Mapping[str, str]) -> None:
        self._model, self._types = model, types
        self._weights = {
            parameter.name.rpartition(".")[0]: parameter
            for parameter in model.store.parameters
            if parameter.role in ("weight", "gamma", "scale") and not parameter.frozen
        }
        self._before: dict[str, Array] = {}

    def before(self) -> None:
        """Copy the weights before the step."""
        self._before = {name: _sample(weight).copy() for name, weight in self._weights.items()}

    def layers(self) -> Sequence[LayerHealth]:
        """The figures of the step just taken."""
        return tuple(self._walk())

    def score_range(self) -> float:
        """Largest difference between the highest and the lowest score of an image."""
        return max(float(np.ptp(scores, axis=0).max()) for scores in self._plan.scores)

    @property
    def _plan(self) -> Plan:
        return self._model.latest_plan

    def _walk(self) -> Iterator[LayerHealth]:
        remaining = dict(self._weights)
        for op, planned in self._plan.chain.walk():
            name = op.name
            if name in remaining:
                yield self._moved(name, remaining.pop(name))
            elif isinstance(planned, ByShard):
                yield from _outputs(name, planned.kernels)

    def _moved(self, name: str, weight: Parameter) -> LayerHealth:
        before = self._before.pop(name)
        size, kind = _norm(before), self._types[name]
        # A layer scale begins near zero on purpose: beside that every step is large.
        relative = size > 0 and kind != "layer_scale"
        return LayerHealth(
            layer=name,
            type=kind,
            weight_norm=_norm(weight.storage),
            gradient_norm=_norm(weight.storage_grad),
            update_ratio=_norm(_sample(weight) - before) / size if relative else None,
        )


def _outputs(name: str, kernels: Sequence[Kernel]) -> Iterator[LayerHealth]:
    first, ys = kernels[0], [kernel.y for kernel in kernels]
    if isinstance(first, ActivationKernel):
        layer = first.layer
        if layer.info.dies:
            yield _silence(name, layer_type(layer), ys)
        elif layer.info.saturates:
            yield _saturation(name, layer_type(layer), ys, *layer.info.bounds)


def _silence(name: str, kind: str, ys: list[Array]) -> LayerHealth:
    positive = [y > 0 for y in ys]
    alive = np.logical_or.reduce([mask.any(axis=(0, 2, 3)) for mask in positive])
    zeros = 1 - _count(positive) / sum(y.size for y in ys)
    dead = 1 - _count([alive]) / len(alive)
    return LayerHealth(layer=name, type=kind, units=len(alive), zeros=zeros, dead=dead)


def _saturation(name: str, kind: str, ys: list[Array], low: float, high: float) -> LayerHealth:
    middle = (low + high) / 2
    most = SATURATION * (high - middle)
    share = _count([np.abs(y - middle) > most for y in ys]) / sum(y.size for y in ys)
    return LayerHealth(layer=name, type=kind, units=ys[0].shape[1], saturated=share)


def _count(masks: list[NDArray[np.bool_]]) -> int:
    return sum(int(np.count_nonzero(mask)) for mask in masks)


def _sample(weight: Parameter) -> Array:
    return weight.storage.reshape(-1)[:SAMPLE]


def _norm(array: Array) -> float:
    flat = array.reshape(-1)
    return math.sqrt(float(np.dot(flat, flat)))
