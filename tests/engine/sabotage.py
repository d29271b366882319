"""Trainings on the digits that go wrong for one known cause, and the events that they leave."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import numpy as np

from cnn_tui.engine.data.catalog import load_dataset
from cnn_tui.engine.data.dataset import Dataset, Split
from cnn_tui.engine.model import Model
from cnn_tui.engine.ops.loss import LossKernel
from cnn_tui.engine.optimizers import Optimizer
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.engine.training.checkpointer import Checkpointer
from cnn_tui.engine.training.events import Alert, RunEvent
from cnn_tui.engine.training.progress import Progress
from cnn_tui.engine.training.trainer import Trainer

EPOCHS = 4


def recipe(name: str, **settings: Any) -> Network:
    """A preset, a few epochs of it, with other settings."""
    preset = load_preset(name)
    training = msgspec.structs.replace(preset.training, **{"epochs": EPOCHS, **settings})
    return msgspec.structs.replace(preset, training=training)


def trained(
    network: Network, data: Dataset, checkpointer: Checkpointer | None = None
) -> list[RunEvent]:
    events: list[RunEvent] = []
    Trainer(network, data, emit=events.append, checkpointer=checkpointer, threads=1).run()
    return events


def alerts(events: list[RunEvent]) -> list[Alert]:
    return [event for event in events if isinstance(event, Alert)]


def digits() -> Dataset:
    return load_dataset("digits")


def with_train(change: Callable[[Split], Split]) -> Dataset:
    data = digits()
    return Dataset(data.name, data.classes, change(data.train), data.val, data.test)


def first(data: Dataset, train: int, rest: int) -> Dataset:
    """The first images of each split."""
    cut = (np.arange(min(n, len(s))) for n, s in ((train, data.train), (rest, data.val)))
    train_places, rest_places = cut
    return Dataset(
        data.name,
        data.classes,
        data.train.take(train_places),
        data.val.take(rest_places),
        data.test.take(rest_places),
    )


def sorted_by_class(split: Split) -> Split:
    return split.take(np.argsort(split.labels, kind="stable"))


def with_shuffled_labels(split: Split) -> Split:
    return Split(split.images, np.random.default_rng(0).permutation(split.labels))


class Silencer(Checkpointer):
    """Pushes one layer's biases so low that the ReLU behind it never fires."""

    def __init__(self, bias: str) -> None:
        self._bias = bias

    def restore(self, model: Model, optimizer: Optimizer) -> Progress | None:
        model.parameters[self._bias].data[...] = -20
        return None


@contextmanager
def summed_loss(images: int) -> Iterator[None]:
    """The fault of a loss kernel that sums over the batch instead of taking the mean."""
    run = LossKernel.run

    def wrong(self: LossKernel) -> None:
        run(self)
        self.total *= images
        self.gradient *= images

    LossKernel.run = wrong  # type: ignore[method-assign]
    try:
        yield
    finally:
        LossKernel.run = run  # type: ignore[method-assign]
