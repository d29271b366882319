"""The built-in set: 1,797 handwritten digits of 8x8 pixels, 0 to 16 (docs/data-credits.md)."""

from __future__ import annotations

from importlib.resources import files

import numpy as np

from cnn_tui.engine.data.dataset import Dataset, Split
from cnn_tui.engine.data.split import stratified_order

CLASSES = tuple("0123456789")
_SPLIT_SEED = 0
_TEST, _VAL = 360, 180


def load_digits() -> Dataset:
    """1,257 images to train, 180 to validate, 360 to test; always the same ones."""
    with (files(__package__) / "digits.npz").open("rb") as stream:
        archive = np.load(stream, allow_pickle=False)
        images, labels = archive["images"][:, None], archive["labels"].astype(np.int64)
    every = Split(images, labels)
    test, val, train = np.split(stratified_order(labels, _SPLIT_SEED), [_TEST, _TEST + _VAL])
    return Dataset("digits", CLASSES, every.take(train), every.take(val), every.take(test))
