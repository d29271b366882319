"""One training over the processes of torchrun: the engine of the first, and what the others do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import DTypeLike
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from cnn_tui.engine.batch_checks import check_images
from cnn_tui.engine.errors import EngineError, MemoryLimitError
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.protocol import BatchResult, Weights
from cnn_tui.engine.specs.network import Network, Recipe
from cnn_tui.engine.torch_engine.described import Described
from cnn_tui.engine.torch_engine.engine import TorchEngine
from cnn_tui.engine.torch_engine.gradients import read_with_norm
from cnn_tui.engine.torch_engine.group import Told, TrainingGroup, as_tensor, synced
from cnn_tui.engine.torch_engine.optimizer import TorchOptimizer

_STREAM = 1 << 40


class SharedEngine(TorchEngine):
    """The engine of one of several processes; each computes its share of a batch.

    Gradients are averaged by PyTorch's ``DistributedDataParallel``. Batch norms use the statistics
    of a share, those of the first process are kept; with ``sync_batchnorm`` those of the batch.
    """

    def __init__(
        self, described: Described, dtype: DTypeLike, threads: int, group: TrainingGroup
    ) -> None:
        self.group, self.stream = group, _STREAM * group.rank
        self._stale = False
        self._optimizer: SharedOptimizer | None = None
        own = max(1, threads // group.local_size)
        super().__init__(described, dtype, own, number=group.local_rank)

    def prepared(self, net: nn.Module) -> nn.Module:
        """The module with batch norms over all processes, if the recipe says so."""
        return synced(net, self.device) if self.network.training.sync_batchnorm else net

    def joined(self) -> nn.Module:
        """The module that averages its gradients with the others."""
        where = [self.device.index] if self.device.type == "cuda" else None
        return DistributedDataParallel(self.net, device_ids=where)

    @property
    def signature(self) -> str:
        """Who computes where, and by how many."""
        return f"{super().signature}, {self.group.size} processes"

    def optimizer(self, recipe: Recipe) -> SharedOptimizer:
        """The optimizer, which steps in every process."""
        self._optimizer = SharedOptimizer(self, recipe)
        return self._optimizer

    def put(self, weights: Weights) -> None:
        """Load parameters and buffers; the others get them before the next batch."""
        super().put(weights)
        self._stale = True

    def _refresh(self) -> None:
        """Give the others what was put here since the last batch."""
        if self._stale:
            self.group.tell(Told.LOAD, self.mode.step)
            self.share_state()
            self._stale = False

    def share_state(self) -> None:
        """Give the others the weights, the buffers and the state of the optimizer."""
        tensors = [one.tensor.detach() for one in self.parameters.values()]
        tensors += self.buffers.values()
        if self._optimizer is not None:
            tensors += self._optimizer.kept()
        for tensor in tensors:
            dist.broadcast(tensor, 0)

    def close(self) -> None:
        """Let the others end."""
        # Others that have ended already hear nothing.
        if self.group.leads:
            with suppress(RuntimeError):
                self.group.tell(Told.END)
                dist.destroy_process_group()
        super().close()

    def forward(self, images: Array, training: bool = False) -> Array:
        """Scores of the batch, of which each process computes a share."""
        if training or len(images) < self.group.size:
            return super().forward(images, training)
        check_images(images, self.dtype, self.input_shape)
        with together():
            self._refresh()
            self.group.tell(Told.FORWARD, len(images))
            self.share_buffers()
            (share,) = self.group.hand_out([as_tensor(images)])
            return self.gather(super().forward(_array(share)), len(images))

    def share_buffers(self) -> None:
        """Give the others the running statistics of the first."""
        for buffer in self.buffers.values():
            dist.broadcast(buffer, 0)

    def gather(self, scores: Array, images: int) -> Array:
        """The scores of all shares, in the process that leads."""
        own, group = torch.from_numpy(scores), self.group
        if not group.leads:
            dist.send(own, 0)
            return scores
        parts = [own]
        for rank in range(1, group.size):
            bounds = group.bounds(images, rank)
            parts.append(own.new_empty((bounds.stop - bounds.start, own.shape[1])))
            dist.recv(parts[-1], rank)
        whole: Array = torch.cat(parts).numpy()
        return whole

    def _train(self, images: Array, labels: Sequence[np.ndarray | None]) -> BatchResult:
        with together():
            self._refresh()
            dropout = -1.0 if self.mode.dropout is None else self.mode.dropout
            flags = sum((label is not None) << place for place, label in enumerate(labels))
            self.group.tell(Told.TRAIN, len(images), self.mode.step, dropout, flags)
            shares = self.group.hand_out([as_tensor(images), *map(as_tensor, labels)])
            return self.train_share(shares, len(images))

    def train_share(self, shares: Sequence[Tensor | None], images: int) -> BatchResult:
        """Train on the share of this process of ``images`` images; the result is of all of them."""
        own, *labels = (None if share is None else share.numpy() for share in shares)
        group, size = self.group, self.group.size
        # The average over the processes is to be the mean over the images.
        scale = size / images if images >= size else 1 / images
        figures = torch.stack(self.differentiate(_array(own), labels, scale))
        loss, right = group.sum(figures).tolist()
        (norm,) = read_with_norm((), self._gradients())
        if images < size:  # each has computed all of them
            loss, right = loss / size, right / size
        return BatchResult(loss / images, round(right), norm)

    def _first_non_finite(self, images: Array) -> str | None:
        # Alone, this process would wait for the statistics of the others.
        return None if self.network.training.sync_batchnorm else super()._first_non_finite(images)

    def _too_large(self, batch: int) -> MemoryLimitError:
        return MemoryLimitError(
            f"A device has too little memory for its share of a batch of {batch:,} images of "
            f"{self.network.name}.",
            "Set a smaller batch_size, or start more processes.",
        )


@contextmanager
def together() -> Iterator[None]:
    """Say it in a sentence if another process is no longer there."""
    try:
        yield
    except RuntimeError as error:
        if not any(word in str(error) for word in ("gloo", "NCCL", "onnection")):
            raise
        raise EngineError(
            "Another process of this training has ended.",
            "With --max-restarts torchrun starts all again, and the run continues.",
        ) from None


class SharedOptimizer(TorchOptimizer):
    """The optimizer of one of several processes, which all take the same steps."""

    def __init__(self, engine: SharedEngine, recipe: Recipe) -> None:
        super().__init__(engine, recipe)
        self._shared = engine

    def step(self, lr: float, gradient_norm: float = 0.0) -> float:
        """Update the weights in every process."""
        if self._shared.group.leads:
            with together():
                self._shared.group.tell(Told.STEP, lr, self.l2, gradient_norm)
        return super().step(lr, gradient_norm)

    def kept(self) -> list[Tensor]:
        """The state, in the same order in every process."""
        return [tensor for _, tensor in self._states()]


def follow(group: TrainingGroup, joined: Callable[[], None]) -> None:
    """Compute for the process that leads, until it ends; ``joined`` is called at the beginning.

    Raises:
        EngineError: if the leader is no longer there.
    """
    with together():
        network, seed, threads = group.receive_network()
        joined()
        _follow(group, network, seed, threads)


def _follow(group: TrainingGroup, network: Network, seed: int, threads: int) -> None:
    dtype = np.dtype(np.float32)
    engine = SharedEngine(Described(network, seed, dtype), dtype, threads, group)
    optimizer = engine.optimizer(network.training)
    torch.set_num_threads(engine.threads)
    images = torch.empty((0, *network.input))
    numbers, factors = torch.empty(0, dtype=torch.int64), torch.empty(0)
    labels = (numbers, factors, numbers, factors)
    while True:
        told, figures = group.hear()
        match told:
            case Told.END:
                dist.destroy_process_group()
                return
            case Told.LOAD:
                engine.share_state()
                optimizer.count(int(figures[0]))
            case Told.FORWARD:
                engine.share_buffers()
                (share,) = group.receive([images], int(figures[0]))
                engine.gather(TorchEngine.forward(engine, _array(share)), int(figures[0]))
            case Told.TRAIN:
                count, engine.mode.step, flags = int(figures[0]), int(figures[1]), int(figures[3])
                engine.mode.dropout = None if figures[2] < 0 else figures[2]
                kinds = [one if flags >> place & 1 else None for place, one in enumerate(labels)]
                engine.train_share(group.receive([images, *kinds], count), count)
            case Told.STEP:
                lr, optimizer.l2, norm = figures[:3]
                optimizer.step(lr, norm)


def _array(share: Any) -> Array:
    array: Array = share if isinstance(share, np.ndarray) else share.numpy()
    return array
