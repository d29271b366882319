"""Shared parts of the benchmarks: workloads, a training step of either engine, and helpers."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from cnn_tui.engine.build import build
from cnn_tui.engine.optimizers import build_optimizer
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.network import Network, Recipe
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.engine.specs.quick.parse import parse_quick

RECIPE = Recipe(optimizer="momentum", lr=1e-4)
"""A rate so small that random labels do not make the weights diverge."""

Step = Callable[[], None]
"""Forward, loss, backward, and an update by SGD with momentum, all in float32."""


class Trainable(Protocol):
    """A network and the size of its batches."""

    @property
    def network(self) -> Network: ...

    @property
    def batch(self) -> int: ...


class Workload(NamedTuple):
    """A preset and the size of its batches."""

    preset: str
    batch: int

    def __str__(self) -> str:
        return f"{self.preset}:{self.batch}"

    @property
    def network(self) -> Network:
        return OWN[self.preset] if self.preset in OWN else load_preset(self.preset)


WORKLOADS = (
    Workload("lenet5", 64),
    Workload("lenet5", 256),
    Workload("cifar-convnet", 64),
    Workload("resnet20", 128),
    Workload("alexnet", 16),
)
MORE = (
    Workload("mobilenet_v2", 8),
    Workload("squeezenet1_1", 16),
    Workload("resnet18", 8),
    Workload("densenet40", 32),
    Workload("mlp", 128),
)
"""A second group, with light layers, branches and small products."""
OWN = {
    "mlp": Network(name="mlp", input=(1, 28, 28), layers=parse_quick("fc128 relu fc64 relu fc10"))
}
"""Networks that are no presets."""


def workload(text: str) -> Workload:
    """``lenet5:64`` as a workload; for argparse."""
    preset, _, batch = text.rpartition(":")
    return Workload(preset, int(batch))


def add_workloads(parser: argparse.ArgumentParser, default: Sequence[Workload]) -> None:
    names = " ".join(map(str, default))
    parser.add_argument(
        "--workloads",
        nargs="+",
        type=workload,
        default=list(default),
        metavar="NETWORK:BATCH",
        help=f"default: {names}",
    )


def random_batch(network: Network, batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Normally distributed images and random labels, the same at every call."""
    rng = np.random.default_rng(0)
    images = rng.standard_normal((batch, *network.input), dtype=np.float32)
    classes = check(network).layers[-1].activations
    return images, rng.integers(0, classes, batch)


def engine_step(work: Trainable, threads: int) -> Step:
    """A training step of the engine."""
    model = build(work.network, threads=threads)
    optimizer = build_optimizer(RECIPE, model)
    images, targets = random_batch(work.network, work.batch)

    def step() -> None:
        result = model.train_batch(images, targets)
        optimizer.step(RECIPE.lr, result.gradient_norm)

    return step


def torch_step(
    work: Trainable,
    threads: int,
    *,
    channels_last: bool,
    fused: bool = False,
    pixels: np.ndarray | None = None,
) -> Step:
    """The same step in PyTorch, from the same weights, in one of its two memory formats.

    With ``pixels``, images of bytes, it also draws and normalises the images of each batch, reads
    the loss and counts the right answers.
    """
    import torch  # only here: the engine's own memory is measured without it
    from torch_peer import copy_weights, loss_function, to_torch, torch_optimizer

    torch.set_num_threads(threads)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    model = build(work.network)
    net = to_torch(work.network, inplace=True)
    copy_weights(model, net)
    net = net.to(memory_format=layout).train()
    criterion = loss_function(work.network.loss)
    optimizer = torch_optimizer(RECIPE, model, net, fused=fused)
    model.close()
    arrays = random_batch(work.network, work.batch)
    images, targets = (torch.from_numpy(array) for array in arrays)
    images = images.contiguous(memory_format=layout)

    def step() -> None:
        optimizer.zero_grad()
        criterion(net(images).flatten(1), targets).backward()
        optimizer.step()

    if pixels is None:
        return step
    stored = torch.from_numpy(pixels)

    def whole_step() -> None:
        batch = stored[torch.randint(len(stored), (work.batch,))].float().sub_(128).div_(64)
        scores = net(batch.contiguous(memory_format=layout)).flatten(1)
        loss = criterion(scores, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()
        (scores.argmax(1) == targets).sum().item()

    return whole_step


def turn(step: Step, seconds: float) -> float:
    """Mean seconds of a step, over as many steps as fit in ``seconds``.

    One step before those is not counted: it finds the caches full of the other side's data, and
    waits for the other side's threads to fall asleep.
    """
    step()
    begin = time.perf_counter()
    count = 0
    while True:
        step()
        count += 1
        elapsed = time.perf_counter() - begin
        if elapsed >= seconds:
            return elapsed / count


def geometric_mean(values: Iterable[float]) -> float:
    return float(np.exp(np.mean(np.log(list(values)))))
