"""The PyTorch engine beside a loop written by hand: ``python benchmarks/torch_engine.py``.

Both train the same network in this process, in turns of a few steps: ours with trainer, loader,
recorder of nothing and a board that follows it; the other with three lines of PyTorch on batches
that are ready, and with ten that also draw and normalise each batch, read the loss and count the
right answers. Wanted: at most 5% more than the second.
"""

from __future__ import annotations

import argparse
import statistics
import threading
import time
from collections.abc import Callable

import msgspec
import numpy as np
import torch
from _common import RECIPE, torch_step, workload

from cnn_tui.engine.data.dataset import Dataset, Split
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import BatchCompleted, RunEvent
from cnn_tui.engine.training.trainer import Trainer
from cnn_tui.tui.dashboard.board import Board
from cnn_tui.tui.mailbox import Mailbox

Clock = Callable[[], float]
TURN = 8
"""Steps of a turn."""
POLL = 0.25


def measure(name: str, turns: int, threads: int, clock: Clock) -> tuple[float, float, float]:
    """Median seconds of a step: ours, by hand on ready batches, and by hand with all it takes.

    By hand it is the faster of the memory formats.
    """
    work = workload(name)
    network, batch = work.network, work.batch
    data = random_data(network.input, network.layers[-1].out_features, batch)
    by_hand = [
        torch_step(work, threads, channels_last=last, pixels=pixels)
        for pixels in (None, data.train.images)
        for last in (False, True)
    ]
    recipe = msgspec.structs.replace(
        RECIPE, engine="torch", device="cpu", batch_size=batch, epochs=10_000
    )
    network = msgspec.structs.replace(network, training=recipe)
    control, mailbox, board, ended = Control(), Mailbox(), Board(), threading.Event()
    ours: list[float] = []
    hand: list[list[float]] = [[] for _ in by_hand]
    began = clock()

    def emit(event: RunEvent) -> None:
        nonlocal began
        mailbox.put(event)
        if isinstance(event, BatchCompleted) and event.step % TURN == 0:
            ours.append((clock() - began) / TURN)
            for step, times in zip(by_hand, hand, strict=True):
                start = clock()
                for _ in range(TURN):
                    step()
                times.append((clock() - start) / TURN)
            if len(ours) > turns:
                control.stop(keep=False)
            began = clock()

    def follow() -> None:
        while not ended.wait(POLL):
            for event in mailbox.drain():
                board.apply(event)

    follower = threading.Thread(target=follow)
    follower.start()
    Trainer(network, data, emit=emit, control=control, threads=threads).run()
    ended.set()
    follower.join()
    ready_or_whole = [statistics.median(times[1:]) for times in hand]
    return statistics.median(ours[1:]), min(ready_or_whole[:2]), min(ready_or_whole[2:])


def random_data(shape: tuple[int, int, int], classes: int, batch: int) -> Dataset:
    rng = np.random.default_rng(0)

    def split(images: int) -> Split:
        pixels = rng.integers(0, 256, (images, *shape), dtype=np.uint8)
        return Split(pixels, rng.integers(0, classes, images))

    names = tuple(map(str, range(classes)))
    return Dataset("random", names, split(64 * batch), split(8), split(8))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "workloads", nargs="*", default=["lenet5:64", "cifar-convnet:64", "resnet20:32"]
    )
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument(
        "--cpu",
        action="store_true",
        help="count the processor time of the training's thread, which other programs do not "
        "change; for one thread",
    )
    options = parser.parse_args()
    clock = time.thread_time if options.cpu else time.perf_counter
    for name in options.workloads:
        ours, ready, whole = measure(name, options.turns, options.threads, clock)
        print(
            f"{name:16} ours {1e3 * ours:8.2f} ms   whole loop {1e3 * whole:8.2f} ms "
            f"{ours / whole - 1:+.1%} (wanted: at most +5%)   on ready batches "
            f"{1e3 * ready:8.2f} ms {ours / ready - 1:+.1%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
