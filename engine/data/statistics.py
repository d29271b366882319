"""Statistics of a dataset, for ``data show`` and the browser of samples."""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.data.dataset import Dataset, Images, Split
from cnn_tui.engine.data.preprocess import Normalizer
from cnn_tui.engine.data.repeats import FlatImages, Repeats, find_flat, find_repeats
from cnn_tui.engine.specs.wording import listed

_CHUNK = 1024


class ClassCount(msgspec.Struct, frozen=True):
    """Number of images of a class in each split."""

    name: str
    train: int
    val: int
    test: int


class Scale(msgspec.Struct, frozen=True):
    """Mean and standard deviation per channel of a split."""

    split: str
    """``train``, ``val`` or ``test``."""
    mean: tuple[float, ...]
    std: tuple[float, ...]


class Statistics(msgspec.Struct, frozen=True, kw_only=True):
    """The output of ``data show --json``; pixels are measured on the training split."""

    name: str
    input: tuple[int, int, int]
    """``(C, H, W)``."""
    dtype: str
    train: int
    val: int
    test: int
    classes: tuple[ClassCount, ...]
    low: float
    """Smallest pixel; ``high`` is the largest."""
    high: float
    mean: tuple[float, ...]
    """Mean per channel; ``std`` is the standard deviation."""
    std: tuple[float, ...]
    notes: tuple[str, ...]
    form: str = ""
    """What the data is read from, in words: ``a folder of pictures for each class``."""
    scales: tuple[Scale, ...] = ()
    """Mean and deviation of each split."""
    repeats: Repeats | None = None
    """Images that are in more than one split, or twice in training."""
    flat: FlatImages | None = None
    """Images whose pixels are nearly all the same."""


def measure(dataset: Dataset, form: str = "") -> Statistics:
    """Measure counts, range, mean, deviation, repeats and flat images of a dataset.

    ``form`` says what it is read from.
    """
    normalizer = Normalizer.fit(dataset.train)
    low, high = _range(dataset.train.images)
    splits = (dataset.train, dataset.val, dataset.test)
    counts = zip(*(_counts(split, len(dataset.classes)) for split in splits), strict=True)
    return Statistics(
        name=dataset.name,
        input=dataset.input_shape,
        dtype=str(dataset.train.images.dtype),
        train=len(dataset.train),
        val=len(dataset.val),
        test=len(dataset.test),
        classes=tuple(
            ClassCount(name, *count) for name, count in zip(dataset.classes, counts, strict=True)
        ),
        low=low,
        high=high,
        mean=tuple(normalizer.mean.ravel().tolist()),
        std=tuple(normalizer.std.ravel().tolist()),
        notes=dataset.notes,
        form=form,
        scales=tuple(
            _scale(name, Normalizer.fit(split) if name != "train" else normalizer)
            for name, split in zip(("train", "val", "test"), splits, strict=True)
        ),
        repeats=find_repeats(dataset),
        flat=find_flat(dataset, low, high),
    )


def findings(statistics: Statistics) -> tuple[str, ...]:
    """What is doubtful about a dataset, as sentences; none if all is well."""
    found = []
    repeats, flat = statistics.repeats, statistics.flat
    if repeats and repeats.test:
        found.append(
            f"{_images(repeats.test)} of the test split {_are(repeats.test)} also in training or "
            "validation: they measure memory, not learning."
        )
    if repeats and repeats.val:
        found.append(
            f"{_images(repeats.val)} of the validation split {_are(repeats.val)} also in training."
        )
    if repeats and repeats.train:
        repeat = "repeats" if repeats.train == 1 else "repeat"
        found.append(f"{_images(repeats.train)} of the training split {repeat} an earlier one.")
    if repeats and repeats.relabelled:
        has = "has" if repeats.relabelled == 1 else "have"
        found.append(f"{_images(repeats.relabelled)} of these {has} another class the second time.")
    if flat and (count := flat.train + flat.val + flat.test):
        found.append(f"{_images(count)} {_are(count)} nearly of a single brightness.")
    scales = map(_scaled_otherwise, _other_scales(statistics))
    return (*found, *scales, *_about_classes(statistics.classes))


UNEVEN = 5.0
"""Ratio of the largest to the smallest class of the training images that is worth a word."""
_MOST_NAMED = 3


def _about_classes(classes: tuple[ClassCount, ...]) -> Iterator[str]:
    """Yield what is doubtful about the numbers of images of the classes."""
    splits = (("training", "train"), ("validation", "val"), ("test", "test"))
    for words, split in splits:
        empty = [count.name for count in classes if not getattr(count, split)]
        if empty:
            more = [f"{len(empty) - _MOST_NAMED} more"] if len(empty) > _MOST_NAMED else []
            names = listed([*empty[:_MOST_NAMED], *more], "and")
            yield f"The {words} split has no image of {names}."
    sizes = sorted((count.train, count.name) for count in classes if count.train)
    if sizes and sizes[-1][0] > UNEVEN * sizes[0][0]:
        (least, rare), (most, frequent) = sizes[0], sizes[-1]
        yield (
            f"{frequent} has {most / least:,.0f} times as many training images as {rare}: "
            "balance in the recipe makes up for it."
        )


APART, WIDER = 0.5, 2.0
"""Distance of a split's mean from that of training, in deviations, and ratio of the deviations,
from which it is scaled otherwise."""
_LUCK = 2.0
"""Deviations by which the mean of a single image may be off; of ``n`` images a ``sqrt(n)``-th."""
_ENOUGH = 10
"""Images from which a deviation says something."""


def is_scaled_otherwise(
    mean: float, std: float, *, other: tuple[float, float], images: int
) -> bool:
    """Whether ``images`` with another mean and deviation have pixels of another scale.

    Other images of the same kind differ too, the more the fewer there are.
    """
    if abs(other[0] - mean) > (APART + _LUCK / math.sqrt(images)) * std:
        return True
    return images >= _ENOUGH and not std / WIDER <= other[1] <= std * WIDER


def _other_scales(statistics: Statistics) -> Iterator[tuple[Scale, Scale]]:
    """Yield the training split with each split whose pixels are scaled otherwise."""
    if not statistics.scales:
        return
    train, *others = statistics.scales
    for other in others:
        images = statistics.val if other.split == "val" else statistics.test
        figures = zip(train.mean, train.std, zip(other.mean, other.std, strict=True), strict=True)
        if any(is_scaled_otherwise(m, s, other=own, images=images) for m, s, own in figures):
            yield train, other


def _scaled_otherwise(pair: tuple[Scale, Scale]) -> str:
    train, other = pair
    words = " and ".join(
        f"{_WORDS[scale.split]} has mean {scale.mean[0]:.4g} and deviation {scale.std[0]:.4g}"
        for scale in (other, train)
    )
    return f"{words[0].upper()}{words[1:]}: their pixels seem to be scaled differently."


_WORDS = {"train": "training", "val": "validation", "test": "test"}


def _images(count: int) -> str:
    return f"{count:,} image{'s' * (count != 1)}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _scale(name: str, normalizer: Normalizer) -> Scale:
    return Scale(
        name, tuple(normalizer.mean.ravel().tolist()), tuple(normalizer.std.ravel().tolist())
    )


def first_of_each(split: Split, classes: int) -> list[int]:
    """Index of the first image of each class that has images."""
    labels, indices = np.unique(split.labels, return_index=True)
    return [int(index) for label, index in zip(labels, indices, strict=True) if label < classes]


def to_bytes(image: NDArray[np.generic], low: float, high: float) -> NDArray[np.uint8]:
    """Scale an image for display: from 0, or a negative ``low``, to ``high`` becomes 0 to 255."""
    low = min(low, 0.0)
    scaled = (image.astype(np.float64) - low) * (255 / ((high - low) or 1.0))
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def _counts(split: Split, classes: int) -> list[int]:
    counts: list[int] = np.bincount(split.labels, minlength=classes).tolist()
    return counts


def _range(images: Images) -> tuple[float, float]:
    low, high = np.inf, -np.inf
    for start in range(0, len(images), _CHUNK):
        chunk = images[start : start + _CHUNK]
        low, high = min(low, float(chunk.min())), max(high, float(chunk.max()))
    return low, high
