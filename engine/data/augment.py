"""Augmentation: random changes of training images that leave their class as it is.

Notes, Preventing overfitting; Krizhevsky et al. 2012, section 4.1; DeVries & Taylor 2017.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.data.preprocess import Normalizer
from cnn_tui.engine.specs.network import Recipe

Floats = NDArray[np.float32]
_LUMA = np.array((0.299, 0.587, 0.114), np.float32).reshape(3, 1, 1)
"""Weights of red, green and blue in a grey (ITU-R BT.601)."""
_TOGETHER = 16
"""Images that are resampled at a time, so that their coordinates stay in the cache."""


@dataclass(frozen=True, eq=False)
class Augmenter:
    """Random changes of normalised images ``(N, C, H, W)``; blank pixels get 0, the mean.

    Args:
        recipe: The settings ``rotate``, ``scale``, ``translate``, ``flip``, ``shift``, ``jitter``
            and ``cutout``, which apply in this order.
        normalizer: The one that the images went through; ``jitter`` works on the pixels themselves.
    """

    recipe: Recipe
    normalizer: Normalizer

    @property
    def changes(self) -> bool:
        """Whether the recipe asks for any."""
        one = self.recipe
        resamples = one.rotate or one.scale or one.translate
        return bool(resamples or one.flip or one.shift or one.jitter or one.cutout)

    def apply(self, images: Floats, rng: np.random.Generator) -> Floats:
        """Change each image at random; the given array may be reused."""
        recipe = self.recipe
        if recipe.rotate or recipe.scale or recipe.translate:
            images = _resampled(images, recipe, rng)
        if recipe.flip:
            mirrored = rng.random(len(images)) < 0.5
            images[mirrored] = images[mirrored, :, :, ::-1]
        if recipe.shift:
            images = _moved(images, recipe.shift, rng)
        if recipe.jitter:
            _tint(images, recipe.jitter, self.normalizer, rng)
        if recipe.cutout:
            _blank(images, recipe.cutout, rng)
        return images


def _resampled(images: Floats, recipe: Recipe, rng: np.random.Generator) -> Floats:
    """Copies of the images, each turned, scaled and moved at random about its centre."""
    count, _, height, width = images.shape
    between = partial(rng.uniform, size=(count, 1, 1))
    angle = np.deg2rad(between(-recipe.rotate, recipe.rotate))
    factor = between(1 - recipe.scale, 1 + recipe.scale)
    down = between(-recipe.translate, recipe.translate) * height
    right = between(-recipe.translate, recipe.translate) * width
    # Each pixel of a copy comes from the place that the inverse of its change leads to.
    middle_y, middle_x = (height - 1) / 2, (width - 1) / 2
    y = np.arange(height).reshape(1, -1, 1) - middle_y - down
    x = np.arange(width).reshape(1, 1, -1) - middle_x - right
    cos, sin = np.cos(angle) / factor, np.sin(angle) / factor
    places = (cos * y - sin * x + middle_y, sin * y + cos * x + middle_x)
    result = np.empty_like(images)
    for start in range(0, count, _TOGETHER):
        part = slice(start, start + _TOGETHER)
        _sample(images[part], places[0][part], places[1][part], result[part])
    return result


def _sample(images: Floats, y: NDArray[np.float64], x: NDArray[np.float64], out: Floats) -> None:
    """Interpolate ``images`` linearly at the places ``(N, H, W)``, 0 outside of them."""
    count, channels, height, width = images.shape
    padded = np.zeros((count, channels, height + 3, width + 3), np.float32)
    padded[:, :, 1:-2, 1:-2] = images
    y, x = np.clip(y, -1, height) + 1, np.clip(x, -1, width) + 1
    top, left = y.astype(np.int64), x.astype(np.int64)
    below, beside = ((y - top).astype(np.float32), (x - left).astype(np.float32))
    pixels = padded.reshape(count, channels, -1)
    corner = (top * (width + 3) + left).reshape(count, 1, -1)

    def row(at: NDArray[np.int64]) -> Floats:
        first, second = (
            np.take_along_axis(pixels, at + step, 2).reshape(images.shape) for step in (0, 1)
        )
        first += beside[:, None] * (second - first)
        return first

    upper = row(corner)
    upper += below[:, None] * (row(corner + width + 3) - upper)
    out[:] = upper


def _moved(images: Floats, most: int, rng: np.random.Generator) -> Floats:
    """Copies of the images, each shifted at random by whole pixels on a blank ground."""
    height, width = images.shape[2:]
    down, right = rng.integers(-most, most + 1, (2, len(images))).tolist()
    moved = np.zeros_like(images)
    for image, target, dy, dx in zip(images, moved, down, right, strict=True):
        to_y, from_y = _overlap(dy, height)
        to_x, from_x = _overlap(dx, width)
        target[:, to_y, to_x] = image[:, from_y, from_x]
    return moved


def _overlap(move: int, side: int) -> tuple[slice, slice]:
    """Target and source slice of one axis after a shift."""
    move = max(-side, min(move, side))
    if move < 0:
        return slice(0, side + move), slice(-move, side)
    return slice(move, side), slice(0, side - move)


def _tint(images: Floats, most: float, normalizer: Normalizer, rng: np.random.Generator) -> None:
    """Change brightness, contrast and, of three channels, saturation of the pixels."""
    count, channels = images.shape[:2]
    factors = rng.uniform(1 - most, 1 + most, (3, count, 1, 1, 1)).astype(np.float32)
    brightness, contrast, saturation = factors
    images *= normalizer.std
    images += normalizer.mean
    images *= brightness
    is_colour = channels == len(_LUMA)
    grey = (images * _LUMA).sum(1, keepdims=True) if is_colour else images
    level = grey.mean((1, 2, 3), keepdims=True)
    images *= contrast
    images += (1 - contrast) * level
    if is_colour:
        images *= saturation
        images += (1 - saturation) * (contrast * grey + (1 - contrast) * level)
    images -= normalizer.mean
    images /= normalizer.std


def _blank(images: Floats, side: int, rng: np.random.Generator) -> None:
    height, width = images.shape[2:]
    tops = rng.integers(0, height, len(images)) - side // 2
    lefts = rng.integers(0, width, len(images)) - side // 2
    for image, top, left in zip(images, tops.tolist(), lefts.tolist(), strict=True):
        image[:, max(0, top) : max(0, top + side), max(0, left) : max(0, left + side)] = 0
