"""Augmentation, and the loader that prepares batches ahead."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import Any

import numpy as np
import pytest

from cnn_tui.engine.data.augment import Augmenter
from cnn_tui.engine.data.dataset import Dataset, Split
from cnn_tui.engine.data.loader import Batch, Loader, epoch_batches
from cnn_tui.engine.data.preprocess import Normalizer
from cnn_tui.engine.errors import DataError
from cnn_tui.engine.specs.codec import dumps_network, loads_network
from cnn_tui.engine.specs.layers import FC
from cnn_tui.engine.specs.network import Network, Recipe
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import BatchCompleted, EpochCompleted, RunEnded, RunEvent
from cnn_tui.engine.training.trainer import Trainer

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


UNEVEN = np.repeat(np.arange(3), (40, 8, 2))


def uneven_loader(**settings: Any) -> Loader:
    train = Split(split(50).images, UNEVEN)
    return Loader(train, Normalizer.fit(train), Recipe(batch_size=8, **settings))


def test_balanced_sampling_draws_each_class_equally_often() -> None:
    for epoch in (1, 2):
        targets = np.concatenate(
            [b.targets for b in uneven_loader(balance="sampling").epoch(epoch)]
        )
        counts = np.bincount(targets)
        assert len(targets) == 50 and counts.max() - counts.min() <= 1
    order = np.concatenate(list(epoch_batches(50, 8, 0, 1, balanced=UNEVEN)))
    seen = np.bincount(order, minlength=50)
    assert seen[:40].max() == 1 and seen[40:48].min() >= 2 and seen[48:].min() >= 8
    unsorted = [b.targets for b in uneven_loader(balance="sampling", shuffle=False).epoch(1)]
    assert (np.diff(np.concatenate(unsorted)) >= 0).all()


def test_class_weights_let_each_class_count_the_same() -> None:
    batches = list(uneven_loader(balance="weights").epoch(1))
    targets = np.concatenate([batch.targets for batch in batches])
    weights = np.concatenate([batch.weights for batch in batches if batch.weights is not None])
    sums = np.bincount(targets, weights)
    np.testing.assert_allclose(sums, 50 / 3, rtol=1e-5)
    mixed = next(iter(uneven_loader(balance="weights", mixup=1.0).epoch(1)))
    assert mixed.weights is not None and mixed.weights.max() > 1


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


def bits(batches: Any) -> list[tuple[bytes, ...]]:
    return [tuple(b"" if a is None else a.tobytes() for a in batch) for batch in batches]


def test_plain_batches_are_those_of_the_order_normalised() -> None:
    train = split(50)
    normalizer = Normalizer.fit(train)
    order = list(epoch_batches(50, 8, 0, 3))
    batches = list(loader().epoch(3))
    assert len(batches) == len(order) == 7
    for batch, indices in zip(batches, order, strict=True):
        np.testing.assert_array_equal(batch.images, normalizer.apply(train.images[indices]))
        np.testing.assert_array_equal(batch.targets, train.labels[indices])


@pytest.mark.parametrize(
    "settings", [{}, ALL, {"mixup": 0.2, "balance": "weights"}, {"balance": "sampling"}]
)
def test_an_epoch_is_the_same_from_wherever_it_is_resumed(settings: dict[str, Any]) -> None:
    whole = bits(loader(**settings).epoch(2))
    for start in range(9):
        assert bits(loader(**settings).epoch(2, start)) == whole[start:]


def test_augmentation_differs_by_seed_epoch_and_batch() -> None:
    same = Split(np.repeat(split(1).images[:], 16, 0), np.zeros(16, np.int64))

    def first(seed: int, epoch: int, start: int) -> bytes:
        training = Recipe(batch_size=8, seed=seed, shift=2)
        normalizer = Normalizer.fit(split(50))
        with closing(Loader(same, normalizer, training).epoch(epoch, start)) as batches:
            return next(batches).images.tobytes()

    ways = {first(seed, epoch, start) for seed in (0, 1) for epoch in (1, 2) for start in (0, 1)}
    assert len(ways) == 8
    assert first(1, 2, 1) == first(1, 2, 1)


class Watched:
    """Images that tell which batches were asked for, and fail at one of them."""

    def __init__(self, images: np.ndarray, fail_at: int = -1) -> None:
        self._images, self._fail_at = images, fail_at
        self.asked = 0
        self.threads: set[int] = set()
        self.shape, self.dtype = images.shape, images.dtype

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, chosen: Any) -> Any:
        if self.asked == self._fail_at:
            raise DataError("the disk is gone")
        self.asked += 1
        self.threads.add(threading.get_ident())
        return self._images[chosen]


def watched(fail_at: int = -1) -> tuple[Watched, Loader]:
    plain = split(50)
    images = Watched(plain.images[:], fail_at)
    train = Split(images, plain.labels)
    return images, Loader(train, Normalizer.fit(plain), Recipe(batch_size=8))


def test_one_batch_is_prepared_ahead_on_another_thread() -> None:
    images, loads = watched()
    batches = loads.epoch(1)
    next(batches)
    next(batches)
    batches.close()
    assert images.asked == 3
    assert threading.get_ident() not in images.threads


def test_closing_ends_the_thread() -> None:
    before = set(threading.enumerate())
    _, loads = watched()
    batches = loads.epoch(1)
    next(batches)
    assert set(threading.enumerate()) - before
    batches.close()
    assert not set(threading.enumerate()) - before


def test_error_comes_where_its_batch_would_have_come() -> None:
    _, loads = watched(fail_at=3)
    received: list[Batch] = []
    with pytest.raises(DataError, match="the disk is gone"):
        for batch in loads.epoch(1):
            received.append(batch)
    assert len(received) == 3


def trained(
    dataset: Dataset, control: Control | None = None, threads: int = 1, **settings: Any
) -> list[RunEvent]:
    network = Network(
        input=(2, 6, 6),
        layers=(FC(out_features=3),),
        training=Recipe(epochs=2, batch_size=8, lr=0.01, **settings),
    )
    events: list[RunEvent] = []

    def emit(event: RunEvent) -> None:
        events.append(event)
        if control and isinstance(event, BatchCompleted):
            control.stop()

    Trainer(network, dataset, emit=emit, control=control, threads=threads).run()
    return events


def dataset(train: Split | None = None) -> Dataset:
    return Dataset("noise", ("a", "b", "c"), train or split(50), split(9, 1), split(9, 2))


def losses(events: list[RunEvent]) -> list[float]:
    return [event.train_loss for event in events if isinstance(event, EpochCompleted)]


@pytest.mark.parametrize("extra", [{}, {"mixup": 0.3, "balance": "weights"}])
def test_training_has_the_same_bits_for_any_number_of_threads(extra: dict[str, Any]) -> None:
    found = [losses(trained(dataset(), threads=threads, **ALL, **extra)) for threads in (1, 2, 4)]
    assert found[0] == found[1] == found[2]


def test_training_is_augmented_and_yet_repeatable() -> None:
    assert losses(trained(dataset(), **ALL)) == losses(trained(dataset(), **ALL))
    assert losses(trained(dataset(), **ALL)) != losses(trained(dataset()))


def test_training_that_stops_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    last = trained(dataset(), Control())[-1]
    assert isinstance(last, RunEnded) and last.reason == "stopped"
    assert set(threading.enumerate()) == before


def test_training_whose_data_fails_ends_in_words() -> None:
    plain = split(50)
    images = Watched(plain.images[:], fail_at=6)
    last = trained(dataset(Split(images, plain.labels)))[-1]
    assert isinstance(last, RunEnded) and last.reason == "failed"
    assert "the disk is gone" in last.message
