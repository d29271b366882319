"""What is measured of a dataset: repeats, flat images, scales, parts by seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnn_tui.engine.data.dataset import Dataset, Split
from cnn_tui.engine.data.repeats import find_flat, find_repeats
from cnn_tui.engine.data.statistics import findings, measure
from cnn_tui.engine.data.subset import subset_of
from cnn_tui.engine.data.understanding import form_of


def noise(train: int = 60, val: int = 20, test: int = 20, classes: int = 3) -> Dataset:
    rng = np.random.default_rng(0)

    def split(count: int) -> Split:
        pixels = rng.integers(0, 256, (count, 1, 6, 6), dtype=np.uint8)
        return Split(pixels, np.arange(count) % classes)

    names = tuple("abcdefgh"[:classes])
    return Dataset("noise", names, split(train), split(val), split(test))


def with_images(split: Split, places: list[int], images: np.ndarray) -> Split:
    pixels = np.asarray(split.images).copy()
    pixels[places] = images
    return Split(pixels, split.labels)


def test_other_images_are_no_repeats() -> None:
    found = measure(noise(), "a test")
    assert findings(found) == () and found.form == "a test"
    assert found.repeats is not None and found.repeats.examples == ()


def test_repeats_are_counted_by_split_and_by_whether_labels_agree() -> None:
    data = noise()
    train = with_images(data.train, [10], data.train.images[:1])  # b as a
    val = with_images(data.val, [3, 4], data.train.images[[3, 5]])  # a as a, b as c
    test = with_images(data.test, [0, 1, 2], data.val.images[[0, 1, 2]])
    data = replace(data, train=train, val=val, test=test)
    found = find_repeats(data)
    assert (found.train, found.val, found.test, found.relabelled) == (1, 2, 3, 2)
    first = found.examples[0]
    assert (first.split, first.index, first.first_split) == ("test", 0, "val")
    told = " ".join(findings(measure(data)))
    assert "3 images of the test split are also in training or validation" in told
    assert "1 image of the training split" in told and "2 images of these" in told


def test_an_image_twice_in_the_test_split_alone_leaks_nothing() -> None:
    data = noise()
    test = with_images(data.test, [1], data.test.images[:1])
    assert find_repeats(replace(data, test=test)).test == 0


def test_images_of_a_single_brightness() -> None:
    data = noise()
    flat = np.full((2, 1, 6, 6), 40, np.uint8)
    flat[0, 0, 0, 0] = 41
    data = replace(data, train=with_images(data.train, [7, 9], flat))
    found = find_flat(data, 0, 255)
    assert (found.train, found.val, found.test) == (2, 0, 0)
    assert found.examples[0] == ("train", 7, "b")
    assert any("nearly of a single brightness" in words for words in findings(measure(data)))


def test_classes_that_are_missing_or_rare() -> None:
    data = noise(classes=8)
    labels = np.where(np.arange(60) < 50, 0, np.arange(60) % 7)
    test = Split(data.test.images, np.arange(20) % 2)
    data = replace(data, train=Split(data.train.images, labels), test=test)
    found = findings(measure(data))
    assert "The training split has no image of h." in found
    assert "The test split has no image of c, d, e and 3 more." in found
    assert any(words.startswith("a has 5") and "times as many" in words for words in found)


@pytest.mark.parametrize("split", ["val", "test"])
def test_a_split_of_another_scale(split: str) -> None:
    data = noise()
    train = Split(data.train.images[:] / np.float32(255), data.train.labels)
    others = {
        name: Split(np.asarray(getattr(data, name).images, np.float32), getattr(data, name).labels)
        for name in ("val", "test")
    }
    (told,) = findings(measure(replace(data, train=train, **{**others, **{
        name: Split(other.images[:] / np.float32(255), other.labels)
        for name, other in others.items() if name != split
    }})))  # fmt: skip
    word = {"val": "Validation", "test": "Test"}[split]
    assert told.startswith(f"{word} has mean") and "scaled differently" in told


@given(st.integers(1, 80), st.integers(0, 9))
def test_a_limit_keeps_shares_and_order(limit: int, seed: int) -> None:
    data = noise()
    part = subset_of(data, limit, seed=seed)
    for name in ("train", "val", "test"):
        few, every = getattr(part, name), getattr(data, name)
        assert len(few) == min(limit, len(every))
        counts = np.bincount(few.labels, minlength=3)
        assert counts.max() - counts.min() <= 2
        places = [
            int(np.flatnonzero((np.asarray(every.images) == image).all((1, 2, 3)))[0])
            for image in np.asarray(few.images)
        ]
        assert places == sorted(places)


@given(st.integers(1, 30), st.integers(0, 9))
def test_images_of_each_class(per_class: int, seed: int) -> None:
    data = noise(train=61)
    part = subset_of(data, per_class=per_class, seed=seed)
    every = np.bincount(data.train.labels)
    assert np.bincount(part.train.labels).tolist() == np.minimum(every, per_class).tolist()


def test_a_part_depends_on_its_seed_alone_and_is_told() -> None:
    data = noise()
    first, again, other = (subset_of(data, 20, seed=seed) for seed in (1, 1, 2))
    assert (first.train.images[:] == again.train.images[:]).all()
    assert (first.train.images[:] != other.train.images[:]).any()
    assert "20 of 60 to train" in first.notes[-1]
    assert subset_of(data) is data


@pytest.mark.parametrize(
    ("name", "form"),
    [("digits", "built in"), ("MNIST", "IDX files"), ("cifar-10", "CIFAR binary files"),
     ("x.npz", "NumPy arrays in a .npz file"), (".", "a folder of pictures"),
     ("folder", "")],
)  # fmt: skip
def test_the_form_is_told_in_words(name: str, form: str) -> None:
    assert form_of(name) == form
