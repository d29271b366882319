"""Splits, batches and normalisation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnn_tui.engine.data.dataset import Split, hold_out, stratified_order
from cnn_tui.engine.data.loader import epoch_batches
from cnn_tui.engine.data.preprocess import Normalizer


@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=300),
    st.integers(0, 2**32),
    st.floats(0, 1),
)
def test_every_cut_of_the_order_is_stratified(labels: list[int], seed: int, where: float) -> None:
    given_labels = np.array(labels, np.int64)
    order = stratified_order(given_labels, seed)
    assert sorted(order) == list(range(len(labels)))
    cut = round(where * len(labels))
    share = np.bincount(given_labels, minlength=6) * cut / len(labels)
    assert np.abs(np.bincount(given_labels[order[:cut]], minlength=6) - share).max() <= 1 + 1e-9


def test_order_depends_on_the_seed_alone() -> None:
    labels = np.arange(200) % 10
    np.testing.assert_array_equal(stratified_order(labels, 1), stratified_order(labels, 1))
    assert (stratified_order(labels, 1) != stratified_order(labels, 2)).any()


@given(st.lists(st.integers(0, 3), min_size=2, max_size=200), st.integers(1, 50))
def test_holding_out_keeps_every_image_with_its_label_and_copies_none(
    labels: list[int], count: int
) -> None:
    count = min(count, len(labels) - 1)
    images = np.arange(len(labels), dtype=np.float32).reshape(-1, 1, 1, 1)
    every = np.array(labels, np.int64)
    held = set(stratified_order(every)[:count])
    train, val = hold_out(images, every.copy(), count)
    assert set(val.images[:].ravel()) == held
    for part in (train, val):
        numbers = part.images[:].ravel().astype(int)
        np.testing.assert_array_equal(part.labels, every[numbers])
        assert np.shares_memory(part.images[:], images)
    assert len(train) + len(val) == len(labels)


@given(st.integers(1, 500), st.integers(1, 600), st.integers(0, 2**53 - 1), st.integers(0, 9))
def test_batches_hold_every_image_once(n: int, batch_size: int, seed: int, epoch: int) -> None:
    batches = list(epoch_batches(n, batch_size, seed, epoch))
    assert sorted(np.concatenate(batches)) == list(range(n))
    assert {len(batch) for batch in batches[:-1]} <= {batch_size}
    assert 1 <= len(batches[-1]) <= batch_size


def test_batches_are_derived_from_seed_and_epoch() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        return np.concatenate(list(epoch_batches(50, 8, seed, epoch))).tolist()

    assert order(3, 4) == order(3, 4)
    assert len({tuple(order(seed, epoch)) for seed in (3, 4) for epoch in (3, 4)}) == 4
    expected = np.random.default_rng(np.random.SeedSequence([3, 4])).permutation(50)
    assert order(3, 4) == expected.tolist()


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_normalised_training_images_have_mean_0_and_deviation_1(dtype: type) -> None:
    rng = np.random.default_rng(0)
    scale = np.array([40, 100, 256]).reshape(3, 1, 1)
    train = Split((rng.random((700, 3, 5, 4)) * scale).astype(dtype), np.zeros(700, np.int64))
    normalizer = Normalizer.fit(train)
    images = normalizer.apply(train.images)
    assert normalizer.mean.shape == normalizer.std.shape == (3, 1, 1)
    assert images.dtype == np.float32
    np.testing.assert_allclose(images.mean(axis=(0, 2, 3), dtype=np.float64), 0, atol=1e-5)
    np.testing.assert_allclose(images.std(axis=(0, 2, 3), dtype=np.float64), 1, atol=1e-5)


def test_figures_agree_with_numpy_and_leave_the_images_alone() -> None:
    images = np.random.default_rng(1).integers(0, 256, (600, 2, 3, 3)).astype(np.uint8)
    before = images.copy()
    normalizer = Normalizer.fit(Split(images, np.zeros(600, np.int64)))
    wide = images.astype(np.float64)
    np.testing.assert_allclose(normalizer.mean.ravel(), wide.mean(axis=(0, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(normalizer.std.ravel(), wide.std(axis=(0, 2, 3)), rtol=1e-6)
    normalizer.apply(images)
    np.testing.assert_array_equal(images, before)


def test_constant_channel_becomes_zero() -> None:
    train = Split(np.full((5, 1, 2, 2), 200, np.uint8), np.zeros(5, np.int64))
    np.testing.assert_array_equal(Normalizer.fit(train).apply(train.images), 0)


def test_float_images_far_from_zero_keep_their_precision() -> None:
    """The sum of squares minus the square of the sum would lose all digits here."""
    values = (1e4 + np.random.default_rng(2).standard_normal((900, 1, 4, 4))).astype(np.float32)
    train = Split(values, np.zeros(900, np.int64))
    assert Normalizer.fit(train).std.item() == pytest.approx(values.std(dtype=np.float64), rel=1e-5)
