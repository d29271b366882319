"""Measurements of each layer at one step: norms, relative updates, dead and saturated units.

They use the arrays of a normal training step, without an additional pass. CS231n notes, Neural
Networks Part 3, Monitoring the learning process.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.layers.base import ByShard, Op, PlannedOp
from cnn_tui.engine.model import Model
from cnn_tui.engine.ops.activations import ActivationKernel
from cnn_tui.engine.ops.kernel import Kernel
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.parameters import Parameter
from cnn_tui.engine.specs.layers import layer_type
from cnn_tui.engine.training.events import LayerHealth, LayersMeasured

EARLY = (1, 5, 10)
"""Additional steps that are measured, to show faults that exist from the start."""
EVERY = 25
STEADY = 10_000
"""Steps after which measurements become rarer, so that long runs record fewer of them."""
SAMPLE = 1 << 20
"""Weights per layer that are copied to measure the update; of larger layers the first ones."""
SATURATION = 0.99
"""Share of the distance from the middle to a bound beyond which an output is saturated."""


def is_due(step: int) -> bool:
    """Whether step number ``step``, counted from 1, is measured.

    Every 25th; from step 10,000 on every 50th, from 20,000 on every 100th, and so on.
    """
    return step in EARLY or step % (EVERY << (step // STEADY).bit_length()) == 0


class HealthMeter:
    """Measures steps of a model: :meth:`before` and :meth:`measure` enclose the update."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._weights = {
            parameter.name.rpartition(".")[0]: parameter
            for parameter in model.store.parameters
            if parameter.role in ("weight", "gamma") and not parameter.frozen
        }
        self._before: dict[str, Array] = {}

    def before(self) -> None:
        """Copy the weights before the step."""
        self._before = {name: _sample(weight).copy() for name, weight in self._weights.items()}

    def measure(self, step: int, epoch: int, images: Array, targets: np.ndarray) -> LayersMeasured:
        """Measurements of the step just taken on the batch ``images`` and ``targets``."""
        plan = self._model.plan_training(len(images))
        counts = np.bincount(targets)
        with np.errstate(all="ignore"):
            return LayersMeasured(
                step=step,
                epoch=epoch,
                layers=tuple(self._layers(plan.chain.walk())),
                images=len(images),
                input_mean=float(images.mean()),
                input_std=float(images.std()),
                score_range=max(float(np.ptp(scores, axis=0).max()) for scores in plan.scores),
                commonest_class=int(counts.argmax()),
                commonest_share=int(counts.max()) / len(targets),
            )

    def _layers(self, walk: Iterator[tuple[Op, PlannedOp]]) -> Iterator[LayerHealth]:
        remaining = dict(self._weights)
        for op, planned in walk:
            name = op.name
            if name in remaining:
                yield self._moved(name, remaining.pop(name))
            elif isinstance(planned, ByShard):
                yield from _outputs(name, planned.kernels)

    def _moved(self, name: str, weight: Parameter) -> LayerHealth:
        before = self._before.pop(name)
        size = _norm(before)
        return LayerHealth(
            layer=name,
            type=_type(weight),
            weight_norm=_norm(weight.storage),
            gradient_norm=_norm(weight.storage_grad),
            update_ratio=_norm(_sample(weight) - before) / size if size else None,
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


def _type(weight: Parameter) -> str:
    if weight.role == "gamma":
        return "batchnorm"
    return "conv" if len(weight.storage_shape) == 4 else "fc"


def _sample(weight: Parameter) -> Array:
    return weight.storage.reshape(-1)[:SAMPLE]


def _norm(array: Array) -> float:
    flat = array.reshape(-1)
    return math.sqrt(float(np.dot(flat, flat)))
