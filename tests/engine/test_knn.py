"""k-NN: the same neighbours as by computing every distance, with any block size."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnn_tui.engine.baselines import knn, validation
from cnn_tui.engine.baselines.knn import nearest, vote
from cnn_tui.engine.baselines.neighbours import KNN, accuracy_of, run_knn
from cnn_tui.engine.baselines.screens import Metric, Rows
from cnn_tui.engine.baselines.validation import choose_k
from cnn_tui.engine.data.catalog import load_dataset
from cnn_tui.engine.data.dataset import Dataset, Split
from cnn_tui.engine.data.image_file import ImageFile
from cnn_tui.engine.errors import DataError
from cnn_tui.engine.threads import WorkerPool

METRICS: tuple[Metric, ...] = ("l1", "l2")


@pytest.fixture
def team() -> Iterator[WorkerPool]:
    team = WorkerPool(2)
    yield team
    team.close()


@pytest.fixture
def tiny_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Split a few dozen images into many blocks and merges."""
    for name, value in (("_TEST", 16), ("_TRAIN", 16), ("_TASK", 3), ("_SPARE", 2)):
        monkeypatch.setattr(knn, name, value)


def expected(train: np.ndarray, test: np.ndarray, count: int, metric: Metric) -> np.ndarray:
    gaps = test.reshape(len(test), 1, -1).astype(float) - train.reshape(1, len(train), -1)
    distances = (gaps**2).sum(2) if metric == "l2" else np.abs(gaps).sum(2)
    return np.argsort(distances, axis=1, kind="stable")[:, :count]


def images(count: int, seed: int, dtype: type = np.uint8, scale: float = 255) -> np.ndarray:
    return (np.random.default_rng(seed).random((count, 2, 4, 3)) * scale).astype(dtype)


@pytest.mark.usefixtures("tiny_blocks")
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("dtype", "scale"), [(np.uint8, 255), (np.uint8, 3), (np.float32, 1)])
@pytest.mark.parametrize("count", [1, 3, 20, 70])
def test_neighbours_are_those_of_all_distances(
    team: WorkerPool, metric: Metric, dtype: type, scale: float, count: int
) -> None:
    train, test = images(70, 0, dtype, scale), images(41, 1, dtype, scale)
    found = nearest(Rows(train), Rows(test), count, metric, pool=team)
    np.testing.assert_array_equal(found, expected(train, test, count, metric))


@pytest.mark.usefixtures("tiny_blocks")
@pytest.mark.parametrize("metric", METRICS)
def test_equally_far_images_come_in_their_order(team: WorkerPool, metric: Metric) -> None:
    """More equal distances than candidates: only computing all distances decides."""
    train = np.repeat(images(3, 0), 30, axis=0)
    test = images(5, 1)
    found = nearest(Rows(train), Rows(test), 4, metric, pool=team)
    np.testing.assert_array_equal(found, expected(train, test, 4, metric))


@pytest.mark.usefixtures("tiny_blocks")
@pytest.mark.parametrize("offset", [1e3, 1e5])
def test_rounding_of_the_product_decides_nothing(team: WorkerPool, offset: float) -> None:
    """Far from zero float32 has few digits left for the differences."""
    train = images(60, 0, np.float32, 1) + np.float32(offset)
    test = images(20, 1, np.float32, 1) + np.float32(offset)
    found = nearest(Rows(train), Rows(test), 3, "l2", pool=team)
    np.testing.assert_array_equal(found, expected(train, test, 3, "l2"))


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.sampled_from(METRICS))
def test_any_small_set(seed: int, count: int, metric: Metric) -> None:
    rng = np.random.default_rng(seed)
    train = rng.integers(0, 4, (int(rng.integers(count, 40)), 1, 2, 2)).astype(np.uint8)
    test = rng.integers(0, 4, (int(rng.integers(1, 20)), 1, 2, 2)).astype(np.uint8)
    team = WorkerPool(1)
    found = nearest(Rows(train), Rows(test), count, metric, pool=team)
    team.close()
    np.testing.assert_array_equal(found, expected(train, test, count, metric))


@pytest.mark.usefixtures("tiny_blocks")
def test_rows_may_come_from_several_splits_and_from_a_file(
    team: WorkerPool, tmp_path: Path
) -> None:
    every, test = images(50, 0), images(10, 1)
    (tmp_path / "pixels").write_bytes(every[30:].tobytes())
    in_file = ImageFile(tmp_path / "pixels", (2, 4, 3), np.arange(20))
    found = nearest(Rows(every[:30], in_file), Rows(test), 5, pool=team)
    np.testing.assert_array_equal(found, expected(every, test, 5, "l2"))
    chosen = np.array([49, 3, 31, 8, 20, 40])
    found = nearest(Rows(every[:30], in_file, chosen=chosen), Rows(test), 2, pool=team)
    np.testing.assert_array_equal(found, expected(every[chosen], test, 2, "l2"))


@pytest.mark.usefixtures("tiny_blocks")
def test_progress_rises_to_all_pairs_and_may_end_the_search(team: WorkerPool) -> None:
    told: list[tuple[int, int]] = []
    train, test = images(50, 0), images(40, 1)
    nearest(Rows(train), Rows(test), 1, pool=team, progress=lambda *pair: told.append(pair))
    assert told[-1] == (2000, 2000)
    assert told == sorted(told) and len(told) == 12

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        nearest(Rows(train), Rows(test), 1, pool=team, progress=stop)


def test_most_votes_win_and_of_equally_many_the_first_class() -> None:
    neighbours = np.array([[2, 1, 1], [2, 1, 0], [3, 3, 0], [1, 2, 2], [2, 2, 2]])
    assert vote(neighbours, 4).tolist() == [1, 0, 3, 2, 2]


def blobs(count: int, seed: int, spread: float = 12) -> Split:
    """Three classes, each scattered around one picture."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    centres = np.random.default_rng(99).integers(60, 190, (3, 1, 5, 5))
    pixels = centres[labels] + rng.normal(0, spread, (count, 1, 5, 5))
    return Split(np.clip(pixels, 0, 255).astype(np.uint8), labels)


def test_k_is_scored_on_five_folds_of_all_images(team: WorkerPool) -> None:
    train = blobs(102, 0, spread=60)
    told: list[tuple[int, int]] = []
    found = choose_k(train, 3, pool=team, progress=lambda *pair: told.append(pair))
    assert found.images == 102
    # Of the choices only those that fit into the smallest rest of 81.
    assert [score.k for score in found.scores] == [1, 3, 5, 8, 10, 12, 15, 20, 50]
    assert all(len(score.accuracies) == 5 for score in found.scores)
    one = found.scores[0]
    assert one.mean == pytest.approx(np.mean(one.accuracies))
    assert one.std == pytest.approx(np.std(one.accuracies))
    assert told[-1][0] == told[-1][1] and told == sorted(told)


def test_every_fold_is_classified_by_the_others(team: WorkerPool) -> None:
    """An image that could see itself would always be right with k = 1."""
    rng = np.random.default_rng(0)
    noise = Split(rng.integers(0, 256, (200, 1, 4, 4)).astype(np.uint8), rng.integers(0, 2, 200))
    assert choose_k(noise, 2, pool=team).scores[0].mean < 0.7


def test_largest_k_within_one_standard_error_is_taken() -> None:
    table = np.array(
        [[0.90, 0.89, 0.80], [0.94, 0.93, 0.80], [0.92, 0.92, 0.80], [0.90, 0.89, 0.8],
         [0.94, 0.94, 0.80]]
    )  # fmt: skip
    assert validation._summary((1, 5, 9), table, 5).best == 5
    table[:, 0] = 0.95
    assert validation._summary((1, 5, 9), table, 5).best == 1


def test_of_very_many_images_a_part_takes_part(
    team: WorkerPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(validation, "_WORK", 50_000)
    assert choose_k(blobs(300, 0), 3, pool=team).images == 50


def dataset(spread: float = 12) -> Dataset:
    return Dataset("blobs", ("a", "b", "c"), *(blobs(n, n, spread) for n in (60, 20, 30)))


def test_the_rung_says_what_was_done() -> None:
    rung = run_knn(dataset(), KNN(), 2, lambda phase: lambda done, total: None)
    assert (rung.baseline, rung.test_accuracy, rung.params) == ("knn", 1.0, 0)
    assert (rung.train_seconds, rung.train_images, rung.test_images) == (0.0, 80, 30)
    assert rung.predict_ms_per_image > 0
    assert rung.cross_validation is not None and rung.k == rung.cross_validation.best
    given = run_knn(dataset(), KNN("l1", 4), 1, lambda phase: lambda done, total: None)
    assert (given.k, given.metric, given.cross_validation) == (4, "l1", None)


@pytest.mark.parametrize("k", [0, 81])
def test_k_that_cannot_be_is_refused(k: int) -> None:
    with pytest.raises(DataError, match=f"from 1 to 80, the images stored, received {k}"):
        run_knn(dataset(), KNN(k=k), 1, lambda phase: lambda done, total: None)


def test_real_mnist(mnist_dir: Path, team: WorkerPool) -> None:
    """All 60,000 images against the first thousand; with all 10,000 it is 97.05%."""
    mnist = load_dataset("mnist", mnist_dir)
    some = Dataset("mnist", mnist.classes, mnist.train, mnist.val, mnist.test.first(1000))
    assert accuracy_of(some, 3, "l2", pool=team) == 0.962
