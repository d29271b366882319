"""Augmentation, and the loader that prepares batches ahead."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import Any

import numpy as np
import pytest

from cnn_tui.engine.data.dataset import Dataset, Split
from cnn_tui.engine.data.loader import Batch, Loader, epoch_batches
from cnn_tui.engine.data.preprocess import Augmenter, Normalizer
from cnn_tui.engine.errors import DataError
from cnn_tui.engine.specs.codec import dumps_network, loads_network
from cnn_tui.engine.specs.layers import FC
from cnn_tui.engine.specs.network import Network, Recipe
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import BatchCompleted, EpochCompleted, RunEnded, RunEvent
from cnn_tui.engine.training.trainer import Trainer

ALL = {"flip": True, "shift": 2, "cutout": 3}


def numbered(count: int, side: int = 6) -> np.ndarray:
    """Images of one channel whose pixels all differ and none is 0."""
    pixels = np.arange(1, count * side * side + 1, dtype=np.float32)
    return pixels.reshape(count, 1, side, side)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_nothing_asked_for_nothing_changed() -> None:
    images = numbered(5)
    np.testing.assert_array_equal(Augmenter().apply(images.copy(), rng()), images)


def test_flip_mirrors_about_half_of_the_images() -> None:
    images = numbered(400)
    flipped = Augmenter(flip=True).apply(images.copy(), rng())
    mirrored = (flipped == images[..., ::-1]).all(axis=(1, 2, 3))
    same = (flipped == images).all(axis=(1, 2, 3))
    assert (mirrored ^ same).all()
    assert 140 < mirrored.sum() < 260


def test_shift_is_a_crop_of_the_padded_image_and_every_crop_occurs() -> None:
    images = numbered(300, side=4)
    moved = Augmenter(shift=2).apply(images.copy(), rng())
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
    moved = Augmenter(shift=shift).apply(numbered(50), rng())
    assert moved.shape == (50, 1, 6, 6)
    assert (moved == 0).all(axis=(1, 2, 3)).any()


@pytest.mark.parametrize("side", [1, 2, 3, 4])
def test_cutout_blanks_one_square_whose_middle_is_anywhere(side: int) -> None:
    images = numbered(500)
    cut = Augmenter(cutout=side).apply(images.copy(), rng())
    blank = cut == 0
    np.testing.assert_array_equal(cut[~blank], images[~blank])
    areas = blank.sum(axis=(1, 2, 3))
    assert areas.max() == side * side and areas.min() >= 1
    rows, columns = blank.any(axis=(1, 3)), blank.any(axis=(1, 2))
    # A rectangle: as many as its rows times its columns.
    np.testing.assert_array_equal(areas, rows.sum(1) * columns.sum(1))
    assert blank.any(axis=(0, 1)).all()


def test_all_channels_are_changed_alike() -> None:
    images = np.repeat(numbered(40), 3, axis=1)
    changed = Augmenter(**ALL).apply(images, rng())
    np.testing.assert_array_equal(changed[:, 0], changed[:, 2])


def test_settings_stand_in_the_recipe_of_a_file() -> None:
    network = Network(layers=(FC(out_features=10),), training=Recipe(**ALL))
    text = dumps_network(network)
    assert "flip = true" in text and "shift = 2" in text and "cutout = 3" in text
    assert loads_network(text, "here") == network
    assert Augmenter.of(network.training) == Augmenter(flip=True, shift=2, cutout=3)
    assert "flip" not in dumps_network(Network())


def split(count: int, seed: int = 0) -> Split:
    images = rng(seed).integers(0, 256, (count, 2, 6, 6)).astype(np.uint8)
    return Split(images, np.arange(count) % 3)


def loader(count: int = 50, **settings: Any) -> Loader:
    train = split(count)
    return Loader(train, Normalizer.fit(train), Recipe(batch_size=8, **settings))


def bits(batches: Any) -> list[tuple[bytes, bytes]]:
    return [(batch.images.tobytes(), batch.targets.tobytes()) for batch in batches]


def test_plain_batches_are_those_of_the_order_normalised() -> None:
    train = split(50)
    normalizer = Normalizer.fit(train)
    order = list(epoch_batches(50, 8, 0, 3))
    batches = list(loader().epoch(3))
    assert len(batches) == len(order) == 7
    for batch, indices in zip(batches, order, strict=True):
        np.testing.assert_array_equal(batch.images, normalizer.apply(train.images[indices]))
        np.testing.assert_array_equal(batch.targets, train.labels[indices])


@pytest.mark.parametrize("settings", [{}, ALL])
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


def trained(dataset: Dataset, control: Control | None = None, **settings: Any) -> list[RunEvent]:
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

    Trainer(network, dataset, emit=emit, control=control, threads=1).run()
    return events


def dataset(train: Split | None = None) -> Dataset:
    return Dataset("noise", ("a", "b", "c"), train or split(50), split(9, 1), split(9, 2))


def losses(events: list[RunEvent]) -> list[float]:
    return [event.train_loss for event in events if isinstance(event, EpochCompleted)]


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
