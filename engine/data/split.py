"""Splits drawn at random, yet with every class in its due share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def stratified_order(labels: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """A random order ``(N,)`` of the indices in which the classes are evenly interleaved.

    Any slice holds each class in its share of the whole, to within one or two images: cutting
    the order anywhere gives stratified parts of exactly the wanted sizes.
    """
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    counts = np.bincount(labels)
    rank = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)
    place = (rank + 0.5) / np.repeat(counts, counts)
    return by_class[np.argsort(place, kind="stable")]
