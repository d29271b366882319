"""A network computed by PyTorch, as the protocol of an engine asks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import DTypeLike
from torch import Tensor, nn

from cnn_tui.engine.batch_checks import (
    check_images,
    check_targets,
    loss_not_finite,
)
from cnn_tui.engine.errors import MemoryLimitError, ShapeError
from cnn_tui.engine.ops.kernel import Mode
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.protocol import MOST_BYTES, BatchResult, Weights
from cnn_tui.engine.specs.network import Recipe
from cnn_tui.engine.torch_engine import devices
from cnn_tui.engine.torch_engine.allocator import keep_freed_memory
from cnn_tui.engine.torch_engine.described import Described, TorchParameter
from cnn_tui.engine.torch_engine.gradients import read_with_norm, safe_norm
from cnn_tui.engine.torch_engine.losses import losses_of, summed_loss
from cnn_tui.engine.torch_engine.meter import TorchMeter
from cnn_tui.engine.torch_engine.opened import TorchOpened
from cnn_tui.engine.torch_engine.optimizer import TorchOptimizer

_SEEDS = 1 << 63


class TorchEngine:
    """A network with weights on a device. Images and results cross the border as NumPy's arrays.

    Dropout draws PyTorch's own numbers, from the seed and the step: a resumed run draws the same.
    float64, which a check of gradients asks for, is computed on the CPU.
    """

    stream = 0
    """Added to the seed of dropout: other numbers in each process of several."""

    def __init__(
        self, described: Described, dtype: DTypeLike, threads: int, *, number: int = 0
    ) -> None:
        """Build the network; of several GPUs it goes to the one with this number."""
        self.described, self.threads = described, threads
        self.network = described.network
        self.input_shape = self.network.input
        self.dtype = np.dtype(dtype)
        self.mode = Mode(seed=described.seed)
        recipe = self.network.training
        exact = self.dtype == np.float64
        self.device = torch.device("cpu") if exact else devices.find_device(recipe, number)
        devices.set_precision(recipe)
        if self.device.type == "cpu":
            keep_freed_memory()
        self.net = self.prepared(described.module(self.device, self.dtype))
        self.parameters: Mapping[str, TorchParameter] = described.parameters(self.net)
        self._tensors = [one.tensor for one in self.parameters.values() if not one.frozen]
        self._buffers = described.buffers(self.net)
        self.put(described.initial)
        described.initial = {}
        self._frozen = described.frozen(self.net)
        self._drops = described.drops(self.net)
        self._own_drops = [drop.p for drop in self._drops]
        self._overwriting = described.overwriting(self.net)
        self._overwrite(True)
        self._autocast = devices.autocast(recipe, self.device)
        self._joined = self.joined()
        compiles = recipe.compile and not exact
        self._in_training = torch.compile(self._joined) if compiles else self._joined
        self._is_training: bool | None = None
        self._meter: TorchMeter | None = None

    def prepared(self, net: nn.Module) -> nn.Module:
        """The module before its parameters are known."""
        return net

    def joined(self) -> nn.Module:
        """The module as it is called in training."""
        return self.net

    @property
    def size(self) -> int:
        """Number of learned values."""
        return sum(parameter.size for parameter in self.parameters.values())

    @property
    def signature(self) -> str:
        """Who computes where: what has to be the same for the same bits."""
        return f"torch {torch.__version__}, {devices.device_name(self.device)}"

    def arrays(self) -> dict[str, Array]:
        """Parameters and buffers by name; views on the CPU, else copies."""
        buffers = {name: _array(buffer) for name, buffer in self._buffers.items()}
        return {name: one.data for name, one in self.parameters.items()} | buffers

    @torch.no_grad()
    def put(self, weights: Weights) -> None:
        """Load parameters and buffers; other names are ignored."""
        for name, parameter in self.parameters.items():
            parameter.tensor.copy_(_tensor(weights[name]))
        for name, buffer in self._buffers.items():
            buffer.copy_(_tensor(weights[name]))

    def forward(self, images: Array, training: bool = False) -> Array:
        """Scores ``(N, classes)``; ``training`` uses batch statistics and applies dropout."""
        check_images(images, self.dtype, self.input_shape)
        with self._working(len(images)), torch.no_grad():
            return _array(self._scores(images, training)).copy()

    def train_batch(
        self,
        images: Array,
        targets: np.ndarray,
        weights: Array | None = None,
        others: np.ndarray | None = None,
        other_weights: Array | None = None,
    ) -> BatchResult:
        """The loss and the gradients of a batch, as ``Engine.train_batch`` says."""
        check_images(images, self.dtype, self.input_shape)
        check_targets(targets, len(images), self.described.classes)
        with self._working(len(images)):
            result = self._train(images, [targets, weights, others, other_weights])
        if not math.isfinite(result.loss):
            raise loss_not_finite(result.loss, self._first_non_finite(images))
        if not math.isfinite(result.gradient_norm):
            result = BatchResult(result.loss, result.correct, safe_norm(self.parameters))
        self.mode.step += 1
        return result

    def _train(self, images: Array, labels: Sequence[np.ndarray | None]) -> BatchResult:
        figures = self.differentiate(images, labels, 1 / len(images))
        loss, right, norm = read_with_norm(figures, self._gradients())
        return BatchResult(loss / len(images), round(right), norm)

    def differentiate(
        self, images: Array, labels: Sequence[np.ndarray | None], scale: float
    ) -> tuple[Tensor, Tensor]:
        """The sum of the losses, and how many were right; sets ``scale`` times its gradients."""
        self._forget_gradients()
        scores = self._scores(images, training=True)
        targets, *weighting = (self._moved(label) for label in labels)
        loss = summed_loss(self.network.loss, scores, targets, *weighting)
        loss.backward(loss.new_full((), scale))
        if self._meter is not None:
            self._meter.scores = scores.detach()
        return loss.detach(), (scores.detach().argmax(1) == targets).sum(dtype=loss.dtype)

    def train_stages(self, images: Array, targets: np.ndarray) -> Iterator[tuple[str, bool]]:
        """Run a training pass layer by layer, each with a graph of its own."""
        check_images(images, self.dtype, self.input_shape)
        # A layer by itself must not write into what the one before it has kept.
        self._overwrite(False)
        try:
            with self._working(len(images)):
                yield from self._stages(images, targets)
        finally:
            self._overwrite(True)

    def _overwrite(self, whether: bool) -> None:
        for module in self._overwriting:
            module.inplace = whether

    def _stages(self, images: Array, targets: np.ndarray) -> Iterator[tuple[str, bool]]:
        self._prepare(training=True)
        passed: list[tuple[str, Tensor, Tensor]] = []
        y = self._moved(images)
        for name, module in self.described.chain(self.net):
            x = y.detach().requires_grad_(bool(passed))
            with self._autocast:
                y = module(x)
            passed.append((name, x, y))
            yield name, False
        leaf = y.detach().float().requires_grad_()
        losses_of(self.network.loss, leaf, self._moved(targets)).mean().backward()
        yield "", True
        gradient = leaf.grad
        for name, x, y in reversed(passed):
            if y.requires_grad:
                y.backward(gradient.to(y.dtype))
            gradient = x.grad
            yield name, True
            if gradient is None:
                break
        yield "", True

    def loss_of(self, logits: Array, targets: np.ndarray) -> float:
        """Mean data loss of scores ``(N, classes)``; not finite if a score is not."""
        losses = losses_of(self.network.loss, _tensor(logits), _tensor(targets))
        return float(losses.double().mean())

    def opened(
        self,
        images: Array,
        *,
        training: bool = False,
        threads: int | None = None,
        limit: int = MOST_BYTES,
    ) -> TorchOpened:
        """A copy of the network as it is now that shows what every layer makes of ``images``."""
        check_images(images, self.dtype, self.input_shape)
        return TorchOpened(
            self.described,
            self.arrays(),
            images,
            device=self.device,
            training=training,
            threads=threads or self.threads,
            limit=limit,
        )

    def optimizer(self, recipe: Recipe) -> TorchOptimizer:
        """The optimizer of a recipe."""
        return TorchOptimizer(self, recipe)

    def meter(self, types: Mapping[str, str]) -> TorchMeter:
        """A meter of the layers, whose types are given by name."""
        return TorchMeter(self, types)

    def attend(self, meter: TorchMeter | None) -> None:
        """Let a meter see the next step; it is computed without what was compiled."""
        self._meter = meter

    def close(self) -> None:
        """Let the device have its memory back."""
        self._forget_gradients()

    @property
    def buffers(self) -> Mapping[str, Tensor]:
        """The running statistics, as tensors on the device."""
        return self._buffers

    def _scores(self, images: Array, training: bool) -> Tensor:
        self._prepare(training)
        net = self.net
        if training:
            net = self._in_training if self._meter is None else self._joined
        with self._autocast:
            scores: Tensor = net(self._moved(images))
        return scores if scores.dtype == torch.float64 else scores.float()

    def _prepare(self, training: bool) -> None:
        """Set the mode of every module where it changes, and what dropout draws."""
        if training != self._is_training:
            self.net.train(training)
            for module in self._frozen:
                module.eval()
            self._is_training = training
        if training and self._drops:
            for drop, own in zip(self._drops, self._own_drops, strict=True):
                drop.p = own if self.mode.dropout is None else self.mode.dropout
            torch.manual_seed((self.mode.seed * 1_000_003 + self.mode.step + self.stream) % _SEEDS)

    def _moved(self, array: np.ndarray | None) -> Any:
        """An array on the device: images beside one another by their pixels, as it likes them."""
        if array is None:
            return None
        tensor = _tensor(array)
        if self.device.type == "cuda":
            tensor = tensor.pin_memory().to(self.device, non_blocking=True)
        else:
            tensor = tensor.to(self.device)
        return tensor.contiguous(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor

    def _gradients(self) -> list[Tensor]:
        return [tensor.grad for tensor in self._tensors if tensor.grad is not None]

    def _forget_gradients(self) -> None:
        for tensor in self._tensors:
            tensor.grad = None

    @contextmanager
    def _working(self, batch: int) -> Iterator[None]:
        """Compute with the engine's number of threads, and tell what a device lacks memory for."""
        if torch.get_num_threads() != self.threads:
            torch.set_num_threads(self.threads)
        try:
            yield
        except RuntimeError as error:
            if devices.out_of_memory(error):
                raise self._too_large(batch) from None
            if "pad should be at most half" in str(error):
                raise ShapeError(
                    "PyTorch pads a pool by at most half of its window.",
                    "Set a smaller padding, or engine = numpy.",
                ) from None
            raise

    def _too_large(self, batch: int) -> MemoryLimitError:
        """The error for a batch that the device cannot hold; the largest that it can is tried."""
        self._forget_gradients()
        fitting = batch
        while fitting := fitting // 2:
            if self.device.type == "cuda":
                torch.cuda.empty_cache()
            try:
                images = np.zeros((fitting, *self.input_shape), self.dtype)
                self._train(images, [np.zeros(fitting, np.int64), None, None, None])
                break
            except RuntimeError as error:
                if not devices.out_of_memory(error):
                    raise
        self._forget_gradients()
        return MemoryLimitError(
            f"The device {devices.device_name(self.device)} has too little memory for a batch of "
            f"{batch:,} images of {self.network.name}.",
            f"Batches of {fitting:,} fit." if fitting else "Not even one image fits.",
            fitting,
        )

    def _first_non_finite(self, images: Array) -> str | None:
        """The first layer, in the order of computation, with a value that is not finite."""
        found: list[str] = []

        def look(name: str, output: Tensor) -> None:
            if not found and not bool(torch.isfinite(output).all()):
                found.append(name)

        with self.described.watching(self.net, look), torch.no_grad(), self._autocast:
            self._prepare(training=True)
            self.net(self._moved(images))
        return found[0] if found else None


def _tensor(array: np.ndarray) -> Tensor:
    """A tensor of the same memory, or of a copy where PyTorch cannot share it."""
    return torch.from_numpy(array if array.flags.writeable else array.copy())


def _array(tensor: Tensor) -> Array:
    array: Array = tensor.detach().cpu().numpy()
    return array
