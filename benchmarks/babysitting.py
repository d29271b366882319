"""Cost of layer measurements and the babysitter: the same steps with and without them.

    python benchmarks/babysitting.py [ARCH] [PAIRS]

Blocks of the steps from one measurement to the next alternate with blocks without a measurement, so
that a busy machine disturbs both alike; the parts are then timed separately.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np

from cnn_tui.engine.build import build
from cnn_tui.engine.optimizers import build_optimizer
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import resolve
from cnn_tui.engine.training.babysitter import Babysitter
from cnn_tui.engine.training.events import BatchCompleted, LayersMeasured
from cnn_tui.engine.training.health import EVERY, HealthMeter

BATCH = 64
EVENT = BatchCompleted(
    step=1,
    epoch=1,
    batch=1,
    loss=2.3,
    l2_loss=0.1,
    accuracy=0.1,
    lr=0.01,
    images_per_second=1.0,
    seconds=1.0,
)


class Subject:
    """A network in training on random images."""

    def __init__(self, network: Network) -> None:
        rng = np.random.default_rng(0)
        self.model = build(network)
        self.optimizer = build_optimizer(network.training, self.model)
        self.meter, self.sitter = HealthMeter(self.model, network), Babysitter(network)
        self.images = rng.standard_normal((BATCH, *network.input), dtype=np.float32)
        self.targets = rng.integers(0, check(network).layers[-1].activations, BATCH)

    def step(self) -> None:
        self.model.train_batch(self.images, self.targets)
        self.optimizer.step(1e-4)

    def measure(self) -> LayersMeasured:
        return self.meter.measure(1, 1, self.images, self.targets)

    def block(self, *, watched: bool) -> None:
        """The steps from one measurement to the next."""
        for number in range(EVERY):
            if watched and number == 0:
                self.meter.before()
            self.step()
            if watched:
                self.sitter.consume(EVENT)
                if number == 0:
                    self.sitter.consume(self.measure())


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compare(subject: Subject, pairs: int) -> list[float]:
    """The share by which a watched block takes longer, for each pair."""
    excess = []
    for pair in range(pairs):
        order = (True, False) if pair % 2 else (False, True)
        times = {w: seconds(lambda w=w: subject.block(watched=w)) for w in order}
        excess.append(times[True] / times[False] - 1)
    return excess


def parts(subject: Subject) -> None:
    step = statistics.median(seconds(subject.step) for _ in range(50))

    def measured() -> LayersMeasured:
        subject.meter.before()
        return subject.measure()

    event = measured()
    for name, work, every in (
        ("measuring the layers", measured, EVERY),
        ("the babysitter on a measurement", lambda: subject.sitter.consume(event), EVERY),
        ("the babysitter on a step", lambda: subject.sitter.consume(EVENT), 1),
    ):
        cost = statistics.median(seconds(work) for _ in range(200))
        share = cost / every / step
        print(f"{name}: {cost * 1e6:,.0f} us every {every} steps, {share:.2%} of a step")
    print(f"a step: {step * 1e3:.2f} ms")


def main(arch: str = "lenet5", pairs: str = "60") -> None:
    network = resolve(arch)
    subject = Subject(network)
    subject.block(watched=True)
    excess = compare(subject, int(pairs))
    quarters = statistics.quantiles(excess, n=4)
    print(
        f"{arch}, batch {BATCH}: {statistics.median(excess):+.2%} time with measuring and "
        f"babysitter (median of {len(excess)} pairs, half of them within {quarters[0]:+.2%} to "
        f"{quarters[2]:+.2%})"
    )
    parts(subject)
    subject.model.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
