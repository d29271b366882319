"""Which pixels a score depends on: the gradient of a class's score by the pixels.

Simonyan, Vedaldi & Zisserman 2013, arXiv 1312.6034, section 3. A map can look right and mean
nothing (Adebayo et al. 2018, arXiv 1810.03292): beside it stands the map of the same network with
its last layers randomised, and how alike the two rank the pixels.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.insight.examples import Examples
from cnn_tui.engine.insight.subject import CONVS, Subject
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.specs.wording import listed

ALIKE = 0.9
"""Rank correlation from which on a map does not depend on the last layers."""


@dataclass(frozen=True, eq=False)
class Saliency:
    """The saliency map of one image, and its sanity check."""

    example: Examples
    classes: tuple[str, ...]
    of_class: int
    probability: float
    """Probability of that class."""
    map: Array
    """``(H, W)``: the largest absolute gradient over the channels."""
    redrawn: tuple[str, ...]
    """The layers that were randomised for the check."""
    check: Array
    """The map of the network with those layers, ``(H, W)``."""

    @property
    def correlation(self) -> float:
        """Rank correlation of both maps (Spearman); 0 if one of them is constant."""
        return rank_correlation(self.map, self.check)

    @property
    def verdict(self) -> str:
        """Whether the map depends on what the last layers have learnt, in words."""
        layers = listed(self.redrawn, "and")
        if not np.ptp(self.map):
            return "No pixel changes the score: the gradient is zero everywhere."
        if self.correlation >= ALIKE:
            return (
                f"The map does not depend on {layers}: with them drawn anew it ranks the pixels "
                f"alike ({self.correlation:.2f}). It shows the image rather than the decision."
            )
        return (
            f"With {layers} drawn anew the ranks of the pixels agree by {self.correlation:.2f} "
            "(1 would be the same map): it depends on what was learnt."
        )

    def to_json(self) -> dict[str, object]:
        """The maps as plain values."""
        return {
            "image": int(self.example.indices[0]),
            "class": self.classes[self.of_class],
            "probability": self.probability,
            "map": self.map.tolist(),
            "redrawn": list(self.redrawn),
            "check": self.check.tolist(),
            "correlation": self.correlation,
            "verdict": self.verdict,
        }


def saliency(
    subject: Subject, example: Examples, of_class: int | None = None, seed: int = 0
) -> Saliency:
    """The saliency map of one image.

    Args:
        subject: the network.
        example: one image.
        of_class: the class whose score is differentiated; the highest if None.
        seed: seed of the randomised layers.

    Raises:
        InsightError: if there is no such class, or the weights are not finite.
    """
    subject.require_finite()
    with subject.model.opened(example.images[:1]) as inside:
        scores = inside.logits[0].astype(np.float64)
        chosen = int(scores.argmax()) if of_class is None else of_class
        found = _map(inside.input_gradient(chosen))
    likely = np.exp(scores - scores.max())
    last = last_layers(subject)
    other = redrawn(subject, last, seed)
    with closing(other), other.model.opened(example.images[:1]) as inside:
        check = _map(inside.input_gradient(chosen))
    probability = float(likely[chosen] / likely.sum())
    return Saliency(example, subject.classes, chosen, probability, found, last, check)


def _map(gradient: Array) -> Array:
    strongest: Array = np.abs(gradient[0]).max(0)
    return strongest


def last_layers(subject: Subject) -> tuple[str, ...]:
    """The layers with weights after the last convolution, or that one if there are none."""
    learned = [name for name, layer in subject.reports.items() if layer.weights]
    convs = [name for name in learned if subject.reports[name].type in CONVS]
    after = learned[learned.index(convs[-1]) + 1 :] if convs else learned
    return tuple(after or learned[-1:])


def redrawn(subject: Subject, layers: tuple[str, ...], seed: int) -> Subject:
    """The network with fresh weights in some layers."""
    with closing(subject.untrained(seed)) as fresh:
        drawn = fresh.weights()
    weights = subject.weights()
    weights |= {name: array for name, array in drawn.items() if name.rpartition(".")[0] in layers}
    return subject.with_weights(weights, "last layers drawn anew")


def rank_correlation(first: Array, second: Array) -> float:
    """Spearman's rank correlation, equal values at their mean rank; 0 if one is constant."""
    ranks = [_ranks(values.ravel()) for values in (first, second)]
    deviations = [rank - rank.mean() for rank in ranks]
    norm = float(np.linalg.norm(deviations[0]) * np.linalg.norm(deviations[1]))
    return float(deviations[0] @ deviations[1]) / norm if norm else 0.0


def _ranks(values: Array) -> NDArray[np.float64]:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    means: NDArray[np.float64] = ends - (counts - 1) / 2
    return means[inverse]
