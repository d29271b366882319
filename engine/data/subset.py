"""A part of a dataset, drawn by a seed: for a first try, or to see what fewer images do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.data.dataset import Dataset, Split, stratified_order
from cnn_tui.engine.specs.network import Recipe


def subset_of(
    dataset: Dataset, limit: int | None = None, per_class: int | None = None, seed: int = 0
) -> Dataset:
    """At most ``limit`` images of each split, and at most ``per_class`` of each class in it.

    Images are drawn at random by the seed and stay in their order; ``limit`` keeps the shares of
    the classes. Without either the dataset is returned as it is.
    """
    if limit is None and per_class is None:
        return dataset
    part = dataset.each(lambda split: _part(split, limit, per_class, seed))
    pairs = ((part.train, dataset.train), (part.val, dataset.val), (part.test, dataset.test))
    train, val, test = (f"{len(few):,} of {len(every):,}" for few, every in pairs)
    words = f"A part of it by seed {seed}: {train} to train, {val} to validate, {test} to test."
    return replace(part, notes=(*dataset.notes, words))


def subset_for(dataset: Dataset, recipe: Recipe) -> Dataset:
    """The part of a dataset that a recipe asks for: the same one whatever the recipe's seed."""
    return subset_of(dataset, recipe.limit, recipe.per_class)


def _part(split: Split, limit: int | None, per_class: int | None, seed: int) -> Split:
    kept = np.arange(len(split))
    if per_class is not None:
        kept = kept[_rank(split.labels, seed) < per_class]
    if limit is not None and limit < len(kept):
        kept = np.sort(kept[stratified_order(split.labels[kept], seed)[:limit]])
    return split if len(kept) == len(split) else split.take(kept)


def _rank(labels: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """The place of each image in a random order of its class, from 0, ``(N,)``."""
    order = np.random.default_rng(seed).permutation(len(labels))
    by_class = order[np.argsort(labels[order], kind="stable")]
    counts = np.bincount(labels)
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    rank = np.empty(len(labels), np.int64)
    rank[by_class] = np.arange(len(labels)) - starts
    return rank
