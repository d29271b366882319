"""LeNet-5 on MNIST by the engine and PyTorch alternately: error by epoch, seconds to 99%.

Both start from the same weights and use the same recipe: batches in the same order, the same rate
at each step, the same normalisation. After each epoch of the engine its clock stops and PyTorch
trains an epoch, so that a machine whose speed drifts slows both. Each clock runs from building the
network to the test after each epoch; reading the files and choosing PyTorch's faster memory format
are not counted. Nothing is chosen by the test split.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from _common import Workload, torch_step, turn
from msgspec import structs
from torch_peer import copy_weights, loss_function, to_torch, torch_optimizer

from cnn_tui.engine.build import build
from cnn_tui.engine.data.catalog import load_dataset
from cnn_tui.engine.data.dataset import Dataset, Split
from cnn_tui.engine.data.loader import epoch_batches
from cnn_tui.engine.data.preprocess import Normalizer
from cnn_tui.engine.schedules import learning_rate
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.engine.training.events import EpochCompleted, RunEnded, RunEvent
from cnn_tui.engine.training.trainer import Trainer

GOAL = 0.99
TEST_BATCH = 1000
MNIST = Path(__file__).parents[1] / ".." / "shared" / "data" / "mnist"


@dataclass
class Clock:
    """Seconds of one side and its test errors."""

    goal: float
    seconds: float = 0.0
    errors: list[float] = field(default_factory=list)
    """Test error after each epoch, in percent."""
    to_goal: float | None = None
    _began: float = 0.0

    def start(self) -> None:
        self._began = time.perf_counter()

    def stop(self) -> None:
        self.seconds += time.perf_counter() - self._began

    def note(self, accuracy: float) -> None:
        """Record a test error while the clock is stopped."""
        self.errors.append(100 * (1 - accuracy))
        if accuracy >= self.goal and self.to_goal is None:
            self.to_goal = self.seconds


class Peer:
    """PyTorch's side: the whole dataset as tensors, batches by ``index_select``."""

    def __init__(self, network: Network, data: Dataset, *, channels_last: bool) -> None:
        self.recipe, self.data = network.training, data
        self.layout = torch.channels_last if channels_last else torch.contiguous_format
        normalizer = Normalizer.fit(data.train)
        self.train, self.test = (
            self._tensors(part, normalizer) for part in (data.train, data.test)
        )
        self.net = to_torch(network, inplace=True)
        model = build(network)
        copy_weights(model, self.net)
        self.net = self.net.to(memory_format=self.layout)
        self.optimizer = torch_optimizer(self.recipe, model, self.net, fused=True)
        self.loss = loss_function(network.loss)
        self.step = self.epoch = 0

    def _tensors(self, split: Split, normalizer: Normalizer) -> tuple[torch.Tensor, torch.Tensor]:
        images = torch.from_numpy(normalizer.apply(split.images))
        return images.contiguous(memory_format=self.layout), torch.from_numpy(split.labels)

    def train_epoch(self) -> None:
        self.epoch += 1
        self.net.train()
        images, labels = self.train
        recipe = self.recipe
        batches = -(-len(labels) // recipe.batch_size)
        for order in epoch_batches(len(labels), recipe.batch_size, recipe.seed, self.epoch):
            indices = torch.from_numpy(np.ascontiguousarray(order))
            for group in self.optimizer.param_groups:
                group["lr"] = learning_rate(recipe, self.step, batches)
            self.optimizer.zero_grad()
            scores = self.net(images.index_select(0, indices))
            self.loss(scores, labels.index_select(0, indices)).backward()
            self.optimizer.step()
            self.step += 1

    @torch.no_grad()
    def accuracy(self) -> float:
        self.net.eval()
        pairs = zip(*(tensor.split(TEST_BATCH) for tensor in self.test), strict=True)
        right = sum(int((self.net(x).argmax(1) == y).sum()) for x, y in pairs)
        return right / len(self.test[1])


def faster_format(threads: int, batch: int) -> bool:
    """Whether ``channels_last`` is the faster memory format on this machine."""
    work = Workload("lenet5", batch)
    steps = [torch_step(work, threads, channels_last=last, fused=True) for last in (False, True)]
    times = [min(turn(step, 0.3) for _ in range(5)) for step in steps]
    return times[1] < times[0]


def race(network: Network, data: Dataset, threads: int, goal: float) -> dict[str, Clock]:
    """Train both sides, alternating by epoch."""
    ours, theirs = Clock(goal), Clock(goal)
    channels_last = faster_format(threads, network.training.batch_size)
    theirs.start()
    peer = Peer(network, data, channels_last=channels_last)
    theirs.stop()

    def emit(event: RunEvent) -> None:
        if isinstance(event, RunEnded) and event.reason != "completed":
            raise SystemExit(f"the engine's run {event.reason}: {event.message}")
        if not isinstance(event, EpochCompleted):
            return
        ours.stop()
        ours.note(event.val_accuracy)
        theirs.start()
        peer.train_epoch()
        accuracy = peer.accuracy()
        theirs.stop()
        theirs.note(accuracy)
        report(event.epoch, ours, theirs)
        ours.start()

    # The Trainer validates after each epoch, here on the test split, which is not used otherwise.
    shown = Dataset(data.name, data.classes, data.train, data.test, data.test)
    ours.start()
    Trainer(network, shown, emit=emit, threads=threads).run()
    return {"ours": ours, "torch": theirs}


def report(epoch: int, ours: Clock, theirs: Clock) -> None:
    sides = zip(("ours", "PyTorch"), (ours, theirs), strict=True)
    text = "   ".join(
        f"{name} {clock.errors[-1]:.2f}% after {clock.seconds:6.1f} s" for name, clock in sides
    )
    print(f"epoch {epoch:2}: test error {text}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data-dir", type=Path, default=MNIST, help="folder of the four files")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--goal", type=float, default=100 * GOAL, help="test accuracy in percent")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    network = load_preset("lenet5")
    recipe = structs.replace(network.training, epochs=options.epochs, seed=options.seed)
    network = structs.replace(network, training=recipe)
    data = load_dataset("mnist", options.data_dir)
    clocks = race(network, data, options.threads, options.goal / 100)
    for name, clock in clocks.items():
        goal = "not reached" if clock.to_goal is None else f"{clock.to_goal:.1f} s"
        print(f"{name:6} {options.goal:g}% in {goal}; error at the end {clock.errors[-1]:.2f}%")
    if options.json:
        found = {
            name: {"errors": c.errors, "seconds": c.seconds, "seconds_to_99": c.to_goal}
            for name, c in clocks.items()
        }
        print(json.dumps(found))


if __name__ == "__main__":
    main()
