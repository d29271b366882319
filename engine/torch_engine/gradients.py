"""The norm of all gradients: with the other figures, or with care where their squares overflow."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from cnn_tui.engine.batch_checks import gradient_not_finite
from cnn_tui.engine.torch_engine.described import TorchParameter


def read_with_norm(figures: Sequence[Tensor], gradients: Sequence[Tensor]) -> list[float]:
    """Figures and the norm of gradients of the same type and device, which is waited for once."""
    norms = torch._foreach_norm(gradients)
    read: list[float] = torch.stack([*figures, *norms]).tolist()
    return [*read[: len(figures)], math.hypot(*read[len(figures) :])]


def safe_norm(parameters: Mapping[str, TorchParameter]) -> float:
    """The norm of the gradients of parameters whose squares overflow.

    Raises:
        NonFiniteError: if they are not finite; names the one nearest to the loss.
    """
    squares = []
    for name, parameter in reversed(list(parameters.items())):
        grad = parameter.tensor.grad
        if grad is None:
            continue
        if not bool(torch.isfinite(grad).all()):
            raise gradient_not_finite(name)
        squares.append(float(grad.cpu().double().square().sum()))
    return math.sqrt(math.fsum(squares))
