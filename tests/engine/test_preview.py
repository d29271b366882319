"""What the Data screen shows of an augmentation is what training does."""

from __future__ import annotations

import numpy as np

from cnn_tui.engine.data.augment import Augmenter
from cnn_tui.engine.data.dataset import Split
from cnn_tui.engine.data.preprocess import Normalizer
from cnn_tui.engine.data.preview import CHANGES, augmented, changes
from cnn_tui.engine.specs.network import Recipe

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 3, 8, 8)).astype(np.uint8)
NORMALIZER = Normalizer.fit(Split(IMAGES, np.arange(3)))


def test_every_change_is_named_as_in_a_file() -> None:
    assert changes(Recipe()) == ()
    assert changes(Recipe(flip=True, rotate=12.5)) == ("rotate = 12.5", "flip = true")
    for name in CHANGES:
        assert changes(Recipe(**{name: 1 if name in ("shift", "cutout") else 0.5}))


def test_pixels_have_the_scale_of_the_image_and_change_by_the_seed() -> None:
    recipe = Recipe(flip=True)
    found = augmented(IMAGES, recipe, NORMALIZER, 40, 0)
    assert found.shape == (3, 40, 3, 8, 8)
    for image, others in zip(IMAGES, found, strict=True):
        same = [np.allclose(other, image, atol=1e-3) for other in others]
        mirrored = [np.allclose(other, image[..., ::-1], atol=1e-3) for other in others]
        assert all(a != b for a, b in zip(same, mirrored, strict=True)) and 8 < sum(same) < 32
    assert (found == augmented(IMAGES, recipe, NORMALIZER, 40, 0)).all()
    assert (found != augmented(IMAGES, recipe, NORMALIZER, 40, 1)).any()


def test_it_is_what_the_loader_does_to_a_batch() -> None:
    recipe = Recipe(rotate=20, jitter=0.3, cutout=2)
    many = NORMALIZER.apply(np.repeat(IMAGES.astype(np.float32), 2, 0))
    expected = Augmenter(recipe, NORMALIZER).apply(many, np.random.default_rng(7))
    found = augmented(IMAGES, recipe, NORMALIZER, 2, 7).reshape(6, 3, 8, 8)
    np.testing.assert_allclose(NORMALIZER.apply(found), expected, atol=1e-4)


def test_mixup_is_shown_too() -> None:
    found = augmented(IMAGES, Recipe(mixup=5.0), NORMALIZER, 4, 0)
    assert not np.allclose(found, IMAGES[:, None], atol=1)
