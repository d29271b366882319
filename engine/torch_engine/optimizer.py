"""The optimizers of PyTorch under the names and rules of the recipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.protocol import Weights
from cnn_tui.engine.specs.network import OptimizerName, Recipe

if TYPE_CHECKING:
    from cnn_tui.engine.torch_engine.engine import TorchEngine

_STATES: dict[OptimizerName, tuple[str, ...]] = {
    "sgd": (),
    "momentum": ("momentum_buffer",),
    "nesterov": ("momentum_buffer",),
    "adagrad": ("sum",),
    "rmsprop": ("square_avg",),
    "adam": ("exp_avg", "exp_avg_sq"),
    "adamw": ("exp_avg", "exp_avg_sq"),
}
"""What PyTorch calls the arrays that a state keeps as ``optimizer/0``, ``optimizer/1``."""


class TorchOptimizer:
    """An optimizer of PyTorch with L2 and clipping as the recipe means them.

    L2 is ``weight_decay`` of all but AdamW, whose decay is decoupled; clipping comes before it.
    """

    def __init__(self, engine: TorchEngine, recipe: Recipe) -> None:
        self._engine, self._recipe = engine, recipe
        self.l2 = recipe.l2
        self._names = _STATES[recipe.optimizer]
        learned = [one for one in engine.parameters.values() if not one.frozen]
        self._all = [one.tensor for one in learned]
        self._decayed = [one.tensor for one in learned if one.decay]
        groups: list[dict[str, Any]] = [
            {"params": self._decayed},
            {"params": [one.tensor for one in learned if not one.decay], "weight_decay": 0.0},
        ]
        # On a GPU several tensors at a time are the default, which is about as fast.
        fused = engine.device.type == "cpu"
        self._optimizer = _made(recipe, [group for group in groups if group["params"]], fused)
        self._keeps = {one.name: self._begun(one.tensor) for one in learned if self._names}

    def step(self, lr: float, gradient_norm: float = 0.0) -> float:
        """Update the weights; returns the L2 loss before the update."""
        for group in self._optimizer.param_groups:
            group["lr"] = lr
        decoupled = self._recipe.optimizer == "adamw"
        self._optimizer.param_groups[0]["weight_decay"] = (
            (self._recipe.weight_decay if decoupled else self.l2) if self._decayed else 0.0
        )
        squares = self._squares() if self.l2 else 0.0
        clip = self._recipe.clip_norm
        scale = clip / gradient_norm if clip is not None and gradient_norm > clip else 1.0
        if scale == 1.0 and not (decoupled and self.l2):
            self._optimizer.step()
        else:
            self._step_with(scale, self.l2 if decoupled else 0.0)
        return 0.5 * self.l2 * squares

    def arrays(self) -> dict[str, Array]:
        """Weights, buffers and state by name."""
        state = {name: tensor.cpu().numpy() for name, tensor in self._states()}
        return self._engine.arrays() | state

    def take(self) -> TorchState:
        """Copy the state of network and optimizer to the memory of the CPU."""
        parameters = [(name, one.tensor.detach()) for name, one in self._engine.parameters.items()]
        every = [*parameters, *self._engine.buffers.items(), *self._states()]
        return TorchState({name: tensor.to("cpu", copy=True) for name, tensor in every})

    @torch.no_grad()
    def restore(self, tensors: Weights, step: int) -> None:
        """Load arrays with the names and shapes of :meth:`arrays`, taken after step ``step``."""
        self._engine.put(tensors)
        for name, target in self._states():
            target.copy_(torch.from_numpy(np.array(tensors[name])))
        self.count(step)

    def count(self, step: int) -> None:
        """Go on after step number ``step``."""
        for kept in self._keeps.values():
            if "step" in kept:
                kept["step"].fill_(step)
        self._engine.mode.step = step

    def _begun(self, tensor: Tensor) -> dict[str, Tensor]:
        """Put zeros where PyTorch would begin with nothing, so that a state always has them."""
        kept: dict[str, Tensor] = self._optimizer.state[tensor]
        for name in self._names:
            kept.setdefault(name, torch.zeros_like(tensor))
        if self._recipe.optimizer not in ("momentum", "nesterov"):
            kept.setdefault("step", torch.tensor(0.0))
        return kept

    def _states(self) -> list[tuple[str, Tensor]]:
        return [
            (f"optimizer/{number}/{name}", kept[key])
            for number, key in enumerate(self._names)
            for name, kept in self._keeps.items()
        ]

    def _squares(self) -> float:
        norms = torch.stack(torch._foreach_norm([one.detach() for one in self._decayed]))
        return float(norms.double().square().sum()) if self._decayed else 0.0

    @torch.no_grad()
    def _step_with(self, scale: float, l2: float) -> None:
        """Step by other gradients than those of the batch, which stay for who measures them."""
        own = [one.grad for one in self._all]
        for one in self._all:
            one.grad = one.grad * scale
        for one in self._decayed if l2 else ():
            one.grad.add_(one, alpha=l2)
        self._optimizer.step()
        for one, grad in zip(self._all, own, strict=True):
            one.grad = grad


@dataclass(frozen=True, eq=False)
class TorchState:
    """A copy of everything that a step changes."""

    copies: dict[str, Tensor]

    def tensors(self) -> dict[str, Array]:
        """Contiguous arrays by name, in PyTorch's shapes."""
        return {name: np.ascontiguousarray(copy.numpy()) for name, copy in self.copies.items()}


def _made(recipe: Recipe, groups: list[dict[str, Any]], fused: bool) -> torch.optim.Optimizer:
    """The optimizer; ``fused`` takes a step in one pass, where PyTorch has it."""
    optim, lr, one = torch.optim, recipe.lr, fused or None
    match recipe.optimizer:
        case "sgd":
            return optim.SGD(groups, lr, fused=one)
        case "momentum" | "nesterov" as name:
            return optim.SGD(groups, lr, recipe.momentum, nesterov=name == "nesterov", fused=one)
        case "adagrad":
            return optim.Adagrad(groups, lr, eps=recipe.eps, fused=one)
        case "rmsprop":
            return optim.RMSprop(groups, lr, recipe.rho, recipe.eps)
        case "adam":
            return optim.Adam(groups, lr, recipe.betas, recipe.eps, fused=one)
        case "adamw":
            return optim.AdamW(groups, lr, recipe.betas, recipe.eps, fused=one)
