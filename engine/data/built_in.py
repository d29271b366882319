"""The built-in datasets: ``digits`` from a file, ``shapes`` drawn from a seed.

An image of ``shapes`` has one light figure of random position, size, angle and colour on a dark,
shaded ground, with strips of any colour behind it and noise over everything. Templates of pixels
help little, as the figure may be anywhere; detecting edges and corners does.
"""

from __future__ import annotations

from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.data.dataset import Dataset, Split, stratified_order
from cnn_tui.engine.data.figures import FIGURES, Field

SIDE = 32
_CHUNK = 250
_RADIUS = (7.5, 12.5)
"""Range of the radius of the circle around the figure, in pixels."""
_STRIPS = 3
_STRIP_LENGTH = (3.0, 9.0)
_STRIP_WIDTH = (0.5, 1.2)
"""Ranges of half the length and half the width of a strip, in pixels."""
_DARK, _LIGHT, _ANY = (0, 130), (125, 256), (0, 256)
_TILT = np.pi / 5
"""Largest rotation of a figure, in either direction."""
_ROAM = 0.75
"""Share of the free margin within which a figure may be placed."""
_SHADE = 45
_NOISE = np.float32(14)


def draw(labels: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw one image per label, ``(N, 3, 32, 32)``; equal generators draw equal images."""
    images = np.empty((len(labels), 3, SIDE, SIDE), np.uint8)
    for start in range(0, len(labels), _CHUNK):
        images[start : start + _CHUNK] = _draw(labels[start : start + _CHUNK], rng)
    return images


def _draw(labels: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.uint8]:
    count = len(labels)
    ground = _uniform(rng, _DARK, count, 3)
    canvas = ground[..., None, None] + _shade(count, rng)
    for _ in range(_STRIPS):
        _paint(canvas, _strip(count, rng), _uniform(rng, _ANY, count, 3))
    _paint(canvas, _figure(labels, rng), _uniform(rng, _LIGHT, count, 3))
    canvas += _NOISE * rng.standard_normal(canvas.shape, np.float32)
    return np.clip(canvas, 0, 255, out=canvas).astype(np.uint8)


def _uniform(rng: np.random.Generator, bounds: tuple[float, float], *shape: int) -> Field:
    return rng.uniform(*bounds, shape).astype(np.float32)


def _shade(count: int, rng: np.random.Generator) -> Field:
    across, down = _axes(count, rng, np.pi, SIDE / 2)
    return (_SHADE / SIDE * _uniform(rng, (-1, 1), count, 1, 1) * (across + down))[:, None]


def _paint(canvas: Field, distance: Field, colour: Field) -> None:
    """Fill the inside with a colour; pixels on the outline are blended."""
    cover = np.clip(np.float32(0.5) - distance, 0, 1)[:, None]
    canvas += cover * (colour[..., None, None] - canvas)


def _strip(count: int, rng: np.random.Generator) -> Field:
    along, across = _axes(count, rng, np.pi, SIDE / 2)
    return np.maximum(
        np.abs(along) - _uniform(rng, _STRIP_LENGTH, count, 1, 1),
        np.abs(across) - _uniform(rng, _STRIP_WIDTH, count, 1, 1),
    )


def _figure(labels: NDArray[np.int64], rng: np.random.Generator) -> Field:
    """Distance of each pixel from its image's figure in pixels, ``(N, 32, 32)``."""
    radius = _uniform(rng, _RADIUS, len(labels), 1, 1)
    across, down = _axes(len(labels), rng, _TILT, _ROAM * (SIDE / 2 - radius))
    distance = np.empty_like(across)
    for label, figure in enumerate(FIGURES.values()):
        chosen = labels == label
        u, v = across[chosen] / radius[chosen], down[chosen] / radius[chosen]
        distance[chosen] = figure(u, v) * radius[chosen]
    return distance


def _axes(
    count: int, rng: np.random.Generator, tilt: float, room: Field | float
) -> tuple[Field, Field]:
    """Coordinates of every pixel in random axes, ``(N, 32, 32)`` each.

    The angle is within ``tilt`` in either direction, the origin within ``room`` of the centre.
    """
    x0, y0 = _uniform(rng, (-1, 1), 2, count, 1, 1) * room
    angle = rng.uniform(-tilt, tilt, (count, 1, 1))
    cos, sin = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
    pixels = np.arange(SIDE, dtype=np.float32) - np.float32((SIDE - 1) / 2)
    x, y = pixels[None, None, :] - x0, pixels[None, :, None] - y0
    return cos * x + sin * y, cos * y - sin * x


SHAPES = tuple(FIGURES)
_SHAPES_TRAIN, _SHAPES_VAL, _SHAPES_TEST = 8000, 1000, 1000
_SHAPES_SEED = 0


def load_shapes() -> Dataset:
    """Draw ``shapes``: 8,000 + 1,000 + 1,000 images of 3x32x32, always the same ones."""
    rng = np.random.default_rng(_SHAPES_SEED)
    train, val, test = (_split(rng, count) for count in (_SHAPES_TRAIN, _SHAPES_VAL, _SHAPES_TEST))
    return Dataset("shapes", SHAPES, train, val, test)


def _split(rng: np.random.Generator, count: int) -> Split:
    labels = np.arange(count) % len(SHAPES)
    return Split(draw(labels, rng), labels)


DIGITS = tuple("0123456789")
_SPLIT_SEED = 0
_TEST, _VAL = 360, 180


def load_digits() -> Dataset:
    """Load ``digits``: 1,257 + 180 + 360 images of 1x8x8, 0 to 16 (docs/data-credits.md)."""
    with (files(__package__) / "digits.npz").open("rb") as stream:
        archive = np.load(stream, allow_pickle=False)
        images, labels = archive["images"][:, None], archive["labels"].astype(np.int64)
    every = Split(images, labels)
    test, val, train = np.split(stratified_order(labels, _SPLIT_SEED), [_TEST, _TEST + _VAL])
    return Dataset("digits", DIGITS, every.take(train), every.take(val), every.take(test))
