"""Ten trainings that go wrong, and what the first remedy, taken once, makes of each.

    python benchmarks/sabotage.py [--arch digits-convnet three-layer] [--cause NAME...]
    python benchmarks/sabotage.py --arch lenet5 --data-dir MNIST --limit 6000 --epochs 4

A remedy is taken as the Train screen takes it: at once, in the running training or in a new one,
and again at the end of the broken run, where only a new one is possible. The table is in Markdown.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from cnn_tui.engine.data.catalog import load_network_data
from cnn_tui.engine.data.dataset import Dataset, Split
from cnn_tui.engine.model import Model
from cnn_tui.engine.optimizers import Optimizer
from cnn_tui.engine.specs.layers import Dropout, Layer
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import resolve
from cnn_tui.engine.training import remedies
from cnn_tui.engine.training.checkpointer import Checkpointer
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import Alert, RunEnded, RunEvent
from cnn_tui.engine.training.progress import Progress
from cnn_tui.engine.training.trainer import Trainer


class LowBiases(Checkpointer):
    """Starts with biases so low that the ReLUs of all hidden layers are silent."""

    def restore(self, model: Model, optimizer: Optimizer) -> Progress | None:
        biases = [p for name, p in model.parameters.items() if name.endswith(".bias")]
        for bias in biases[:-1]:
            bias.data[...] = -20
        return None


class Sabotage(NamedTuple):
    """One way to spoil a training."""

    change: Callable[[Network], Network] = lambda network: network
    data: Callable[[Dataset], Dataset] = lambda data: data
    checkpointer: type[Checkpointer] = Checkpointer
    curable: bool = True


def _recipe(**settings: object) -> Callable[[Network], Network]:
    def change(network: Network) -> Network:
        training = msgspec.structs.replace(network.training, **settings)
        return msgspec.structs.replace(network, training=training)

    return change


def _drop_most(network: Network) -> Network:
    """Dropout of 0.95 in place of the network's own, or before its last layer."""
    others: list[Layer] = [layer for layer in network.layers if not isinstance(layer, Dropout)]
    return msgspec.structs.replace(network, layers=(*others[:-1], Dropout(p=0.95), others[-1]))


def _shuffled(data: Dataset) -> Dataset:
    labels = np.random.default_rng(0).permutation(data.train.labels)
    return replace(data, train=Split(data.train.images, labels))


SABOTAGES = {
    "learning rate of 10": Sabotage(_recipe(lr=10.0)),
    "learning rate of 1": Sabotage(_recipe(lr=1.0)),
    "learning rate of 1e-6": Sabotage(_recipe(lr=1e-6)),
    "zero weights": Sabotage(_recipe(initializer="zeros")),
    "shuffled labels": Sabotage(data=_shuffled, curable=False),
    "missing scaling": Sabotage(_recipe(normalize=False)),
    "dead ReLUs by the rate": Sabotage(_recipe(lr=0.4)),
    "dead ReLUs by the biases": Sabotage(checkpointer=LowBiases),
    "L2 of 1": Sabotage(_recipe(l2=1.0)),
    "dropout of 0.95": Sabotage(_drop_most),
}


class Outcome(NamedTuple):
    """The alerts of a training and its accuracy on the test images; None if it has none."""

    alerts: tuple[Alert, ...]
    accuracy: float | None
    taken: Alert | None = None


def train(
    network: Network,
    data: Dataset,
    checkpointer: type[Checkpointer] = Checkpointer,
    *,
    at_once: bool,
) -> Outcome:
    """Train, taking the first remedy as soon as it is offered if ``at_once``."""
    control, alerts, taken = Control(), list[Alert](), list[Alert]()
    accuracy: float | None = None

    def emit(event: RunEvent) -> None:
        nonlocal accuracy
        if isinstance(event, RunEnded):
            accuracy = event.test_accuracy
        if not isinstance(event, Alert):
            return
        alerts.append(event)
        if at_once and not taken and event.remedy and event.remedy.changes:
            taken.append(event)
            if event.remedy.restart:
                control.stop(keep=False)
            else:
                remedies.steer(control, event.remedy)

    Trainer(network, data, emit=emit, control=control, checkpointer=checkpointer()).run()
    if taken and taken[0].remedy and taken[0].remedy.restart:
        again = train(remedies.apply(network, taken[0].remedy), data, at_once=False)
        return Outcome((*alerts, *again.alerts), again.accuracy, taken[0])
    return Outcome(tuple(alerts), accuracy, taken[0] if taken else None)


def late(network: Network, data: Dataset, checkpointer: type[Checkpointer]) -> Outcome:
    """Train to the end, then take the newest remedy in a new run."""
    broken = train(network, data, checkpointer, at_once=False)
    offered = [alert for alert in broken.alerts if alert.remedy and alert.remedy.changes]
    if not offered or offered[-1].remedy is None:
        return broken
    again = train(remedies.apply(network, offered[-1].remedy), data, at_once=False)
    return Outcome((*broken.alerts, *again.alerts), again.accuracy, offered[-1])


def rows(healthy_network: Network, data: Dataset, causes: list[str]) -> Iterator[tuple[str, ...]]:
    healthy = train(healthy_network, data, at_once=False).accuracy or 0.0
    for cause in causes:
        sabotage = SABOTAGES[cause]
        network, spoilt = sabotage.change(healthy_network), sabotage.data(data)
        broken = train(network, spoilt, sabotage.checkpointer, at_once=False)
        for when in ("at once", "at the end"):
            if when == "at once":
                outcome = train(network, spoilt, sabotage.checkpointer, at_once=True)
            else:
                outcome = late(network, spoilt, sabotage.checkpointer)
            verdict = outcome.taken or next(iter(broken.alerts), None)
            yield (
                healthy_network.name,
                cause,
                _percent(broken.accuracy),
                f"{verdict.code} (step {verdict.step})" if verdict else "none",
                verdict.remedy.description if verdict and verdict.remedy else "none",
                when,
                _percent(outcome.accuracy),
                _percent(healthy),
                " ".join(f"{alert.code}@{alert.step}" for alert in outcome.alerts),
            )


def _percent(share: float | None) -> str:
    return "none" if share is None else f"{share:.2%}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arch", nargs="+", default=["digits-convnet", "three-layer"])
    parser.add_argument("--cause", nargs="+", default=list(SABOTAGES), choices=list(SABOTAGES))
    parser.add_argument("--data-dir", type=Path, help="the folder of data that is not built in")
    parser.add_argument("--epochs", type=int, help="instead of the recipe's")
    parser.add_argument("--limit", type=int, help="at most so many images of each split")
    options = parser.parse_args()
    shorter = {"epochs": options.epochs, "limit": options.limit}
    shorten = _recipe(**{name: value for name, value in shorter.items() if value})
    print("| network | cause | broken | verdict | remedy | taken | after it | healthy | alerts |")
    print("|---|---|---|---|---|---|---|---|---|")
    for arch in options.arch:
        network = shorten(resolve(arch))
        network, data, _ = load_network_data(network, options.data_dir)
        for row in rows(network, data, options.cause):
            print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
