"""Datasets: the built-in ones, and refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cnn_tui.engine.data.catalog import dataset_names, find_name, load_dataset
from cnn_tui.engine.data.dataset import Dataset, Split
from cnn_tui.engine.errors import DataError, MissingDataError


def split(n: int = 4, *, shape: tuple[int, int, int] = (1, 2, 2), top: int = 1) -> Split:
    labels = np.arange(n, dtype=np.int64) % (top + 1)
    return Split(np.zeros((n, *shape), np.uint8), labels)


def test_digits_are_the_1797_images_of_the_uci_set() -> None:
    digits = load_dataset("digits")
    parts = (digits.train, digits.val, digits.test)
    images = np.concatenate([part.images for part in parts])
    labels = np.concatenate([part.labels for part in parts])
    assert [len(part) for part in parts] == [1257, 180, 360]
    assert digits.input_shape == (1, 8, 8)
    assert (images.min(), images.max(), images.dtype) == (0, 16, np.uint8)
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    # Sum of all pixels, as scikit-learn's load_digits().data.sum() gives it.
    assert int(images.sum(dtype=np.int64)) == 561718


def test_digits_show_what_their_label_says() -> None:
    """The mean zero has a hole in its middle, the mean one does not."""
    train = load_dataset("digits").train
    zero, one = (train.images[train.labels == digit].mean(axis=(0, 1)) for digit in (0, 1))
    assert zero[3:5, 3:5].max() < 2
    assert one[3:5, 3:5].min() > 10


def test_digits_split_is_always_the_same_and_disjoint() -> None:
    first, second = load_dataset("digits"), load_dataset("digits")
    np.testing.assert_array_equal(first.train.images, second.train.images)
    np.testing.assert_array_equal(first.test.labels, second.test.labels)
    images = np.concatenate([first.train.images, first.val.images, first.test.images])
    assert len(np.unique(images.reshape(1797, -1), axis=0)) == 1797


def test_unknown_dataset_names_the_nearest() -> None:
    with pytest.raises(DataError, match=r"'digit'.*Did you mean digits\?"):
        load_dataset("digit")
    with pytest.raises(DataError, match="cnn-tui data list shows all"):
        load_dataset("zzz")
    assert dataset_names() == (
        "digits", "shapes", "mnist", "fashion-mnist", "kmnist", "cifar10", "cifar100", "imagenette",
        "pathmnist", "dermamnist", "octmnist", "pneumoniamnist", "retinamnist", "breastmnist",
        "bloodmnist", "tissuemnist", "organamnist", "organcmnist", "organsmnist", "imagenet",
        "folder",
    )  # fmt: skip


def test_names_are_known_however_they_are_spelt() -> None:
    assert [find_name(word) for word in ("CIFAR-10", "cifar_100", "Fashion_MNIST", "cifar")] == [
        "cifar10", "cifar100", "fashion-mnist", None,
    ]  # fmt: skip


def test_folder_is_wanted_where_needed_and_refused_where_not(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--data-dir"):
        load_dataset("folder")
    with pytest.raises(DataError, match="built in; --data-dir does not apply"):
        load_dataset("digits", tmp_path)
    with pytest.raises(DataError, match="already a path"):
        load_dataset(str(tmp_path), tmp_path)
    with pytest.raises(DataError, match="no such folder or file"):
        load_dataset("folder", tmp_path / "nowhere")
    (tmp_path / "file.txt").touch()
    with pytest.raises(DataError, match=r"expected a folder of pictures, or a \.npz"):
        load_dataset(str(tmp_path / "file.txt"))


def test_set_that_is_not_here_says_what_it_would_cost() -> None:
    with pytest.raises(
        MissingDataError, match=r"12 MB.*cnn-tui data fetch mnist.*--data-dir"
    ) as at:
        load_dataset("mnist")
    assert (at.value.name, at.value.size) == ("mnist", 11_594_722)
    with pytest.raises(MissingDataError, match=r"170 MB.*fetch cifar10"):
        load_dataset("cifar-10")


def test_imagenet_says_what_can_be_done_instead() -> None:
    with pytest.raises(
        MissingDataError, match=r"--data shapes.*--data imagenette.*--data-dir DIR"
    ) as at:
        load_dataset("ImageNet")
    assert (at.value.name, at.value.size) == ("imagenet", 0)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused(bad: float) -> None:
    images = np.zeros((2000, 1, 2, 2), np.float32)
    images[1500, 0, 1, 1] = bad
    with pytest.raises(DataError, match=r"expected finite.*image 1500"):
        Split(images, np.zeros(2000, np.int64))


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((2, 4), np.uint8), np.zeros(2, np.int64), r"\(N, C, H, W\), received \(2, 4\)"),
        (np.zeros((2, 1, 0, 4), np.uint8), np.zeros(2, np.int64), "received"),
        (np.zeros((2, 1, 4, 4), np.int64), np.zeros(2, np.int64), "float32, received int64"),
        (np.zeros((2, 1, 4, 4), np.float64), np.zeros(2, np.int64), "received float64"),
        (np.zeros((2, 1, 4, 4), np.uint8), np.zeros(2, np.int32), "int64, received int32"),
        (np.zeros((2, 1, 4, 4), np.uint8), np.zeros(3, np.int64), r"the 2 images, received \(3,\)"),
        (np.zeros((2, 1, 4, 4), np.uint8), np.zeros((2, 1), np.int64), r"received \(2, 1\)"),
    ],
)
def test_arrays_of_the_wrong_kind_are_refused(
    images: np.ndarray, labels: np.ndarray, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        Split(images, labels)


def test_label_outside_the_classes_is_refused_with_its_place() -> None:
    with pytest.raises(DataError, match="test split: expected labels from 0 to 1, received 2 at"):
        Dataset("toy", ("a", "b"), split(), split(), split(top=2))
    negative = Split(np.zeros((2, 1, 2, 2), np.uint8), np.array([0, -1]))
    with pytest.raises(DataError, match="received -1 at image 1"):
        Dataset("toy", ("a", "b"), negative, split(), split())


def test_splits_must_agree_and_hold_something() -> None:
    with pytest.raises(DataError, match=r"val split: expected images of 1x2x2.*received 3x2x2"):
        Dataset("toy", ("a", "b"), split(), split(shape=(3, 2, 2)), split())
    with pytest.raises(DataError, match="val split: expected at least one image"):
        Dataset("toy", ("a", "b"), split(), split(0), split())
