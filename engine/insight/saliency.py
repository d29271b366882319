"""Which pixels a class's score depends on, and whether the map depends on what was learnt.

Saliency: Simonyan et al. 2013, Deep Inside Convolutional Networks. The check beside it: Adebayo et
al. 2018, Sanity Checks for Saliency Maps; a map can look right and mean nothing.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.insight.asked import Asked, ask, rows_of
from cnn_tui.engine.insight.examples import SplitName
from cnn_tui.engine.insight.subject import Subject

SAME, UNLIKE = 0.9, 0.5
"""Rank correlations from which on a map does not depend on the last layers; below which it does."""


@dataclass(frozen=True, eq=False)
class Saliency:
    """The saliency of an image for a class, and that of the network with other last layers."""

    asked: Asked
    map: NDArray[np.float32]
    """The largest absolute gradient over the channels of each pixel, ``(H, W)``."""
    redrawn: NDArray[np.float32]
    """The same with the last layers drawn anew."""
    layers: tuple[str, ...]
    """The layers that were drawn anew."""
    correlation: float | None
    """Spearman's rank correlation of both; None if one is the same everywhere."""

    @property
    def verdict(self) -> str:
        """What the correlation means, as a sentence."""
        if self.correlation is None:
            return "The map is the same everywhere: the score does not depend on the pixels."
        words = "does not depend on"
        if self.correlation < SAME:
            words = "depends in part on" if self.correlation >= UNLIKE else "depends on"
        return (
            f"The map {words} what the last layers learnt: its rank correlation with that of "
            f"layers drawn anew is {self.correlation:.2f}."
        )

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return self.asked.to_json() | {
            "map": rows_of(self.map),
            "redrawn": rows_of(self.redrawn),
            "redrawn_layers": list(self.layers),
            "correlation": self.correlation,
            "verdict": self.verdict,
        }


def saliency(
    subject: Subject,
    image: int | Path = 0,
    label: int | str | None = None,
    split: SplitName = "validation",
    seed: int = 1,
) -> Saliency:
    """The saliency of an image for a class; for the predicted one if ``label`` is None.

    ``seed`` is added to that of the recipe to draw the last layers anew.

    Raises:
        InsightError: if there is no such image or class, or the weights are not finite.
    """
    asked = ask(subject, image, label, split)
    layers = last_layers(subject)
    with closing(_redrawn(subject, layers, seed)) as other:
        learnt, redrawn = _map(subject, asked), _map(other, asked)
    return Saliency(asked, learnt, redrawn, layers, rank_correlation(learnt, redrawn))


def last_layers(subject: Subject) -> tuple[str, ...]:
    """The layers with weights behind the last convolution, or the last one if there is none."""
    weighted = [name for name, layer in subject.reports.items() if layer.weights]
    convs = [at for at, name in enumerate(weighted) if subject.reports[name].type == "conv"]
    behind = weighted[convs[-1] + 1 :] if convs else weighted
    fcs = tuple(name for name in behind if subject.reports[name].type == "fc")
    return fcs or tuple(weighted[-1:])


def rank_correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> float | None:
    """Spearman's rank correlation; equal values share their mean rank. None without variance."""
    a, b = (_ranks(values.ravel()) for values in (first, second))
    spread = float(a.std() * b.std())
    return float(((a - a.mean()) * (b - b.mean())).mean() / spread) if spread else None


def _ranks(values: NDArray[np.float32]) -> NDArray[np.float64]:
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    mean_ranks = counts.cumsum() - (counts - 1) / 2
    ranks: NDArray[np.float64] = mean_ranks[places.ravel()]
    return ranks


def _map(subject: Subject, asked: Asked) -> NDArray[np.float32]:
    with subject.model.opened(asked.example.images) as inside:
        found: NDArray[np.float32] = np.abs(inside.input_gradient(asked.label)[0]).max(0)
    return found


def _redrawn(subject: Subject, layers: tuple[str, ...], seed: int) -> Subject:
    with closing(subject.untrained(subject.network.training.seed + seed)) as fresh:
        drawn = fresh.weights()
    anew = {name: a for name, a in drawn.items() if name.rpartition(".")[0] in layers}
    return subject.with_weights(subject.weights() | anew, "last layers drawn anew")
