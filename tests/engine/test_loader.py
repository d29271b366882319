"""The loader that prepares batches ahead, and trainings that read from it."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import Any

import numpy as np
import pytest

from cnn_tui.engine.data.dataset import Dataset, Split
from cnn_tui.engine.data.loader import Batch, Loader, epoch_batches
from cnn_tui.engine.data.preprocess import Normalizer
from cnn_tui.engine.errors import DataError
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


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


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
