"""The built-in datasets: ``digits`` from a file, ``shapes`` drawn from a seed.

An image of ``shapes`` has one light figure of random position, size, angle and colour on a dark,
shaded ground, with strips of any colour behind it and noise over everything. Templates of pixels
help little, as the figure may be anywhere; detecting edges and corners does. It is drawn at any
size and with any number of channels, each figure in proportion to the shorter side.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.cores import default_threads
from cnn_tui.engine.data.cache import cached, digest
from cnn_tui.engine.data.dataset import Dataset, Split, stratified_order
from cnn_tui.engine.data.figures import FIGURES, Field
from cnn_tui.engine.data.image_file import ImageFile
from cnn_tui.engine.data.sources import Progress

Volume = tuple[int, int, int]
"""``(C, H, W)`` of an image."""
USUAL: Volume = (3, 32, 32)
_SIDE = 32
"""The shorter side for which the lengths below are given, in pixels."""
_CHUNK_PIXELS = 250 * _SIDE * _SIDE
"""Pixels drawn at a time; the random numbers of an image depend on it."""
_RADIUS = (7.5, 12.5)
"""Range of the radius of the circle around the figure."""
_STRIPS = 3
_STRIP_LENGTH = (3.0, 9.0)
_STRIP_WIDTH = (0.5, 1.2)
"""Ranges of half the length and half the width of a strip."""
_DARK, _LIGHT, _ANY = (0, 130), (125, 256), (0, 256)
_TILT = np.pi / 5
"""Largest rotation of a figure, in either direction."""
_ROAM = 0.75
"""Share of the free margin within which a figure may be placed."""
_SHADE = 45
_NOISE = np.float32(14)


def draw(
    labels: NDArray[np.int64], rng: np.random.Generator, shape: Volume = USUAL
) -> NDArray[np.uint8]:
    """Draw one image per label, ``(N, C, H, W)``; equal generators draw equal images."""
    images = np.empty((len(labels), *shape), np.uint8)
    chunk = _chunk(shape)
    for start in range(0, len(labels), chunk):
        images[start : start + chunk] = _draw(labels[start : start + chunk], rng, shape)
    return images


def _chunk(shape: Volume) -> int:
    return max(1, _CHUNK_PIXELS // (shape[1] * shape[2]))


def _draw(labels: NDArray[np.int64], rng: np.random.Generator, shape: Volume) -> NDArray[np.uint8]:
    count, (channels, *sides) = len(labels), shape
    ground = _uniform(rng, _DARK, count, channels)
    canvas = ground[..., None, None] + _shade(count, rng, sides)
    for _ in range(_STRIPS):
        _paint(canvas, _strip(count, rng, sides), _uniform(rng, _ANY, count, channels))
    _paint(canvas, _figure(labels, rng, sides), _uniform(rng, _LIGHT, count, channels))
    canvas += _NOISE * rng.standard_normal(canvas.shape, np.float32)
    return np.clip(canvas, 0, 255, out=canvas).astype(np.uint8)


def _uniform(rng: np.random.Generator, bounds: tuple[float, float], *shape: int) -> Field:
    return rng.uniform(*bounds, shape).astype(np.float32)


def _lengths(
    rng: np.random.Generator, bounds: tuple[float, float], count: int, sides: list[int]
) -> Field:
    """A random length for each image in pixels, ``(N, 1, 1)``."""
    return _uniform(rng, bounds, count, 1, 1) * np.float32(min(sides) / _SIDE)


def _shade(count: int, rng: np.random.Generator, sides: list[int]) -> Field:
    across, down = _axes(count, rng, sides, np.pi)
    return (_SHADE / min(sides) * _uniform(rng, (-1, 1), count, 1, 1) * (across + down))[:, None]


def _paint(canvas: Field, distance: Field, colour: Field) -> None:
    """Fill the inside with a colour; pixels on the outline are blended."""
    cover = np.clip(np.float32(0.5) - distance, 0, 1)[:, None]
    canvas += cover * (colour[..., None, None] - canvas)


def _strip(count: int, rng: np.random.Generator, sides: list[int]) -> Field:
    along, across = _axes(count, rng, sides, np.pi)
    return np.maximum(
        np.abs(along) - _lengths(rng, _STRIP_LENGTH, count, sides),
        np.abs(across) - _lengths(rng, _STRIP_WIDTH, count, sides),
    )


def _figure(labels: NDArray[np.int64], rng: np.random.Generator, sides: list[int]) -> Field:
    """Distance of each pixel from its image's figure in pixels, ``(N, H, W)``."""
    radius = _lengths(rng, _RADIUS, len(labels), sides)
    across, down = _axes(len(labels), rng, sides, _TILT, radius)
    distance = np.empty_like(across)
    for label, figure in enumerate(FIGURES.values()):
        chosen = labels == label
        u, v = across[chosen] / radius[chosen], down[chosen] / radius[chosen]
        distance[chosen] = figure(u, v) * radius[chosen]
    return distance


def _axes(
    count: int,
    rng: np.random.Generator,
    sides: list[int],
    tilt: float,
    radius: Field | None = None,
) -> tuple[Field, Field]:
    """Coordinates of every pixel in random axes, ``(N, H, W)`` each.

    The angle is within ``tilt`` in either direction; the origin is anywhere, or where a circle of
    ``radius`` around it stays inside.
    """
    height, width = sides
    places = _uniform(rng, (-1, 1), 2, count, 1, 1)
    x0, y0 = (
        place * (side / 2 if radius is None else _ROAM * (side / 2 - radius))
        for place, side in zip(places, (width, height), strict=True)
    )
    angle = rng.uniform(-tilt, tilt, (count, 1, 1))
    cos, sin = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
    x, y = _centred(width)[None, None, :] - x0, _centred(height)[None, :, None] - y0
    return cos * x + sin * y, cos * y - sin * x


def _centred(side: int) -> Field:
    return np.arange(side, dtype=np.float32) - np.float32((side - 1) / 2)


SHAPES = tuple(FIGURES)
_SHAPES_SEED = 0
_MOST, _LEAST = 10_000, 1_000
_BYTES = 256_000_000
"""Bytes of all images, if that leaves at least ``_LEAST`` of them."""
_TENTHS = (8, 1, 1)
"""How the images are shared out: to train, to validate, to test."""


def shapes_count(shape: Volume) -> int:
    """Number of images of ``shapes`` at this size: 10,000, or fewer of large ones."""
    return max(_LEAST, min(_MOST, _BYTES // math.prod(shape) // 100 * 100))


def load_shapes(shape: Volume = USUAL, progress: Progress | None = None) -> Dataset:
    """Draw ``shapes``, always the same images of a size; 8,000 + 1,000 + 1,000 of 3x32x32.

    Other sizes are drawn once, into the user's cache.

    Args:
        shape: ``(C, H, W)``; see :func:`shapes_count`.
        progress: Called while images are drawn.

    Raises:
        DataError: The cache has too little space.
    """
    counts = [shapes_count(shape) * tenths // 10 for tenths in _TENTHS]
    labels = [np.arange(count) % len(SHAPES) for count in counts]
    if shape == USUAL:
        rng = np.random.default_rng(_SHAPES_SEED)
        splits = [Split(draw(of_split, rng), of_split) for of_split in labels]
    else:
        drawn = cached(
            f"shapes-{digest(shape)}",
            digest(_SHAPES_SEED, shape, counts),
            sum(counts) * math.prod(shape),
            lambda made: _draw_file(made / _PIXELS, np.concatenate(labels), shape, progress),
        )
        rows = np.split(np.arange(sum(counts)), np.cumsum(counts)[:-1])
        splits = [
            Split(ImageFile(drawn / _PIXELS, shape, at), of_split)
            for at, of_split in zip(rows, labels, strict=True)
        ]
    train, val, test = splits
    return Dataset("shapes", SHAPES, train, val, test)


_PIXELS = "pixels"


def _draw_file(
    path: Path, labels: NDArray[np.int64], shape: Volume, progress: Progress | None
) -> None:
    """Draw on every core: each block has a generator of its own, so that none waits for another."""
    block, total = _chunk(shape), len(labels)
    what = f"drawing shapes ({total * math.prod(shape) / 1e6:,.0f} MB)"

    def drawn(start: int) -> NDArray[np.uint8]:
        rng = np.random.default_rng((_SHAPES_SEED, start))
        return draw(labels[start : start + block], rng, shape)

    threads = default_threads()
    with ThreadPoolExecutor(threads) as pool, path.open("xb") as file:
        for first in range(0, total, block * threads):
            starts = range(first, min(first + block * threads, total), block)
            for images in pool.map(drawn, starts):
                file.write(images.data)
            if progress:
                progress(what, min(first + block * threads, total), total)


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
