"""A described network as a module of PyTorch, with the engine's names for all its parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from cnn_tui.engine.build import build
from cnn_tui.engine.export.modules import modules
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.shapes import Shape
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.depthwise import DWConv
from cnn_tui.engine.specs.freezing import frozen_layers
from cnn_tui.engine.specs.layers import FC, BatchNorm, Conv, Residual
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.placed import Placed, place_network
from cnn_tui.engine.torch_engine.modules import torch_module
from cnn_tui.engine.torch_engine.own import StochasticDepth
from cnn_tui.engine.torch_engine.pooling import behind_pools, pooled_first
from cnn_tui.engine.transforms.carry import weights_of

_FRESH = (Conv, DWConv, FC, BatchNorm, Residual)
"""Layers whose output is read by the next layer alone, not even by their own backward pass."""
_TYPES = {np.dtype(np.float32): torch.float32, np.dtype(np.float64): torch.float64}


@dataclass(frozen=True, eq=False)
class TorchParameter:
    """A learned tensor with what the description says of it."""

    name: str
    role: str
    frozen: bool
    decay: bool
    tensor: nn.Parameter

    @property
    def size(self) -> int:
        """Number of values."""
        return int(self.tensor.numel())

    @property
    def data(self) -> Array:
        """The values; a view on the CPU, else a copy."""
        values: Array = self.tensor.detach().cpu().numpy()
        return values

    @property
    def grad(self) -> Array:
        """The gradient of the last batch; zeros before the first."""
        grad = self.tensor.grad
        values: Array = (torch.zeros_like(self.tensor) if grad is None else grad).cpu().numpy()
        return values


class _Learned(NamedTuple):
    role: str
    frozen: bool
    decay: bool


class Described:
    """What follows from the description of a network alone, for any number of modules of it.

    Raises:
        ShapeError: if the layers do not fit together; the message is the first issue.
    """

    def __init__(self, network: Network, seed: int, dtype: np.dtype[Any]) -> None:
        self.network, self.seed = network, seed
        with closing(build(network, seed=seed, dtype=dtype)) as model:
            self.initial = weights_of(model)
            self._learned = {
                name: _Learned(one.role, one.frozen, one.decay)
                for name, one in model.parameters.items()
            }
            self._buffer_names = tuple(model.buffers)
        self.bytes = sum(array.nbytes for array in self.initial.values())
        report = check(network)
        self.placed = place_network(network, report)
        self._still = frozen_layers(network, report, self.placed)
        self._tree = modules(network)
        self._fast_tree = pooled_first(self._tree)
        self._paths = {module.name: module.path for top in self._tree for module in top.every()}

    @property
    def classes(self) -> int:
        """Number of classes."""
        return self.placed[-1].output[0]

    @cached_property
    def layers(self) -> tuple[Placed, ...]:
        """All layers, those inside blocks included, in the order of the description."""
        return tuple(inner for layer in self.placed for inner in layer.walk())

    @cached_property
    def shapes(self) -> Mapping[str, Shape]:
        """The shape of each layer's output for one image, by name."""
        return {layer.name: layer.output for layer in self.layers}

    @cached_property
    def behind_pools(self) -> frozenset[str]:
        """The layers that are computed right after a max pool; nothing else needs its output."""
        return frozenset(behind_pools(self._fast_tree))

    def module(
        self, device: torch.device, dtype: np.dtype[Any], *, in_order: bool = False
    ) -> nn.Module:
        """A module whose values are not set yet; ``in_order`` to look at every layer's output."""
        tree = self._tree if in_order else self._fast_tree
        net = torch_module(tree).to(_TYPES[dtype]).to_empty(device=device)
        for name, buffer in net.named_buffers():
            if name.endswith("num_batches_tracked"):
                buffer.zero_()
        for name in self._frozen_names:
            net.get_parameter(self._path(name)).requires_grad_(False)
        return net.to(memory_format=torch.channels_last)

    def parameters(self, net: nn.Module) -> dict[str, TorchParameter]:
        """The parameters of a module by the engine's names."""
        return {
            name: TorchParameter(name, *one, tensor=net.get_parameter(self._path(name)))
            for name, one in self._learned.items()
        }

    def buffers(self, net: nn.Module) -> dict[str, Tensor]:
        """The running statistics of a module by the engine's names."""
        return {name: net.get_buffer(self._path(name)) for name in self._buffer_names}

    def layer(self, net: nn.Module, name: str) -> nn.Module:
        """The module of a layer."""
        return net.get_submodule(self._paths[name])

    def frozen(self, net: nn.Module) -> list[nn.Module]:
        """The modules of the frozen layers."""
        return [self.layer(net, layer.name) for layer in self.placed[: self._still]]

    def drops(self, net: nn.Module) -> list[nn.Module]:
        """The modules that draw numbers in training."""
        return [one for one in net.modules() if isinstance(one, (nn.Dropout, StochasticDepth))]

    def overwriting(self, net: nn.Module) -> list[nn.ReLU]:
        """The ReLUs that may write into their input: nothing else needs it."""
        names = {*_behind_fresh(self.placed), *self.behind_pools}
        found = (self.layer(net, name) for name in names)
        return [one for one in found if isinstance(one, nn.ReLU)]

    def chain(self, net: nn.Module) -> Iterator[tuple[str, nn.Module]]:
        """The modules that are applied one after the other, each with the name of its layer.

        What flattens a volume belongs to the layer after it.
        """
        names = {path: name for name, path in self._paths.items()}
        waiting: list[nn.Module] = []
        for key, module in net.named_children():
            waiting.append(module)
            if key in names:
                yield names[key], nn.Sequential(*waiting)
                waiting = []
        if waiting:
            yield "", nn.Sequential(*waiting)

    @contextmanager
    def watching(self, net: nn.Module, look: Callable[[str, Tensor], None]) -> Iterator[None]:
        """Call ``look`` with the name and the output of each layer that runs."""
        with ExitStack() as stack:
            for layer in self.layers:
                module = self.layer(net, layer.name)
                stack.callback(module.register_forward_hook(_calling(look, layer.name)).remove)
            yield

    @property
    def _frozen_names(self) -> list[str]:
        return [name for name, one in self._learned.items() if one.frozen]

    def _path(self, name: str) -> str:
        layer, _, kind = name.rpartition(".")
        return f"{self._paths[layer]}.{kind}"


def _behind_fresh(placed: Sequence[Placed]) -> Iterator[str]:
    """The names of the layers behind one of :data:`_FRESH`, at every depth."""
    for before, layer in zip((None, *placed), placed, strict=False):
        for branch in layer.branches:
            yield from _behind_fresh(branch)
        if before is not None and isinstance(before.layer, _FRESH):
            yield layer.name


def _calling(look: Callable[[str, Tensor], None], name: str) -> Callable[..., None]:
    def hook(module: nn.Module, inputs: object, output: Tensor) -> None:
        look(name, output)

    return hook
