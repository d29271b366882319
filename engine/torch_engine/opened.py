"""A module opened to look inside: the output of every layer, and its gradient for a class."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from cnn_tui.engine.batch_checks import too_many_to_open
from cnn_tui.engine.opened_base import OpenedBase
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.protocol import Classes, Weights
from cnn_tui.engine.shapes import Shape
from cnn_tui.engine.torch_engine.described import Described
from cnn_tui.engine.torch_engine.losses import losses_of


class TorchOpened(OpenedBase):
    """A copy of a module that keeps the output of every layer, as the protocol asks.

    Raises:
        MemoryLimitError: if it would hold more than ``limit`` bytes; ``batch`` is the number of
            images that fit.
    """

    def __init__(
        self,
        described: Described,
        weights: Weights,
        images: Array,
        *,
        device: torch.device,
        training: bool,
        threads: int,
        limit: int,
    ) -> None:
        shape = described.network.input
        super().__init__(shape, described.classes, len(images), training=training)
        self._described, self._device, self._threads = described, device, threads
        self._held = _held(described, images, limit)
        self._net = described.module(device, images.dtype, in_order=True)
        self._net.train(training)
        for module in (*described.drops(self._net), *described.frozen(self._net)):
            module.eval()
        with torch.no_grad():
            for name, parameter in described.parameters(self._net).items():
                parameter.tensor.requires_grad_().copy_(torch.from_numpy(np.array(weights[name])))
            for name, buffer in described.buffers(self._net).items():
                buffer.copy_(torch.from_numpy(np.array(weights[name])))
        self.see(images)

    def see(self, images: Array) -> None:
        """Show other images, at most as many as at first."""
        self._admit(images)
        self._outputs: dict[str, Tensor] = {}
        if torch.get_num_threads() != self._threads:
            torch.set_num_threads(self._threads)
        self._pixels = torch.from_numpy(np.array(images)).to(self._device).requires_grad_()
        with self._described.watching(self._net, self._outputs.__setitem__):
            self._scores = self._net(self._pixels)
        self._of_class: tuple[int, ...] = ()
        self._gradients: dict[str, Tensor] = {}

    @property
    def shapes(self) -> Mapping[str, Shape]:
        """The shape of each layer's output for one image."""
        return self._described.shapes

    @property
    def bytes(self) -> int:
        """Bytes that it holds, about."""
        return self._held

    @property
    def logits(self) -> Array:
        """The scores ``(N, classes)``."""
        return _copied(self._scores)

    def output(self, layer: str) -> Array:
        """The output of a layer."""
        return self._shaped(self._find(layer), layer)

    def gradient(self, layer: str, of_class: Classes) -> Array:
        """The gradient of the score of a class by the output of a layer."""
        self._find(layer)
        self._differentiate(of_class)
        return self._shaped(self._gradients[layer], layer)

    def input_gradient(self, of_class: Classes) -> Array:
        """The gradient of the score of a class by the pixels, ``(N, C, H, W)``."""
        self._differentiate(of_class)
        return _copied(self._gradients[""])

    def loss_gradients(self, targets: np.ndarray) -> dict[str, Array]:
        """The gradient of the mean data loss by each parameter, by its name."""
        self._require_targets(targets)
        parameters = self._described.parameters(self._net)
        labels = torch.from_numpy(np.array(targets, np.int64)).to(self._device)
        loss = losses_of(self._described.network.loss, self._scores, labels).mean()
        tensors = [one.tensor for one in parameters.values()]
        found = torch.autograd.grad(loss, tensors, retain_graph=True)
        return {name: _copied(one) for name, one in zip(parameters, found, strict=True)}

    def close(self) -> None:
        """Let the memory go; the arrays that were given stay."""
        self._outputs, self._gradients = {}, {}

    def _find(self, layer: str) -> Tensor:
        if layer in self._outputs:
            return self._outputs[layer]
        raise self._no_such_layer(layer)

    def _differentiate(self, of_class: Classes) -> None:
        chosen = self._chosen(of_class)
        if chosen == self._of_class:
            return
        score = self._scores[torch.arange(len(chosen)), list(chosen)].sum()
        wanted = {**self._outputs, "": self._pixels}
        found = torch.autograd.grad(
            score, list(wanted.values()), retain_graph=True, materialize_grads=True
        )
        self._gradients, self._of_class = dict(zip(wanted, found, strict=True)), chosen

    def _shaped(self, tensor: Tensor, layer: str) -> Array:
        return _copied(tensor).reshape(-1, *self.shapes[layer])


def _held(described: Described, images: Array, limit: int) -> int:
    """Bytes of weights, outputs and their gradients for the images."""
    each = 2 * images.itemsize * sum(map(math.prod, described.shapes.values()))
    fixed = 2 * described.bytes
    needed = fixed + each * len(images)
    if needed > limit:
        raise too_many_to_open(len(images), needed, limit, max(0, (limit - fixed) // each))
    return needed


def _copied(tensor: Tensor) -> Array:
    array: Array = np.array(tensor.detach().cpu().numpy(), order="C")
    return array
