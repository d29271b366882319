"""The built-in dataset of drawn shapes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cnn_tui.engine.data.built_in import draw, shapes_count
from cnn_tui.engine.data.catalog import load_dataset
from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.data.figures import FIGURES


@pytest.fixture(scope="module")
def shapes() -> Dataset:
    return load_dataset("shapes")


def test_ten_kinds_of_32x32_in_colour_evenly(shapes: Dataset) -> None:
    assert [len(part) for part in (shapes.train, shapes.val, shapes.test)] == [8000, 1000, 1000]
    assert shapes.input_shape == (3, 32, 32) and len(shapes.classes) == 10
    for part in (shapes.train, shapes.val, shapes.test):
        assert part.images.dtype == np.uint8
        assert set(np.bincount(part.labels).tolist()) == {len(part) // 10}


def test_images_are_always_the_same_and_none_comes_twice(shapes: Dataset) -> None:
    again = load_dataset("shapes")
    np.testing.assert_array_equal(again.test.images[:], shapes.test.images[:])
    parts = (shapes.train, shapes.val, shapes.test)
    images = np.concatenate([part.images[:] for part in parts]).reshape(10_000, -1)
    assert len({image.tobytes() for image in images}) == 10_000


def test_seed_decides() -> None:
    labels = np.arange(10)
    one, same, other = (draw(labels, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


@pytest.mark.parametrize("name", FIGURES)
def test_figures_fit_their_circle_and_have_an_inside(name: str) -> None:
    places = np.linspace(-1.5, 1.5, 301, dtype=np.float32)
    u, v = np.meshgrid(places, places)
    inside = FIGURES[name](u, v) < 0
    assert 0.08 < inside.mean() * 9 / np.pi < 0.9
    assert not inside[np.hypot(u, v) > 1.12].any()


def test_figure_shows_light_on_dark(shapes: Dataset) -> None:
    """In the middle of a disc it is lighter than in the corners."""
    discs = shapes.train.images[shapes.train.labels == shapes.classes.index("disc")]
    assert discs[:, :, 14:18, 14:18].mean() > discs[:, :, :3, :3].mean() + 60


def test_a_linear_classifier_finds_it_hard(shapes: Dataset) -> None:
    """Least squares on the pixels, which is about as good as any linear classifier."""
    train = shapes.train.images[:].reshape(8000, -1)[:, ::2].astype(np.float32) / 255 - 0.5
    test = shapes.test.images[:].reshape(1000, -1)[:, ::2].astype(np.float32) / 255 - 0.5
    targets = np.eye(10, dtype=np.float32)[shapes.train.labels]
    ridge = 100 * np.eye(train.shape[1], dtype=np.float32)
    weights = np.linalg.solve(train.T @ train + ridge, train.T @ targets)
    accuracy = np.mean((test @ weights).argmax(1) == shapes.test.labels)
    assert 0.2 < accuracy < 0.6


SIZES = [(3, 227, 227), (1, 28, 28), (3, 20, 60), (2, 40, 33), (1, 8, 8)]


@pytest.mark.parametrize("shape", SIZES, ids=str)
def test_any_size_and_number_of_channels(shape: tuple[int, int, int]) -> None:
    labels = np.arange(10)
    images = draw(labels, np.random.default_rng(0), shape)
    assert images.shape == (10, *shape) and images.dtype == np.uint8
    inner = images[:, :, shape[1] // 4 : -shape[1] // 4, shape[2] // 4 : -shape[2] // 4]
    assert inner.mean() > images.mean(), "the figures are light and keep to the middle"
    np.testing.assert_array_equal(images, draw(labels, np.random.default_rng(0), shape))


def test_another_size_is_drawn_once_into_the_cache_with_the_same_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, int, int]] = []
    first, again, elsewhere = (_drawn(tmp_path / name, monkeypatch, told) for name in "aab")
    parts = [[part.images[:] for part in (d.train, d.val, d.test)] for d in (first, elsewhere)]
    assert [len(part) for part in parts[0]] == [8000, 1000, 1000]
    for one, other in zip(*parts, strict=True):
        np.testing.assert_array_equal(one, other)
    whole = np.concatenate(parts[0]).reshape(10_000, -1)
    assert len({image.tobytes() for image in whole}) == 10_000
    assert set(np.bincount(again.test.labels).tolist()) == {100}
    assert told[-1] == ("drawing shapes (3 MB)", 10_000, 10_000)
    assert [done for _, done, _ in told].count(10_000) == 2, "the second time nothing is drawn"


def _drawn(
    cache: Path, monkeypatch: pytest.MonkeyPatch, told: list[tuple[str, int, int]]
) -> Dataset:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    return load_dataset("shapes", shape=(1, 18, 16), progress=lambda *call: told.append(call))


def test_large_images_are_fewer() -> None:
    assert shapes_count((3, 32, 32)) == shapes_count((3, 64, 64)) == 10_000
    assert shapes_count((3, 227, 227)) == 1_600
    assert shapes_count((3, 512, 512)) == 1_000
