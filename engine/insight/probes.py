"""How features emerge: how well each layer's output can be classified, trained and untrained."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

import msgspec
import numpy as np

from cnn_tui.engine.baselines.knn import nearest, vote
from cnn_tui.engine.baselines.screens import Rows
from cnn_tui.engine.cores import default_threads
from cnn_tui.engine.errors import InsightError
from cnn_tui.engine.insight.features import features_of, rows_of
from cnn_tui.engine.insight.fitting import hits
from cnn_tui.engine.insight.head import head_accuracy
from cnn_tui.engine.insight.linear import linear_accuracy
from cnn_tui.engine.insight.passes import affordable
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.runs.watcher import NOBODY, Watcher
from cnn_tui.engine.specs.layers import Dropout
from cnn_tui.engine.threads import WorkerPool

PIXELS = "pixels"
"""The name of the probe on the images themselves."""
TRAIN, TEST = 4_000, 1_000
"""Images that probes are trained and tested on, drawn evenly from the classes."""
NEIGHBOURS = 5


class LayerProbe(msgspec.Struct, frozen=True, kw_only=True):
    """Test accuracies, 0 to 1, on the output of one layer."""

    layer: str
    """The layer's name, or ``pixels``."""
    features: int
    """Values of the output of one image; large maps are averaged over windows, down to 5,000."""
    linear: float
    knn: float
    linear_untrained: float
    """Accuracy with the weights before training; for pixels, that of ``linear``."""
    knn_untrained: float


class Probes(msgspec.Struct, frozen=True, kw_only=True):
    """The probes of a network, ``inspect RUN probes --json``."""

    data: str
    images: int
    """Images that the probes are trained on."""
    test_images: int
    neighbours: int
    probes: tuple[LayerProbe, ...]
    accuracy: float
    """Accuracy of the network itself on the same test images."""
    trained_convs: float | None
    """Accuracy with fully connected layers retrained on the conv layers; None without any."""
    random_convs: float | None
    """Accuracy of new fc layers on conv layers at their random start (Saxe et al. 2011)."""


def probes(
    subject: Subject,
    *,
    limit: int = TRAIN,
    test_limit: int = TEST,
    seed: int = 0,
    threads: int | None = None,
    watcher: Watcher = NOBODY,
) -> Probes:
    """Train a linear classifier and find neighbours on pixels and on each layer's output.

    A linear probe is softmax regression (Alain & Bengio 2016); k-NN takes the 5 nearest by L2. Both
    learn from training images and are measured on test images. Equal arguments give equal results.
    Memory is that of the images, 512 MB of features, and at most 512 MB of the opened network.

    There are ``limit`` training and ``test_limit`` test images. ``seed`` decides which, and in
    which order the probes see them; the untrained weights are those of the recipe's seed.

    Raises:
        InsightError: if there is no data, only one class, or the weights are not finite.
        CancelledError: if ``watcher`` cancels.
    """
    subject.require_finite()
    if len(subject.classes) < 2:
        raise InsightError("The data has a single class: there is nothing to tell apart.")
    work = _Work(subject, limit, test_limit, seed, threads or default_threads(), watcher)
    with closing(work.pool), closing(subject.untrained()) as untrained:
        pixels = work.measure(rows_of(work.train.images), rows_of(work.test.images))
        layers = probed_layers(subject)
        trained = work.each(subject, layers, watcher.part(0.0, 0.45))
        fresh = work.each(untrained, layers, watcher.part(0.45, 0.9))
        found = [(PIXELS, pixels, pixels), *((n, trained[n], fresh[n]) for n in layers)]
        heads = [work.head(of) for of in (subject, untrained)]
    watcher.check_in(1.0)
    return Probes(
        data=subject.require_data().name,
        images=len(work.train),
        test_images=len(work.test),
        neighbours=work.neighbours,
        probes=tuple(_probe(*entry) for entry in found),
        accuracy=work.accuracy,
        trained_convs=heads[0],
        random_convs=heads[1],
    )


def probed_layers(subject: Subject) -> tuple[str, ...]:
    """The layers that are probed: all but dropout, which does nothing outside of training.

    A block counts as one layer.
    """
    return tuple(placed.name for placed in subject.placed if not isinstance(placed.layer, Dropout))


class _Measure(msgspec.Struct, frozen=True):
    features: int
    linear: float
    knn: float


def _probe(layer: str, trained: _Measure, untrained: _Measure) -> LayerProbe:
    return LayerProbe(
        layer=layer,
        features=trained.features,
        linear=trained.linear,
        knn=trained.knn,
        linear_untrained=untrained.linear,
        knn_untrained=untrained.knn,
    )


class _Work:
    """The images, and what is measured with them."""

    def __init__(
        self,
        subject: Subject,
        limit: int,
        test_limit: int,
        seed: int,
        threads: int,
        watcher: Watcher,
    ) -> None:
        self.train = subject.images("train", affordable(subject, limit), seed)
        self.test = subject.images("test", affordable(subject, test_limit), seed)
        self.classes, self._seed, self._watcher = len(subject.classes), seed, watcher.quiet
        self.neighbours = min(NEIGHBOURS, len(self.train))
        self.accuracy = float(hits(subject.model, self.test.images, self.test.targets).mean())
        self.pool = WorkerPool(threads)

    def each(
        self, subject: Subject, layers: Sequence[str], watcher: Watcher
    ) -> dict[str, _Measure]:
        """The measures of every layer."""
        found: dict[str, _Measure] = {}
        sets = self.train.images, self.test.images
        for features in features_of(subject, layers, *sets, self._watcher):
            for name, (train, test) in features.items():
                found[name] = self.measure(train, test)
                watcher.check_in(len(found) / len(layers))
        return found

    def head(self, subject: Subject) -> float | None:
        """The accuracy with retrained fully connected layers."""
        return head_accuracy(
            subject,
            self.train,
            self.test,
            seed=self._seed,
            threads=self.pool.threads,
            watcher=self._watcher,
        )

    def measure(self, train: Array, test: Array) -> _Measure:
        """The accuracy of both classifiers on features ``(N, D)``."""
        near = nearest(Rows(train), Rows(test), self.neighbours, pool=self.pool)
        votes = vote(self.train.targets[near], self.classes)
        linear = linear_accuracy(
            train,
            self.train.targets,
            test,
            self.test.targets,
            self.classes,
            seed=self._seed,
            threads=self.pool.threads,
            watcher=self._watcher,
        )
        return _Measure(train.shape[1], linear, float(np.mean(votes == self.test.targets)))
