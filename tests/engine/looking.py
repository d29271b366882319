"""Subjects to look into: networks made in a test, or trained for it."""

from __future__ import annotations

import numpy as np
from sabotage import recipe

from cnn_tui.engine.build import build
from cnn_tui.engine.data.dataset import Dataset, Split
from cnn_tui.engine.data.preprocess import Normalizer
from cnn_tui.engine.insight.examples import Eye
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training.checkpointer import Checkpointer
from cnn_tui.engine.training.snapshot import Snapshot
from cnn_tui.engine.training.trainer import Trainer


def random_data(shape: tuple[int, int, int], classes: int = 3, count: int = 40) -> Dataset:
    rng = np.random.default_rng(5)

    def split(n: int) -> Split:
        images = rng.standard_normal((n, *shape)).astype(np.float32)
        return Split(images, np.arange(n) % classes)

    names = tuple(f"class {number}" for number in range(classes))
    return Dataset("random", names, split(count), split(count), split(count))


def subject_of(
    described: Network, data: Dataset, weights: dict[str, np.ndarray] | None = None
) -> Subject:
    """A network with initial weights, or with others in place of some of them."""
    normalizer = Normalizer.of(data.train, described.training)
    subject = Subject(
        network=described,
        model=build(described),
        name="made",
        state="by hand",
        classes=data.classes,
        eye=Eye(normalizer, float(np.max(data.train.images[:]))),
        data=data,
    )
    if weights is None:
        return subject
    return subject.with_weights(subject.weights() | weights, "by hand")


class _Last(Checkpointer):
    """Keeps the last state in memory."""

    def save(self, snapshot: Snapshot, *, best: bool = False, lasting: bool = False) -> None:
        self.tensors = snapshot.tensors()


def trained_subject(preset: str, data: Dataset, **settings: object) -> Subject:
    """A preset trained on the data; its start is that of its seed."""
    described, checkpointer = recipe(preset, **settings), _Last()
    Trainer(described, data, emit=lambda event: None, checkpointer=checkpointer, threads=2).run()
    weights = {n: a for n, a in checkpointer.tensors.items() if not n.startswith("optimizer/")}
    return subject_of(described, data, weights)
