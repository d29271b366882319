"""The resources of pre-flight checks: some images, a time budget and narrower copies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from itertools import chain

import msgspec
import numpy as np

from cnn_tui.engine.data.dataset import Dataset, Pixels, Split
from cnn_tui.engine.data.preprocess import Normalizer
from cnn_tui.engine.engines import make_engine
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.protocol import Engine
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.report import LayerReport, Report
from cnn_tui.engine.training.remedies import scale_widths

SAMPLED = 20_000_000
"""Pixels on which mean and standard deviation are measured."""
WIDTHS = (1.0, 0.5, 0.25, 0.125, 0.0625)
ACTIVATION = 20.0
"""Approximate cost of an output element in multiply-adds, besides its own."""
MOST_PARAMS = 20_000_000
"""Parameters of a copy; more take seconds to initialise and compete for memory."""


class CheckResult(msgspec.Struct, frozen=True):
    """The result of one check of a pre-flight."""

    name: str
    passed: bool | None
    """None if the check ran out of time."""
    message: str
    evidence: tuple[str, ...] = ()


class Bench:
    """The resources of one pre-flight, which may take ``seconds`` in all."""

    def __init__(
        self,
        network: Network,
        dataset: Dataset,
        threads: int,
        stopping: Callable[[], bool],
        seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self.network, self.dataset, self.threads = network, dataset, threads
        self.seconds, self.clock, self._stopping = seconds, clock, stopping
        self._end = clock() + seconds
        rng = np.random.default_rng(network.training.seed)
        self._order = rng.permutation(len(dataset.train))
        sample = dataset.train.take(self._order[: _sample_size(dataset.train)])
        self._normalizer = Normalizer.of(sample, network.training)
        self.seconds_per_work = 0.0
        """Measured seconds per multiply-add of a forward pass; see :func:`work`."""

    def batch(self, count: int) -> tuple[Array, np.ndarray]:
        """Normalised images and labels, the same at every call and never augmented."""
        indices = self._order[:count]
        train = self.dataset.train
        return self._normalizer.apply(train.images[indices]), train.labels[indices]

    def normalized(self, images: Pixels) -> Array:
        """Images as they reach the network."""
        return self._normalizer.apply(images)

    @cached_property
    def copy(self) -> tuple[Network, float, str]:
        """The widest of :meth:`copies`."""
        return next(self.copies())

    @cached_property
    def model(self) -> Engine:
        """The model of :attr:`copy` with its initial weights."""
        return make_engine(self.copy[0], threads=self.threads)

    def close(self) -> None:
        """End the model's threads."""
        if "model" in self.__dict__:
            self.model.close()

    def within(self, share: float) -> Callable[[], bool]:
        """A function that returns True once a check that starts now must stop."""
        end = min(self.clock() + share * self.seconds, self._end)
        return lambda: self._stopping() or self.clock() >= end

    def copies(self) -> Iterator[tuple[Network, float, str]]:
        """The network and narrower valid copies, each with its work and a note for messages."""
        for width in WIDTHS:
            copy = self.network if width == 1 else scale_widths(self.network, width)
            report = check(copy)
            if report.valid and (width == WIDTHS[-1] or report.total_params <= MOST_PARAMS):
                note = "" if width == 1 else f" (on a copy of 1/{1 / width:g} of the width)"
                yield copy, work(copy), note


def _sample_size(split: Split) -> int:
    """Number of images that represent the split well enough."""
    return int(max(1, min(len(split), SAMPLED // split.images[0].size)))


def work(network: Network) -> float:
    """Approximate multiply-adds of a forward pass per image."""
    report = check(network)
    return report.total_macs + ACTIVATION * sum(layer.activations for layer in _walk(report))


def count_parameters(network: Network) -> int:
    """Number of weight and bias arrays of a network."""
    layers = (layer for layer in _walk(check(network)) if not layer.inner)
    return sum((layer.weights > 0) + (layer.biases > 0) for layer in layers)


def _walk(report: Report) -> Iterator[LayerReport]:
    return chain.from_iterable(layer.walk() for layer in report.layers)
