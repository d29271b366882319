"""A look at pictures without decoding the whole set: one of each class, nothing in the cache."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from cnn_tui.engine.data.dataset import Dataset, Split
from cnn_tui.engine.data.listing import Listing
from cnn_tui.engine.data.pictures import (
    BadPictureError,
    PictureSource,
    bombs_refused,
    read_picture,
)
from cnn_tui.engine.errors import DataError


def first_of_classes(listing: Listing, most: int) -> dict[int, int]:
    """Index of the first training picture of each of the first ``most`` classes, by its class."""
    first: dict[int, int] = {}
    for index, picture in enumerate(listing.pictures):
        if picture.split in ("", "train"):
            first.setdefault(picture.label, index)
    return {label: first[label] for label in sorted(first)[:most]}


def few_of(
    title: str,
    classes: tuple[str, ...],
    pictures: Iterable[tuple[int, PictureSource]],
    shape: tuple[int, int, int],
) -> Dataset:
    """These pictures with their classes, as each of the splits; damaged ones are left out.

    Raises:
        DataError: All are damaged.
    """
    labels, images, why = [], [], ""
    with bombs_refused():
        for label, source in pictures:
            try:
                images.append(read_picture(source, shape))
                labels.append(label)
            except BadPictureError as error:
                why = f"{source}: {error}." if not isinstance(source, bytes) else f"{error}."
    if not images:
        raise DataError(f"No picture of {title} can be read: {why or 'there is none.'}")
    split = Split(np.stack(images), np.array(labels, np.int64))
    return Dataset(title, classes, split, split, split)
