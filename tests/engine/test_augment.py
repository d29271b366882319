"""Augmentation: what it does to images, their labels and the order of a batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cnn_tui.engine.data.augment import Augmenter
from cnn_tui.engine.data.dataset import Split
from cnn_tui.engine.data.loader import Loader
from cnn_tui.engine.data.preprocess import Normalizer
from cnn_tui.engine.specs.codec import dumps_network, loads_network
from cnn_tui.engine.specs.layers import FC
from cnn_tui.engine.specs.network import Network, Recipe

ALL = {
    "flip": True,
    "shift": 2,
    "cutout": 3,
    "rotate": 20.0,
    "scale": 0.2,
    "translate": 0.1,
    "jitter": 0.3,
}


def numbered(count: int, side: int = 6) -> np.ndarray:
    """Images of one channel whose pixels all differ and none is 0."""
    pixels = np.arange(1, count * side * side + 1, dtype=np.float32)
    return pixels.reshape(count, 1, side, side)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def augmented(images: np.ndarray, seed: int = 0, **settings: Any) -> np.ndarray:
    """The images changed by a recipe, as if their mean were 0 and their deviation 1."""
    like = (images.shape[1], 1, 1)
    plain = Normalizer(np.zeros(like, np.float32), np.ones(like, np.float32))
    return Augmenter(Recipe(**settings), plain).apply(images.copy(), rng(seed))


def test_nothing_asked_for_nothing_changed() -> None:
    images = numbered(5)
    np.testing.assert_array_equal(augmented(images), images)


def test_flip_mirrors_about_half_of_the_images() -> None:
    images = numbered(400)
    flipped = augmented(images, flip=True)
    mirrored = (flipped == images[..., ::-1]).all(axis=(1, 2, 3))
    same = (flipped == images).all(axis=(1, 2, 3))
    assert (mirrored ^ same).all()
    assert 140 < mirrored.sum() < 260


def test_shift_is_a_crop_of_the_padded_image_and_every_crop_occurs() -> None:
    images = numbered(300, side=4)
    moved = augmented(images, shift=2)
    padded = np.pad(images, ((0, 0), (0, 0), (2, 2), (2, 2)))
    seen = set()
    for image, around in zip(moved, padded, strict=True):
        crops = {
            (y, x)
            for y in range(5)
            for x in range(5)
            if (around[:, y : y + 4, x : x + 4] == image).all()
        }
        assert len(crops) == 1
        seen |= crops
    assert len(seen) == 25


@pytest.mark.parametrize("shift", [6, 50])
def test_shift_may_be_larger_than_the_image(shift: int) -> None:
    moved = augmented(numbered(50), shift=shift)
    assert moved.shape == (50, 1, 6, 6)
    assert (moved == 0).all(axis=(1, 2, 3)).any()


@pytest.mark.parametrize("side", [1, 2, 3, 4])
def test_cutout_blanks_one_square_whose_middle_is_anywhere(side: int) -> None:
    images = numbered(500)
    cut = augmented(images, cutout=side)
    blank = cut == 0
    np.testing.assert_array_equal(cut[~blank], images[~blank])
    areas = blank.sum(axis=(1, 2, 3))
    assert areas.max() == side * side and areas.min() >= 1
    rows, columns = blank.any(axis=(1, 3)), blank.any(axis=(1, 2))
    # A rectangle: as many as its rows times its columns.
    np.testing.assert_array_equal(areas, rows.sum(1) * columns.sum(1))
    assert blank.any(axis=(0, 1)).all()


def test_a_turn_by_any_angle_keeps_the_middle_and_blanks_the_corners() -> None:
    images = np.ones((300, 1, 7, 7), np.float32)
    turned = augmented(images, rotate=180)
    np.testing.assert_allclose(turned[:, :, 3, 3], 1)
    corners = turned[:, 0, 0, 0]
    assert corners.min() == 0 and corners.max() > 0.9
    assert (turned >= 0).all() and (turned <= 1 + 1e-6).all()


def test_a_quarter_turn_is_exact() -> None:
    """A generator that always draws the upper end: 90 degrees."""

    class Upper:
        def uniform(self, low: float, high: float, size: Any) -> np.ndarray:
            return np.full(size, high)

    images = numbered(2)
    like = np.ones((1, 1, 1), np.float32)
    quarter = Augmenter(Recipe(rotate=90), Normalizer(0 * like, like))
    turned = quarter.apply(images.copy(), Upper())  # type: ignore[arg-type]
    np.testing.assert_allclose(turned, np.rot90(images, -1, (2, 3)), rtol=1e-5)


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_scaling_is_about_the_middle_and_within_its_bounds(share: float) -> None:
    """The width of a white square of 8 pixels, by its area."""
    images = np.zeros((400, 1, 24, 24), np.float32)
    images[:, :, 8:16, 8:16] = 1
    scaled = augmented(images, scale=share, translate=1e-9)
    sides = np.sqrt(scaled.sum(axis=(1, 2, 3)))
    low, high = 8 * (1 - share), 8 * (1 + share)
    assert sides.min() >= low - 0.5 and sides.max() <= high + 0.5
    if share:
        assert sides.min() < low + 1 and sides.max() > high - 1
    np.testing.assert_allclose(scaled, scaled[..., ::-1], atol=1e-4)


def test_moves_are_up_to_a_share_of_the_side_and_by_parts_of_a_pixel() -> None:
    images = np.zeros((400, 1, 21, 21), np.float32)
    images[:, :, 10, 10] = 1
    moved = augmented(images, translate=0.2)
    rows, columns = (moved.sum(axis=axes) @ np.arange(21) - 10 for axes in ((1, 3), (1, 2)))
    np.testing.assert_allclose(moved.sum(axis=(1, 2, 3)), 1, rtol=1e-5)
    for offsets in (rows, columns):
        assert 3.9 < np.abs(offsets).max() <= 4.2 + 1e-4
        assert np.ptp(offsets % 1) > 0.9


def test_jitter_changes_brightness_contrast_and_saturation_of_pixels() -> None:
    """What it does to an image is linear, the same in all its pixels."""
    pixels = rng().uniform(20, 200, (200, 3, 5, 5)).astype(np.float32)
    normalizer = Normalizer.fit(Split(pixels, np.zeros(200, np.int64)))
    recipe = Recipe(jitter=0.4)
    changed = Augmenter(recipe, normalizer).apply(normalizer.apply(pixels), rng())
    after = changed * normalizer.std + normalizer.mean
    luma = np.array([0.299, 0.587, 0.114]).reshape(3, 1, 1)
    before_grey, after_grey = ((of * luma).sum(1) for of in (pixels, after))
    brightness = after_grey.mean((1, 2)) / before_grey.mean((1, 2))
    contrast = after_grey.std((1, 2)) / before_grey.std((1, 2)) / brightness
    colour = [(of - (of * luma).sum(1, keepdims=True)).std((1, 2, 3)) for of in (pixels, after)]
    saturation = colour[1] / colour[0] / brightness / contrast
    for factor in (brightness, contrast, saturation):
        assert 0.6 - 1e-4 <= factor.min() < 0.65 and 1.35 < factor.max() <= 1.4 + 1e-4


def test_jitter_of_grey_images_keeps_one_channel() -> None:
    changed = augmented(np.full((50, 1, 4, 4), 8, np.float32), jitter=0.5)
    assert np.ptp(changed, axis=(1, 2, 3)).max() < 1e-4
    assert 4 <= changed.min() < 5 and 11 < changed.max() <= 12


def test_mixup_blends_pairs_and_their_classes() -> None:
    loads = loader(mixup=0.4)
    plain = list(loader().epoch(1))
    for blended, batch in zip(loads.epoch(1), plain, strict=True):
        weights, others = blended.weights, blended.others
        assert weights is not None and others is not None and blended.other_weights is not None
        np.testing.assert_allclose(weights + blended.other_weights, 1, rtol=1e-6)
        assert weights.min() >= 0.5
        np.testing.assert_array_equal(blended.targets, batch.targets)
        shares = weights.reshape(-1, 1, 1, 1)
        partners = (blended.images - shares * batch.images) / np.maximum(1 - shares, 1e-12)
        for partner, other, share in zip(partners, others, weights, strict=True):
            if share < 0.99:
                nearest = np.abs(batch.images - partner).max((1, 2, 3)).argmin()
                np.testing.assert_allclose(batch.images[nearest], partner, atol=1e-3)
                assert batch.targets[nearest] == other


def test_all_channels_are_changed_alike() -> None:
    images = np.repeat(numbered(40), 3, axis=1)
    changed = augmented(images, **{**ALL, "jitter": 0.0})
    np.testing.assert_array_equal(changed[:, 0], changed[:, 2])


def test_settings_stand_in_the_recipe_of_a_file() -> None:
    network = Network(layers=(FC(out_features=10),), training=Recipe(**ALL))
    text = dumps_network(network)
    assert "flip = true" in text and "shift = 2" in text and "cutout = 3" in text
    assert loads_network(text, "here") == network
    assert "flip" not in dumps_network(Network())


def split(count: int, seed: int = 0) -> Split:
    images = rng(seed).integers(0, 256, (count, 2, 6, 6)).astype(np.uint8)
    return Split(images, np.arange(count) % 3)


def loader(count: int = 50, **settings: Any) -> Loader:
    train = split(count)
    return Loader(train, Normalizer.fit(train), Recipe(batch_size=8, **settings))
