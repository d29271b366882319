"""Random changes to training images that leave their class what it is.

Notes, Preventing overfitting; Krizhevsky et al. 2012, section 4.1; DeVries & Taylor 2017.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.specs.network import Recipe


@dataclass(frozen=True)
class Augmenter:
    """Flips, shifts and cuts out, for normalised images: what is left blank gets 0, their mean.

    Args:
        flip: Mirror an image with probability 1/2.
        shift: Move it by up to so many pixels, down and to the right or back.
        cutout: Side of the square that is blanked, in pixels; its middle may be at any pixel.
    """

    flip: bool = False
    shift: int = 0
    cutout: int = 0

    @classmethod
    def of(cls, training: Recipe) -> Augmenter:
        """What the recipe asks for."""
        return cls(training.flip, training.shift, training.cutout)

    def apply(self, images: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
        """The images ``(N, C, H, W)`` changed, each its own way; the array given may be reused."""
        if self.flip:
            _mirror(images, rng.random(len(images)) < 0.5)
        if self.shift:
            images = _moved(images, self.shift, rng)
        if self.cutout:
            _blank(images, self.cutout, rng)
        return images


def _mirror(images: NDArray[np.float32], chosen: NDArray[np.bool_]) -> None:
    images[chosen] = images[chosen, :, :, ::-1]


def _moved(images: NDArray[np.float32], most: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Copies on a blank ground."""
    height, width = images.shape[2:]
    down, right = rng.integers(-most, most + 1, (2, len(images))).tolist()
    moved = np.zeros_like(images)
    for image, target, dy, dx in zip(images, moved, down, right, strict=True):
        to_y, from_y = _overlap(dy, height)
        to_x, from_x = _overlap(dx, width)
        target[:, to_y, to_x] = image[:, from_y, from_x]
    return moved


def _overlap(move: int, side: int) -> tuple[slice, slice]:
    """What of a side is filled after a move, and from where."""
    move = max(-side, min(move, side))
    if move < 0:
        return slice(0, side + move), slice(-move, side)
    return slice(move, side), slice(0, side - move)


def _blank(images: NDArray[np.float32], side: int, rng: np.random.Generator) -> None:
    height, width = images.shape[2:]
    tops = rng.integers(0, height, len(images)) - side // 2
    lefts = rng.integers(0, width, len(images)) - side // 2
    for image, top, left in zip(images, tops.tolist(), lefts.tolist(), strict=True):
        image[:, max(0, top) : max(0, top + side), max(0, left) : max(0, left + side)] = 0
