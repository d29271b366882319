"""The layers after the last convolution, retrained on features that stay as they are."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np

from cnn_tui.engine.insight.fitting import Labelled, fitted_accuracy
from cnn_tui.engine.insight.passes import passes
from cnn_tui.engine.insight.subject import Examples, Subject
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.runs.watcher import NOBODY, Watcher
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.inside import BLOCKS
from cnn_tui.engine.specs.layers import Conv, DWConv
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.placed import computed_name

EPOCHS = 10
"""Passes over the images; the rest is the network's own recipe."""


class Head(NamedTuple):
    """The learned layers after the convolutions, as a network, and the layer that feeds them."""

    network: Network
    source: str


def head_of(network: Network) -> Head | None:
    """The head of a valid network; None if it has none, or no convolution before it."""
    layers, reports = network.layers, check(network).layers
    deep = [isinstance(layer, (Conv, DWConv, *BLOCKS)) for layer in layers]
    if not any(deep):
        return None
    start = len(deep) - deep[::-1].index(True)
    while start < len(layers) and not reports[start].weights:
        start += 1
    if start == len(layers):
        return None
    output = reports[start - 1].output or [1]
    channels, height, width = (*output, 1, 1)[:3]
    head = msgspec.structs.replace(network, input=(channels, height, width), layers=layers[start:])
    head = head.with_training(epochs=EPOCHS, warmup_epochs=0.0)
    return Head(head, computed_name(reports[start - 1]))


def head_accuracy(
    subject: Subject,
    train: Examples,
    test: Examples,
    *,
    seed: int = 0,
    threads: int = 1,
    watcher: Watcher = NOBODY,
) -> float | None:
    """Test accuracy, 0 to 1, of the retrained head; the other layers stay as they are.

    None if there is no head. Equal arguments give equal bits.
    """
    head = head_of(subject.network)
    if head is None:
        return None
    known, unseen = (
        Labelled(_volumes(subject, head, examples.images, watcher), examples.targets)
        for examples in (train, test)
    )
    return fitted_accuracy(head.network, known, unseen, seed=seed, threads=threads, watcher=watcher)


def _volumes(subject: Subject, head: Head, images: Array, watcher: Watcher) -> Array:
    found = np.empty((len(images), *head.network.input), np.float32)
    for part, inside in passes(subject, images, watcher.quiet):
        found[part] = inside.output(head.source).reshape(-1, *head.network.input)
    return found
