"""Images as the augmentation of a recipe changes them, to look at before training."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.data.augment import Augmenter, Floats
from cnn_tui.engine.data.loader import blended
from cnn_tui.engine.data.preprocess import Normalizer
from cnn_tui.engine.specs.network import Recipe

CHANGES = ("rotate", "scale", "translate", "flip", "shift", "jitter", "cutout", "mixup")
"""The settings of a recipe that change training images, in the order in which they apply."""


def changes(recipe: Recipe) -> tuple[str, ...]:
    """The settings that change images, as a file has them; none if images stay as they are."""
    values = ((name, getattr(recipe, name)) for name in CHANGES)
    written = ((name, "true" if value is True else f"{value:g}") for name, value in values if value)
    return tuple(f"{name} = {value}" for name, value in written)


def augmented(
    images: NDArray[np.generic], recipe: Recipe, normalizer: Normalizer, count: int, seed: int
) -> Floats:
    """Return each image ``(N, C, H, W)`` changed at random ``count`` times, ``(N, count, ...)``.

    The pixels have the scale of the given ones. Equal seeds give equal pictures.
    """
    rng = np.random.default_rng(seed)
    many = normalizer.apply(np.repeat(np.asarray(images, np.float32), count, axis=0))
    many = Augmenter(recipe, normalizer).apply(many, rng)
    if recipe.mixup:
        targets = np.zeros(len(many), np.int64)
        many = blended(many, targets, None, recipe.mixup, rng).images
    pixels = many * normalizer.std + normalizer.mean
    return pixels.reshape(len(images), count, *images.shape[1:])
