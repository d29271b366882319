"""Images and labels of any reader, made into a dataset: classes, and splits that are missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cnn_tui.engine.data.dataset import Dataset, Pixels, Split, hold_out, share
from cnn_tui.engine.data.labels import Labels, classify
from cnn_tui.engine.errors import DataError

_PARTS = 10
"""One image in ten is held out for each missing split."""


class Part(NamedTuple):
    """The images of a split with their labels as they were found."""

    images: Pixels
    labels: Labels


def assemble(
    name: str, parts: Mapping[str, Part], classes: Sequence[str] = (), notes: Sequence[str] = ()
) -> Dataset:
    """Make a dataset of the splits ``train`` and, if they are there, ``val`` and ``test``.

    Missing ones are held out of the training images, stratified; these are rearranged in place.

    Raises:
        DataError: As :func:`classify` does, or images and labels differ in number.
    """
    for part in parts.values():
        _require_as_many(part)
    found = classify({split: part.labels for split, part in parts.items()}, classes)
    images, labels = parts["train"].images, found.labels["train"]
    splits = {}
    for split in ("test", "val"):
        if split in parts:
            splits[split] = Split(parts[split].images, found.labels[split])
        else:
            held = share(len(labels), _PARTS)
            _, splits[split] = hold_out(images, labels, held)
            images, labels = images[:-held], labels[:-held]
    train = Split(images, labels)
    return Dataset(name, found.classes, train, **splits, notes=(*notes, *found.notes))


def _require_as_many(part: Part) -> None:
    images, labels = len(part.images), len(part.labels.values)
    if images != labels or labels < 1:
        raise DataError(
            f"{part.labels.where}: expected one label for each image, received {images:,} images "
            f"and {labels:,} labels.",
            "Put the axis of the images first: numpy.moveaxis(x, -1, 0)."
            if labels and part.images.shape[-1] == labels
            else "Add what is missing, or take out what has no counterpart.",
        )
