"""Filter health: which filters of a layer are dead, which do the same, which are like noise."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from cnn_tui.engine.engines import initial_weights
from cnn_tui.engine.insight.judging import FilterMeasures
from cnn_tui.engine.insight.noise import is_start
from cnn_tui.engine.insight.passes import affordable, passes
from cnn_tui.engine.insight.subject import SplitName, Subject
from cnn_tui.engine.insight.verdict import LayerFilters
from cnn_tui.engine.insight.wiring import wired
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.runs.watcher import NOBODY, Watcher


class FilterHealth(msgspec.Struct, frozen=True):
    """The health of all filters of a network, ``inspect RUN health --json``."""

    layers: tuple[LayerFilters, ...]
    images: int
    """Number of images over which responses were measured."""

    @property
    def flagged(self) -> dict[str, tuple[int, ...]]:
        """The flagged filters of each layer that has any."""
        return {layer.layer: layer.flagged for layer in self.layers if layer.flagged}


def health(
    subject: Subject,
    layers: Sequence[str] | None = None,
    *,
    split: SplitName = "validation",
    limit: int | None = None,
    seed: int = 0,
    watcher: Watcher = NOBODY,
) -> FilterHealth:
    """Judge the filters of every conv layer, or of those named.

    Memory is that of the images, at most 512 MB for the opened network, and a few ``F x F`` and
    ``n x n`` matrices, where ``n`` is the number of weights of a filter, up to 1,200.

    Args:
        subject: the network.
        layers: names of conv layers; None for all.
        split: the images over which responses are measured.
        limit: number of images; None for the whole split, as far as
            512 MB hold it, by which a filter counts as dead.
        seed: which images and which patches are drawn.
        watcher: sees the progress, and can cancel.

    Raises:
        InsightError: if there is no such layer or no data, or the weights are not finite.
        CancelledError: if ``watcher`` cancels.
    """
    names = subject.conv_layers() if layers is None else layers
    names = [subject.require_layer(name, conv=True) for name in names]
    subject.require_finite()
    images = subject.images(split, affordable(subject, limit), seed).images
    every, weights = wired(subject.network), subject.weights()
    found = [FilterMeasures(every[name], weights) for name in names]
    rng = np.random.default_rng(seed)
    for part, inside in passes(subject, images, watcher):
        for measures in found:
            measures.add(inside, (part.stop - part.start) / len(images), rng)
    starts = _starts(subject, weights)
    return FilterHealth(tuple(m.judge(starts.get(m.name)) for m in found), len(images))


def _starts(subject: Subject, weights: dict[str, Array]) -> dict[str, Array]:
    """The filters of each layer before the training, by the recipe's seed; empty if it had others.

    A run may have begun with given weights, and a checkpoint may come from anywhere.
    """
    network, convs = subject.network, subject.conv_layers()
    seed = network.training.seed
    drawn = initial_weights(network, seed, [f"{name}.weight" for name in convs])
    starts = {name.removesuffix(".weight"): weight for name, weight in drawn.items()}
    began_so = is_start([weights[f"{name}.weight"] for name in starts], list(starts.values()))
    return starts if began_so else {}
