"""Cost of looking at a run while it trains: the same training with and without somebody looking.

    python benchmarks/looking.py [ARCH] [PAIRS] [SECONDS]

Windows in which a viewer asks for the weights at every poll and computes the maps of the first
layer and the histograms of all, alternate with windows in which nobody looks, so that a busy
machine disturbs both alike. From the steps that one look costs follows what looks cost at the
rate that their pace allows: at most 3%.
"""

from __future__ import annotations

import statistics
import sys
import threading
import time
from contextlib import closing

import msgspec
import numpy as np

from cnn_tui.engine.data.dataset import Dataset, Split
from cnn_tui.engine.insight.histograms import in_common_bins, sample
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import resolve
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import BatchCompleted, RunEvent
from cnn_tui.engine.training.glimpse import OFTEN, SHARE, Glimpse
from cnn_tui.engine.training.trainer import Trainer

MOST = 0.03
IMAGES = 4096
POLL = 0.25
"""Seconds between two polls, as in the app."""


class Run:
    """A training on random pictures in a thread, and a count of its steps."""

    def __init__(self, network: Network) -> None:
        rng = np.random.default_rng(0)
        classes = check(network).layers[-1].activations

        def split(size: int) -> Split:
            pixels = rng.integers(0, 256, (size, *network.input), dtype=np.uint8)
            return Split(pixels, np.arange(size) % classes)

        names = tuple(map(str, range(classes)))
        data = Dataset("random", names, split(IMAGES), split(256), split(256))
        recipe = msgspec.structs.replace(network.training, epochs=100_000, batch_size=64, lr=1e-5)
        network = msgspec.structs.replace(network, training=recipe)
        self.steps, self.control = 0, Control()
        trainer = Trainer(network, data, emit=self._emit, control=self.control)
        self.thread = threading.Thread(target=trainer.run)
        self.thread.start()

    def _emit(self, event: RunEvent) -> None:
        self.steps += isinstance(event, BatchCompleted)

    def rate(self, seconds: float) -> float:
        """Steps a second."""
        before, began = self.steps, time.perf_counter()
        time.sleep(seconds)
        return (self.steps - before) / (time.perf_counter() - began)

    def close(self) -> None:
        self.control.stop()
        self.thread.join()


class Viewer:
    """Looks at every poll."""

    def __init__(self, control: Control) -> None:
        self.control = control
        self.seconds: list[float] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        while not self._over.wait(POLL):
            if glimpse := self.control.glimpse():
                began = time.perf_counter()
                look(glimpse)
                self.seconds.append(time.perf_counter() - began)

    def close(self) -> None:
        self._over.set()
        self._thread.join()


def look(glimpse: Glimpse) -> None:
    with closing(Subject.of_snapshot(glimpse)) as subject:
        example = subject.example(0)
        with subject.model.opened(example.images, threads=1) as inside:
            inside.output(inside.layers[0])
        in_common_bins([sample(subject)])


def main(arch: str = "lenet5", pairs: str = "10", seconds: str = "5") -> None:
    run = Run(resolve(arch))
    while run.steps < 50:
        time.sleep(0.1)
    lost, looks = list[float](), list[float]()
    for pair in range(int(pairs)):
        rates = {}
        for looked in (True, False) if pair % 2 else (False, True):
            viewer = Viewer(run.control) if looked else None
            rates[looked] = run.rate(float(seconds))
            if viewer:
                viewer.close()
                looks += viewer.seconds
        lost.append((1 - rates[True] / rates[False]) * float(seconds))
    run.close()
    look_seconds = statistics.median(looks)
    loss = statistics.median(lost) * len(lost) / len(looks)
    every = max(OFTEN, look_seconds / SHARE)
    print(
        f"{arch}: a look of {look_seconds * 1e3:.0f} ms costs the training {loss * 1e3:+.0f} ms "
        f"(median of {len(lost)} pairs, {len(looks)} looks); one every {every:.1f} s: "
        f"{loss / every:+.2%}, at most {MOST:.0%}"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
