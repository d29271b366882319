"""Which filters are like noise: rough as noise is, with nothing that shows that they learned.

The roughness of a filter of 27 weights scatters by 18%, and training leaves many a 3x3 filter as
rough as it was: near 1 alone says little. So two more measures ask what training would have done to
a filter. Gradients are sums of input patches, so it leans the weights towards the directions in
which the input of the layer varies; and it begins at the start, from which it moves but slowly.
For white noise each of the three is a number of mean 0 and spread 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.insight.patches import PatchMoments
from cnn_tui.engine.insight.weights import (
    Floats,
    flat,
    roughness,
    roughness_spread,
    spread_on_sphere,
    unit,
)
from cnn_tui.engine.ops.memory import Array

KNOWN, MANY, KNOWN_OF_MANY, UNKNOWN = 17.0, 100, 25.0, 12.0
"""Largest sum of the squares of the three measures of a filter that is like noise, also for one of
at least 100 weights, and of two measures without the start. About 99% of white noise is below."""
FAR = 3.2
"""Smoothness, or recall of the start, from which a filter is not like noise, whatever the rest."""
ALIKE = 0.4
"""Cosine with the start from which it does if the others say a little of the same."""
FEWEST = 16
"""Weights of a filter below which the three measures cannot tell."""
SURE = 6.0
"""The recall of a whole layer from which on the training began from this start."""
UNMOVED = 0.99999
"""Cosine with its start from which a filter counts as not moved: it is noise still."""
MOST_ALIKE = 0.25
"""Share of the filters of a layer that may be found without the start. If more look like noise, as
small 3x3 filters do even when they are trained, they cannot be told apart."""
_FLOOR = 1e-6


def is_start(weights: Sequence[Array], starts: Sequence[Array]) -> bool:
    """Whether a training began from ``starts``: some layer still resembles its start."""
    return any(
        _recall(weight[None], start[None])[0] > SURE
        for weight, start in zip(weights, starts, strict=True)
    )


def like_noise(
    weight: Array, start: Array | None, inputs: PatchMoments | None
) -> NDArray[np.bool_]:
    """Which filters of a layer are like noise, ``(F,)``.

    Args:
        weight: filters ``(F, C, KH, KW)``.
        start: the same filters before the training; None if that is not known.
        inputs: what the layer reads; None if that was not measured.

    Returns:
        Always False for filters of zeros or of fewer than 16 weights, for 1x1 and 2x2 kernels, and
        for all of a layer in which nothing tells trained filters from noise.
    """
    size = weight[0].size
    if size < FEWEST:
        return np.zeros(len(weight), bool)
    smooth = (1 - roughness(weight)) / roughness_spread(weight)
    leans = np.zeros(len(weight)) if inputs is None else lean(weight, inputs)
    scores = np.square(smooth) + np.square(leans)
    if start is None:
        found: NDArray[np.bool_] = (scores <= UNKNOWN) & (np.abs(smooth) < FAR)
        return found & (np.count_nonzero(found) <= MOST_ALIKE * len(weight))
    recall = _recall(weight, start)
    recall[recall >= UNMOVED * math.sqrt(size)] = 0
    learned = (recall >= ALIKE * math.sqrt(size)) & (smooth + leans >= 1)
    most = KNOWN_OF_MANY if size >= MANY else KNOWN
    near = np.maximum(np.abs(smooth), recall) < FAR
    found = (scores + np.square(recall) <= most) & near & ~learned
    return found


def _recall(weight: Array, start: Array) -> Floats:
    """The cosine of each filter with its start, in units of its spread by chance."""
    cosine: Floats = np.einsum("fn,fn->f", unit(flat(weight)), unit(flat(start)))
    return cosine * math.sqrt(weight[0].size)


def lean(weight: Array, inputs: PatchMoments) -> Floats:
    """How much more of each filter's weights than by chance lies where its input varies, ``(F,)``.

    The mean of the logarithm of the input's variance over the directions of a filter, by the share
    of its squared weights in each; in units of its spread for white noise.
    """
    groups = len(inputs.sums)
    leans = []
    for rows, covariance in zip(np.split(flat(weight), groups), inputs.covariances(), strict=True):
        variances, directions = np.linalg.eigh(covariance)
        largest = variances[-1]
        if largest <= 0:
            leans.append(np.zeros(len(rows)))
            continue
        logs = np.log(np.maximum(variances, _FLOOR * largest))
        shares = np.square(unit(rows) @ directions)
        spread = spread_on_sphere(float(logs.var()), len(logs))
        leans.append((shares @ logs - logs.mean()) / (spread or 1))
    return np.concatenate(leans)
