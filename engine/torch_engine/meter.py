"""Measurements of each layer at one step of PyTorch, taken on the device where it computes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import zip_longest
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from cnn_tui.engine.layer_health import LayerHealth
from cnn_tui.engine.numpy_engine import SAMPLE, SATURATION
from cnn_tui.engine.specs.layers import MaxPool, layer_type
from cnn_tui.engine.specs.placed import Placed
from cnn_tui.engine.torch_engine.described import TorchParameter

if TYPE_CHECKING:
    from cnn_tui.engine.torch_engine.engine import TorchEngine


class TorchMeter:
    """Measures steps by hooks that are there for the measured step only."""

    scores: Tensor
    """The scores of the step."""

    def __init__(self, engine: TorchEngine, types: Mapping[str, str]) -> None:
        self._engine, self._types = engine, types
        self._weights = {
            name.rpartition(".")[0]: parameter
            for name, parameter in engine.parameters.items()
            if parameter.role in ("weight", "gamma", "scale") and not parameter.frozen
        }
        self._seen_at = dict(_seen_at(engine.described.placed))
        self._before: dict[str, Tensor] = {}
        self._outputs: dict[str, LayerHealth] = {}
        self._hooks = ExitStack()

    def before(self) -> None:
        """Copy the weights before the step, and look at its outputs."""
        engine = self._engine
        self._before = {name: _sample(weight).clone() for name, weight in self._weights.items()}
        self._outputs.clear()
        self._hooks.enter_context(engine.described.watching(engine.net, self._look))
        engine.attend(self)

    def layers(self) -> Sequence[LayerHealth]:
        """The figures of the step just taken."""
        self._hooks.close()
        self._engine.attend(None)
        return tuple(self._walk())

    def score_range(self) -> float:
        """Largest difference between the highest and the lowest score of an image."""
        return float((self.scores.amax(1) - self.scores.amin(1)).max())

    def _walk(self) -> Iterator[LayerHealth]:
        for layer in self._engine.described.layers:
            if layer.name in self._weights:
                yield self._moved(layer.name, self._weights[layer.name])
            elif layer.name in self._outputs:
                yield self._outputs[layer.name]

    def _moved(self, name: str, weight: TorchParameter) -> LayerHealth:
        before = self._before[name]
        size, kind = _norm(before), self._types[name]
        # A layer scale begins near zero on purpose: beside that every step is large.
        relative = size > 0 and kind != "layer_scale"
        grad = weight.tensor.grad
        return LayerHealth(
            layer=name,
            type=kind,
            weight_norm=_norm(weight.tensor.detach()),
            gradient_norm=0.0 if grad is None else _norm(grad),
            update_ratio=_norm(_sample(weight) - before) / size if relative else None,
        )

    def _look(self, name: str, output: Tensor) -> None:
        layer = self._seen_at.get(name)
        if layer is None:
            return
        y, info = output.detach(), layer.layer.info
        kind = layer_type(layer.layer)
        if info.dies:
            positive = (y > 0).reshape(*y.shape[:2], -1)
            units = y.shape[1]
            self._outputs[layer.name] = LayerHealth(
                layer=layer.name,
                type=kind,
                units=units,
                zeros=1 - int(positive.sum()) / y.numel(),
                dead=1 - int(positive.any(2).any(0).sum()) / units,
            )
        else:
            low, high = info.bounds
            far = (y - (low + high) / 2).abs() > SATURATION * (high - low) / 2
            self._outputs[layer.name] = LayerHealth(
                layer=layer.name, type=kind, units=y.shape[1], saturated=int(far.sum()) / y.numel()
            )


def _seen_at(placed: Sequence[Placed]) -> Iterator[tuple[str, Placed]]:
    """Activations by the layer whose output shows them: the max pool behind one, or itself.

    The NumPy engine pools first, where that gives the same: both measure the same values.
    """
    for layer, behind in zip_longest(placed, placed[1:]):
        for branch in layer.branches:
            yield from _seen_at(branch)
        info = layer.layer.info
        if info.role == "activation" and (info.dies or info.saturates):
            pooled = info.dies and behind is not None and isinstance(behind.layer, MaxPool)
            yield (behind if pooled and behind is not None else layer).name, layer


def _sample(weight: TorchParameter) -> Tensor:
    return weight.tensor.detach().reshape(-1)[:SAMPLE]


def _norm(tensor: Tensor) -> float:
    return math.sqrt(float(torch.square(tensor).sum()))
