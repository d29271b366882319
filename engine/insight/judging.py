"""Measurements of the filters of one layer while images pass, and the verdict on each."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.errors import InsightError
from cnn_tui.engine.insight.moments import ResponseMoments
from cnn_tui.engine.insight.noise import like_noise
from cnn_tui.engine.insight.patches import MOST_SIZE, PatchMoments, sample_size
from cnn_tui.engine.insight.verdict import LayerFilters, verdict
from cnn_tui.engine.insight.weights import Floats, cosines, effective_rank, roughness
from cnn_tui.engine.insight.wiring import Wired
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.protocol import OpenedPass

COSINE, CORRELATION = 0.93, 0.6
"""Least cosine of the weights and least correlation of the responses of two filters that do the
same; see the calibration in docs/insight.md."""
RARE = 0.01
"""Share of values above zero of two filters below which their responses are too few to compare."""
CONSTANT = 1e-6
"""Range of a filter's output, relative to what is usual, up to which it is constant."""


class FilterMeasures:
    """The measures of the filters of one layer."""

    def __init__(self, conv: Wired, weights: dict[str, Array]) -> None:
        self.name, self._conv = conv.name, conv
        self._weight = weights[f"{conv.name}.weight"]
        scales = [np.sign(weights[f"{norm}.weight"]) for norm in conv.norms]
        # A batch norm with a negative scale turns a filter into its negative.
        self._signs = np.prod(scales, axis=0) if scales else np.ones(len(self._weight))
        self._size = self._weight[0].size
        self._responses = ResponseMoments(len(self._weight))
        self._joined = np.full(len(self._weight), -np.inf)
        self._inputs: PatchMoments | None = None

    def add(self, inside: OpenedPass, share: float, rng: np.random.Generator) -> None:
        """Measure images, which are this share of all."""
        self._responses.add(inside.output(self._conv.response))
        if self._conv.joined:
            name, first = self._conv.joined
            merged = inside.output(name)[:, first : first + len(self._weight)]
            self._joined = np.maximum(self._joined, merged.max(axis=(0, 2, 3)))
        if self._size > MOST_SIZE or max(self._weight.shape[2:]) < 3:
            return
        layer, first = self._conv.source
        inputs = inside.output(layer) if layer else inside.images
        inputs = inputs[:, first : first + self._conv.layer.groups * self._weight.shape[1]]
        if self._inputs is None:
            self._inputs = PatchMoments(self._conv.layer, inputs.shape[1])
        self._inputs.add(inputs, math.ceil(share * sample_size(self._size)), rng)

    def judge(self, start: Array | None) -> LayerFilters:
        """The health of the filters; ``start`` are those before the training, if known.

        Raises:
            InsightError: if responses were not finite.
        """
        moments = self._responses
        if not np.isfinite([moments.low, moments.high]).all():
            raise InsightError(
                f"The responses of {self.name} are not finite.", "Choose an earlier state."
            )
        weight, filters = self._weight, len(self._weight)
        dead = self._dead()
        signs = np.outer(self._signs, self._signs)
        # Filters of different groups read other channels: none is a copy of another.
        group = np.arange(filters) * self._conv.layer.groups // filters
        same = group[:, None] == group
        closeness, likeness = cosines(weight) * signs, moments.correlations()
        rare = moments.share_active < RARE
        alike = (likeness >= CORRELATION) | np.outer(rare, rare)
        alive = np.outer(~dead, ~dead)
        duplicates = groups_of((closeness >= COSINE) & alike & alive & same, closeness)
        noise = like_noise(weight, start, self._inputs)
        # A copy has another start than the filter it is a copy of, which did learn.
        noisy = _numbers(noise & ~((np.abs(closeness) >= COSINE) & same & ~noise).any(axis=1))
        distinct, words = verdict(filters, _numbers(dead), duplicates, noisy)
        others = ~np.eye(filters, dtype=bool)
        return LayerFilters(
            layer=self.name,
            filters=filters,
            dead=_numbers(dead),
            duplicates=duplicates,
            noisy=noisy,
            effective_rank=effective_rank(weight, self._conv.layer.groups),
            distinct=distinct,
            verdict=words,
            largest_cosine=float(closeness.max(where=others, initial=0)),
            largest_correlation=float(likeness.max(where=others, initial=0)),
            roughness=tuple(None if math.isnan(r) else r for r in roughness(weight).tolist()),
            active=tuple(moments.share_active.tolist()),
        )

    def _dead(self) -> NDArray[np.bool_]:
        """The filters whose output is constant: for a ReLU zero, or the bias of a filter of zeros.

        A sigmoid or tanh is constant where it is saturated for every image; a leaky ReLU or GELU
        hardly ever. At the end of a branch, a ReLU after the merge that gives zero is dead as well.
        """
        activation = self._conv.activation
        if activation is not None and activation.info.dies:
            return self._responses.constant(CONSTANT, 0.0)
        bounds = activation.info.bounds if activation is not None else None
        scale = self._responses.scale if bounds is None else bounds[1] - bounds[0]
        constant = self._responses.constant(CONSTANT, scale)
        return constant | (self._joined == 0) if self._conv.joined else constant


def _numbers(found: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(np.flatnonzero(found).tolist())


def groups_of(together: NDArray[np.bool_], closeness: Floats) -> tuple[tuple[int, ...], ...]:
    """Disjoint groups of at least two in which every pair is ``together``, the closest first.

    Args:
        together: symmetric, ``(F, F)``.
        closeness: how close each pair is; the larger the closer.
    """
    group_of = {number: [number] for number in range(len(together))}
    first, second = np.nonzero(np.triu(together, 1))
    order = np.argsort(-closeness[first, second], kind="stable")
    for a, b in zip(first[order].tolist(), second[order].tolist(), strict=True):
        one, other = group_of[a], group_of[b]
        if one is not other and together[np.ix_(one, other)].all():
            one.extend(other)
            group_of.update(dict.fromkeys(other, one))
    found = {min(group): tuple(sorted(group)) for group in group_of.values() if len(group) > 1}
    return tuple(found[key] for key in sorted(found))
