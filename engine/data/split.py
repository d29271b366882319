"""Splits drawn at random, yet with every class in its due share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.data.dataset import Pixels, Split

_SEED = 0
"""Of every split that is drawn here: the same images always validate and test."""


def stratified_order(labels: NDArray[np.int64], seed: int = _SEED) -> NDArray[np.int64]:
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


def hold_out(images: Pixels, labels: NDArray[np.int64], count: int) -> tuple[Split, Split]:
    """Training split and a stratified one of ``count`` images, both in the arrays given.

    The images held out change places with the last ones, so that no second copy of the pixels
    is ever made.
    """
    kept = len(labels) - count
    held = np.zeros(len(labels), bool)
    held[stratified_order(labels)[:count]] = True
    inside = np.flatnonzero(held[:kept])
    behind = kept + np.flatnonzero(~held[kept:])
    for array in (images, labels):
        array[inside], array[behind] = array[behind], array[inside]
    return Split(images[:kept], labels[:kept]), Split(images[kept:], labels[kept:])


def share(count: int, parts: int) -> int:
    """One image in ``parts``, and at least one."""
    return max(1, count // parts)
