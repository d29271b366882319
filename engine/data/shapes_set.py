"""``shapes``, the built-in set of colour images: drawn from a seed whenever it is asked for."""

from __future__ import annotations

import numpy as np

from cnn_tui.engine.data.dataset import Dataset, Split
from cnn_tui.engine.data.drawing import draw
from cnn_tui.engine.data.figures import FIGURES

CLASSES = tuple(FIGURES)
_TRAIN, _VAL, _TEST = 8000, 1000, 1000
_SEED = 0


def load_shapes() -> Dataset:
    """8,000 images to train, 1,000 to validate, 1,000 to test, 3x32x32; always the same ones."""
    rng = np.random.default_rng(_SEED)
    train, val, test = (_split(rng, count) for count in (_TRAIN, _VAL, _TEST))
    return Dataset("shapes", CLASSES, train, val, test)


def _split(rng: np.random.Generator, count: int) -> Split:
    labels = np.arange(count) % len(CLASSES)
    return Split(draw(labels, rng), labels)
