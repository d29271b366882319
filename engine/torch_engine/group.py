"""The processes that torchrun started, which compute one training together.

The first leads: it has the trainer, the data and the run. The others follow: they wait for what it
tells them, numbers in a row of fixed length, and for their share of each batch. Nothing else
crosses between them but tensors.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn

from cnn_tui.engine.errors import EngineError
from cnn_tui.engine.specs.codec import dumps_network, loads_network
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.torchrun import number_in

_NUMBERS = 8
"""Numbers that the leader tells at a time."""
_PATIENCE = datetime.timedelta(days=30)
"""How long a process waits for another: a run may be paused."""


class Told(IntEnum):
    """What the leader tells the others to do."""

    END = 0
    LOAD = 1
    TRAIN = 2
    FORWARD = 3
    STEP = 4


@dataclass(frozen=True)
class TrainingGroup:
    """This process among those of a training."""

    rank: int
    size: int
    local_rank: int
    """The number of the process on this machine: that of its GPU."""
    local_size: int

    @property
    def leads(self) -> bool:
        """Whether this process has the trainer."""
        return self.rank == 0

    def bounds(self, images: int, rank: int) -> slice:
        """The share of a process in a batch; a batch with too few images is computed by all."""
        if images < self.size:
            return slice(0, images)
        return slice(images * rank // self.size, images * (rank + 1) // self.size)

    def tell(self, what: Told, *numbers: float) -> None:
        """Tell the others what comes next."""
        row = torch.zeros(_NUMBERS, dtype=torch.float64)
        row[: 1 + len(numbers)] = torch.tensor([what, *numbers], dtype=torch.float64)
        dist.broadcast(row, 0)

    def hear(self) -> tuple[Told, list[float]]:
        """Wait for what the leader tells."""
        row = torch.zeros(_NUMBERS, dtype=torch.float64)
        dist.broadcast(row, 0)
        what, *numbers = row.tolist()
        return Told(int(what)), numbers

    def hand_out(self, arrays: Sequence[Tensor | None]) -> list[Tensor | None]:
        """Send the others their shares of a batch; returns one's own."""
        given = [array for array in arrays if array is not None]
        sent = [
            dist.isend(array[self.bounds(len(array), rank)].contiguous(), rank, tag=number)
            for rank in range(1, self.size)
            for number, array in enumerate(given)
        ]
        for each in sent:
            each.wait()
        return [None if one is None else one[self.bounds(len(one), 0)] for one in arrays]

    def receive(self, like: Sequence[Tensor | None], images: int) -> list[Tensor | None]:
        """One's own share of a batch, of tensors whose types and shapes are given for no image."""
        own = self.bounds(images, self.rank)
        shares = [
            None if one is None else one.new_empty((own.stop - own.start, *one.shape[1:]))
            for one in like
        ]
        for number, share in enumerate(one for one in shares if one is not None):
            dist.recv(share, 0, tag=number)
        return shares

    def send_network(self, network: Network, seed: int, threads: int) -> None:
        """Tell the others what to build."""
        text = torch.tensor(list(dumps_network(network).encode()), dtype=torch.uint8)
        dist.broadcast(torch.tensor([len(text), seed, threads], dtype=torch.int64), 0)
        dist.broadcast(text, 0)

    def receive_network(self) -> tuple[Network, int, int]:
        """The network, its seed and the number of threads of the leader."""
        figures = torch.zeros(3, dtype=torch.int64)
        dist.broadcast(figures, 0)
        length, seed, threads = figures.tolist()
        text = torch.zeros(length, dtype=torch.uint8)
        dist.broadcast(text, 0)
        return loads_network(bytes(text.tolist()).decode(), "torchrun"), seed, threads

    def sum(self, figures: Tensor) -> Tensor:
        """The sum over all processes of a few figures."""
        figures = figures.cpu()
        dist.all_reduce(figures)
        return figures


def join_group() -> TrainingGroup | None:
    """This process among others, if torchrun started it with others."""
    size = number_in("WORLD_SIZE", 1)
    if size == 1:
        return None
    rank, local = number_in("RANK"), number_in("LOCAL_RANK")
    if rank >= size:
        raise EngineError(f"RANK is {rank}, of {size} processes that count from 0.")
    if not dist.is_initialized():
        # What is told stays on the CPU; gradients go from GPU to GPU.
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        try:
            store, _, _ = next(dist.rendezvous("env://", timeout=_PATIENCE))
            # torchrun may keep the store, with what the processes before a restart wrote into it.
            again = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
            store = dist.PrefixStore(f"start {again}", store)
            dist.init_process_group(
                backend, store=store, rank=rank, world_size=size, timeout=_PATIENCE
            )
        except (RuntimeError, ValueError) as error:
            raise EngineError(
                f"The processes of torchrun did not find one another: {error}",
                "Start them with torchrun, which sets MASTER_ADDR and MASTER_PORT.",
            ) from None
    return TrainingGroup(rank, size, local, number_in("LOCAL_WORLD_SIZE", size))


class SyncedBatchNorm(nn.Module):
    """A batch norm by the statistics of all processes, where PyTorch has none: on the CPU."""

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        self.weight, self.bias = norm.weight, norm.bias
        self.eps, self.momentum = norm.eps, norm.momentum
        for name, buffer in norm.named_buffers():
            self.register_buffer(name, buffer)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise; in training by the batch, whose statistics go into the running ones."""
        shape = (1, -1, *[1] * (x.ndim - 2))
        if not self.training:
            mean, var = self.running_mean, self.running_var
        else:
            axes = [0, *range(2, x.ndim)]
            count = _summed(torch.tensor(float(x.numel() // x.shape[1]), dtype=x.dtype))
            mean = _summed(x.sum(axes)) / count
            var = _summed((x - mean.reshape(shape)).square().sum(axes)) / count
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(var * count / (count - 1), self.momentum)
        scale = self.weight / torch.sqrt(var + self.eps)
        return (x - mean.reshape(shape)) * scale.reshape(shape) + self.bias.reshape(shape)


class _Sum(torch.autograd.Function):
    """A sum over all processes, whose gradient is the sum of theirs."""

    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        total = x.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        dist.all_reduce(total)
        return total


def _summed(x: Tensor) -> Tensor:
    total: Tensor = _Sum.apply(x)
    return total


def synced(net: nn.Module, device: torch.device) -> nn.Module:
    """The module with batch norms over all processes."""
    if device.type != "cpu":
        return nn.SyncBatchNorm.convert_sync_batchnorm(net)
    for name, child in net.named_children():
        if isinstance(child, (nn.BatchNorm1d, nn.BatchNorm2d)):
            setattr(net, name, SyncedBatchNorm(child))
        else:
            synced(child, device)
    return net


def as_tensor(array: np.ndarray | None) -> Tensor | None:
    """A tensor of the same memory."""
    return None if array is None else torch.from_numpy(np.ascontiguousarray(array))
