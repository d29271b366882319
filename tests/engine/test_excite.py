"""What excites a filter: the responses of the patches, computed again from their pixels."""

from __future__ import annotations

from contextlib import closing

import msgspec
import numpy as np
import pytest
from looking import random_data, subject_of
from samples import network

from cnn_tui.engine.data.dataset import Dataset, Split
from cnn_tui.engine.errors import InsightError
from cnn_tui.engine.insight.excite import excite
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.runs.watcher import CancelledError, Watcher
from cnn_tui.engine.specs.layers import Conv, Layer, MaxPool, ReLU

SHAPE = (2, 9, 9)


def bytes_data() -> Dataset:
    rng = np.random.default_rng(3)

    def split(n: int) -> Split:
        return Split(rng.integers(0, 256, (n, *SHAPE), dtype=np.uint8), np.arange(n) % 3)

    return Dataset("bytes", ("a", "b", "c"), split(50), split(150), split(20))


DATA = bytes_data()
CONV = Conv(out_channels=4, kernel_size=3, padding=1, stride=2)


def made(*layers: Layer) -> Subject:
    return subject_of(network(SHAPE, *layers, classes=3), DATA)


def test_the_patch_gives_the_response_again() -> None:
    with closing(made(CONV, ReLU())) as subject:
        found = excite(subject, "conv1", count=5)
        weights, normalizer = subject.weights(), subject.eye.normalizer
    assert found.field == (3, 3) and found.images == 150
    borders = 0
    for one in found.filters:
        assert len(one.patches) == 5
        for patch in one.patches:
            pixels = normalizer.apply(found.picture(patch)[None])[0]
            field = np.zeros((2, 3, 3), np.float32)
            down, right = max(0, 1 - patch.row * 2), max(0, 1 - patch.column * 2)
            height, width = pixels.shape[1:]
            field[:, down : down + height, right : right + width] = pixels
            value = (field * weights["conv1.weight"][one.filter]).sum()
            assert patch.response == pytest.approx(value, rel=1e-4)
            assert patch.border == (pixels.shape[1:] != (3, 3))
            assert patch.target == DATA.val.labels[patch.image]
            borders += patch.border
    assert borders


def test_they_are_the_largest_of_all_images_one_each() -> None:
    with closing(made(CONV, ReLU())) as subject:
        found = excite(subject, "conv1", [2, 0], count=7)
        with subject.model.opened(subject.images().images) as inside:
            maps = inside.output("relu2")
    assert [one.filter for one in found.filters] == [2, 0]
    for one in found.filters:
        largest = maps[:, one.filter].reshape(150, -1).max(axis=1)
        order = np.argsort(-largest, kind="stable")[:7]
        assert [patch.image for patch in one.patches] == order.tolist()
        assert [patch.response for patch in one.patches] == largest[order].tolist()
        assert len({patch.image for patch in one.patches}) == 7


def test_a_deeper_filter_sees_more_of_the_image() -> None:
    with closing(
        made(CONV, ReLU(), MaxPool(kernel_size=3, stride=2), Conv(out_channels=2, kernel_size=1))
    ) as s:
        found = excite(s, "conv4", count=1)
    assert found.field == (7, 7)
    (patch,) = found.filters[0].patches
    assert found.picture(patch).shape == (2, patch.height, patch.width)


def test_a_silent_filter_has_no_patches() -> None:
    with closing(made(CONV, ReLU())) as subject:
        weights = subject.weights()
        weights["conv1.bias"][1] = -100
        with closing(subject.with_weights(weights, "changed")) as changed:
            found = excite(changed, "conv1")
    assert [len(one.patches) for one in found.filters] == [9, 0, 9, 9]


def test_a_subset_keeps_its_places_in_the_split() -> None:
    with closing(made(CONV, ReLU())) as subject:
        found = excite(subject, "conv1", limit=20, seed=1)
        chosen = {*subject.images(limit=20, seed=1).indices.tolist()}
    assert found.images == 20
    assert {patch.image for one in found.filters for patch in one.patches} <= chosen
    assert msgspec.json.encode(found.to_json())


def test_what_cannot_be_found() -> None:
    with closing(made(CONV, ReLU())) as subject:
        with pytest.raises(InsightError, match="no filter 4"):
            excite(subject, "conv1", [4])
        with pytest.raises(InsightError, match="relu2 is of type relu"):
            excite(subject, "relu2")
        with pytest.raises(CancelledError):
            excite(subject, "conv1", watcher=Watcher(cancelled=lambda: True))


def test_floats_are_shown_as_bytes() -> None:
    data = random_data(SHAPE)
    with closing(subject_of(network(SHAPE, CONV, ReLU(), classes=3), data)) as subject:
        found = excite(subject, "conv1", count=1)
    assert found.picture(found.filters[0].patches[0]).dtype == np.uint8
