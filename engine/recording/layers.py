"""Measures the layers of a PyTorch model around the steps of its optimizer.

PyTorch is imported here only by who has it anyway.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

from cnn_tui.engine.training.events import LayerHealth

EARLY = (1, 5, 10)
"""Steps that are measured in any case, to show faults that exist from the start."""
STEADY = 10_000
"""Steps after which measurements become rarer."""
SAMPLE = 1 << 20
"""Weights per layer that are copied to measure the update; of larger layers the first ones."""
_TYPES = {nn.Linear: "fc", nn.PReLU: "prelu"}
_FAMILIES = {"Conv": "conv", "BatchNorm": "batchnorm", "LayerNorm": "layernorm"}


class Watch:
    """Norms of weights and gradients, and of steps relative to the weights, layer by layer.

    Of a model that is sharded over processes, those of this process's shards.
    """

    def __init__(self, model: nn.Module, every: int, complain: Callable[[str], None]) -> None:
        self._every, self._complain = max(1, every), complain
        self._weights = {
            name or type(module).__name__: (type_of(module), weight)
            for name, module in model.named_modules()
            if isinstance(weight := getattr(module, "weight", None), nn.Parameter)
            and weight.requires_grad
        }
        self._mine = {id(weight) for _, weight in self._weights.values()}
        self._known: WeakKeyDictionary[Optimizer, bool] = WeakKeyDictionary()
        self._steps = 0
        self._before: dict[str, Tensor] = {}
        self._norms: dict[str, list[Tensor]] = {}
        """Norms by layer: of the weight, of its gradient, of the sample before and of its step."""
        self._ready = False
        self._handles = (
            register_optimizer_step_pre_hook(self._step_begins),
            register_optimizer_step_post_hook(self._step_ends),
        )

    def close(self) -> None:
        """Measure nothing from now on."""
        for handle in self._handles:
            handle.remove()

    def take(self) -> tuple[LayerHealth, ...]:
        """The latest measurement, once; empty if there is none since the last call."""
        if not self._ready:
            return ()
        self._ready = False
        names = list(self._norms)
        # All figures in one copy: each copy waits for the device.
        flat = torch.stack([norm.float().cpu() for norms in self._norms.values() for norm in norms])
        rows = flat.view(len(names), 4).tolist()
        return tuple(self._health(name, *row) for name, row in zip(names, rows, strict=True))

    def _health(
        self, name: str, weight: float, gradient: float, before: float, step: float
    ) -> LayerHealth:
        return LayerHealth(
            layer=name[:_MOST_NAME],
            type=self._weights[name][0],
            weight_norm=_finite(weight),
            gradient_norm=_finite(gradient),
            update_ratio=_finite(step / before) if before else None,
        )

    def _step_begins(self, optimizer: Optimizer, args: object, kwargs: object) -> None:
        if not self._moves(optimizer):
            return
        self._steps += 1
        every = self._every << (self._steps // STEADY).bit_length()
        if self._steps not in EARLY and self._steps % every:
            return
        with self._harmless(), torch.no_grad():
            for name, (_, weight) in self._weights.items():
                self._before[name] = _sample(weight).clone()

    def _step_ends(self, optimizer: Optimizer, args: object, kwargs: object) -> None:
        if not self._before or not self._moves(optimizer):
            return
        before, self._before = self._before, {}
        with self._harmless(), torch.no_grad():
            self._norms = {}
            for name, sample in before.items():
                weight = self._weights[name][1]
                moved = _sample(weight) - sample
                gradient = _local(weight.grad) if weight.grad is not None else None
                self._norms[name] = [
                    _norm(_local(weight)),
                    _norm(gradient) if gradient is not None else sample.new_tensor(math.nan),
                    _norm(sample),
                    _norm(moved),
                ]
            self._ready = bool(self._norms)

    def _moves(self, optimizer: Optimizer) -> bool:
        """Whether an optimizer moves weights of this model: others may train beside it."""
        known = self._known.get(optimizer)
        if known is None:
            groups = optimizer.param_groups
            known = any(id(weight) in self._mine for group in groups for weight in group["params"])
            self._known[optimizer] = known
        return known

    @contextmanager
    def _harmless(self) -> Iterator[None]:
        """Whatever goes wrong here, the optimizer steps on; then nothing is measured any more."""
        try:
            yield
        except Exception as error:
            self.close()
            self._before, self._ready = {}, False
            self._complain(f"layers are not measured: {type(error).__name__}: {error}")


_MOST_NAME = 200


def type_of(module: nn.Module) -> str:
    """The type of a layer as cnn-tui calls it, if it has such a type."""
    name = type(module).__name__
    if kind := _TYPES.get(type(module)):
        return kind
    family = next((kind for start, kind in _FAMILIES.items() if start in name), name.lower())
    depthwise = family == "conv" and 1 < getattr(module, "groups", 1) == module.in_channels
    return "dwconv" if depthwise else family


def _local(tensor: Tensor) -> Tensor:
    """The part that this process holds: the norm of a whole sharded tensor waits for others."""
    tensor = tensor.detach()
    return tensor.to_local() if hasattr(tensor, "to_local") else tensor


def _sample(weight: Tensor) -> Tensor:
    return _local(weight).reshape(-1)[:SAMPLE]


def _norm(tensor: Tensor) -> Tensor:
    return torch.linalg.vector_norm(tensor.to_dense(), dtype=torch.float32)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
