"""Images that are twice in a dataset, and images of almost a single brightness.

A test image that is also in training measures memory, not learning. Images are the same if all
their bytes are: a picture that was saved again with other settings is not found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import msgspec
import numpy as np

from cnn_tui.engine.data.dataset import Dataset, Split

_CHUNK = 1024
_MOST_EXAMPLES = 5
FLAT = 0.01
"""Range of an image's pixels, as a share of that of the dataset, up to which it is flat."""


class RepeatedImage(msgspec.Struct, frozen=True):
    """An image that equals an earlier one."""

    split: str
    index: int
    label: str
    first_split: str
    first_index: int
    first_label: str


class Repeats(msgspec.Struct, frozen=True):
    """Numbers of images that equal an earlier one."""

    train: int
    """Training images that are twice or more often in the training split, without the first."""
    val: int
    """Validation images that are in the training split."""
    test: int
    """Test images that are in the training or the validation split."""
    relabelled: int
    """Repeated images, of any split, that have another class than the earlier image."""
    examples: tuple[RepeatedImage, ...]


class FlatImages(msgspec.Struct, frozen=True):
    """Images whose pixels are nearly all the same."""

    train: int
    val: int
    test: int
    examples: tuple[tuple[str, int, str], ...]
    """Split, index and class."""


def find_repeats(dataset: Dataset) -> Repeats:
    """Find images that are in more than one split, or twice in training; by digest of their bytes.

    Repeats within validation or test alone are not counted: they leak nothing.
    """
    seen: dict[bytes, tuple[str, int, int]] = {}
    counts = dict.fromkeys(("train", "val", "test"), 0)
    relabelled, examples = 0, []
    for name, split in _splits(dataset):
        own: dict[bytes, tuple[str, int, int]] = {}
        for index, digest in enumerate(_digests(split)):
            label = int(split.labels[index])
            known = seen.get(digest) or (own.get(digest) if name == "train" else None)
            if known is None:
                own.setdefault(digest, (name, index, label))
                continue
            counts[name] += 1
            relabelled += known[2] != label
            first = (known[0], known[1], dataset.classes[known[2]])
            examples.append(RepeatedImage(name, index, dataset.classes[label], *first))
        seen.update(own)
    # Of test and validation first: they matter most.
    examples.sort(key=lambda repeat: ("test", "val", "train").index(repeat.split))
    return Repeats(**counts, relabelled=relabelled, examples=tuple(examples[:_MOST_EXAMPLES]))


def find_flat(dataset: Dataset, low: float, high: float) -> FlatImages:
    """Find images whose pixels differ by at most :data:`FLAT` of the range from low to high."""
    counts, examples = {}, []
    for name, split in _splits(dataset):
        counts[name] = 0
        for start in range(0, len(split), _CHUNK):
            pixels = np.asarray(split.images[start : start + _CHUNK])
            pixels = pixels.reshape(len(pixels), -1)
            ranges = pixels.max(1).astype(float) - pixels.min(1).astype(float)
            for index in np.flatnonzero(ranges <= FLAT * (high - low)).tolist():
                counts[name] += 1
                label = dataset.classes[split.labels[start + index]]
                examples.append((name, start + index, label))
    return FlatImages(**counts, examples=tuple(examples[:_MOST_EXAMPLES]))


def _splits(dataset: Dataset) -> Iterator[tuple[str, Split]]:
    yield from (("train", dataset.train), ("val", dataset.val), ("test", dataset.test))


def _digests(split: Split) -> Iterator[bytes]:
    for start in range(0, len(split), _CHUNK):
        for image in np.ascontiguousarray(split.images[start : start + _CHUNK]):
            yield hashlib.blake2b(image.data, digest_size=16).digest()
