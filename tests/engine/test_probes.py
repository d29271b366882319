"""Probes: what can be read from each layer's output, trained and untrained."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import msgspec
import numpy as np
import pytest
from looking import random_data, subject_of, trained_subject
from sabotage import digits
from samples import network

from cnn_tui.engine.data.dataset import Dataset, Split
from cnn_tui.engine.errors import InsightError
from cnn_tui.engine.insight.features import MOST_FEATURES, rows_of, width_of, window_for
from cnn_tui.engine.insight.head import head_of
from cnn_tui.engine.insight.linear import linear_accuracy
from cnn_tui.engine.insight.probes import Probes, probed_layers, probes
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.runs.watcher import CancelledError, Watcher
from cnn_tui.engine.specs.layers import FC, Conv, Dropout, GlobalAvgPool, ReLU, Residual
from cnn_tui.engine.specs.presets import load_preset

SIZES = {"limit": 400, "test_limit": 150}


@pytest.fixture(scope="module")
def trained() -> Iterator[Subject]:
    with closing(trained_subject("digits-convnet", digits(), epochs=12)) as subject:
        yield subject


@pytest.fixture(scope="module")
def found(trained: Subject) -> Probes:
    return probes(trained, **SIZES)


def test_training_makes_features_that_are_easier_to_read(found: Probes) -> None:
    by_layer = {probe.layer: probe for probe in found.probes}
    pixels, last = by_layer["pixels"], found.probes[-1]
    assert last.linear > last.linear_untrained + 0.1 and last.knn > last.knn_untrained
    assert last.linear >= pixels.linear
    assert (pixels.linear, pixels.knn) == (pixels.linear_untrained, pixels.knn_untrained)
    assert pixels.features == 64
    assert found.trained_convs is not None and found.random_convs is not None
    assert found.trained_convs > found.random_convs > 0.5


def test_the_json_has_the_agreed_fields(found: Probes) -> None:
    data = msgspec.to_builtins(found)
    assert {"data", "images", "probes"} <= {*data} and data["images"] == 400
    fields = {"layer", "features", "linear", "knn", "linear_untrained", "knn_untrained"}
    assert {*data["probes"][3]} == fields


@pytest.mark.slow
def test_equal_seeds_give_equal_probes(trained: Subject, found: Probes) -> None:
    assert probes(trained, **SIZES, threads=1) == found
    assert probes(trained, **SIZES, seed=1).probes != found.probes


def test_k_nn_on_pixels_is_that_of_the_definition(trained: Subject, found: Probes) -> None:
    train, test = trained.images("train", 400), trained.images("test", 150)
    right = 0
    for image, target in zip(test.images, test.targets, strict=True):
        distances = np.square(train.images.astype(float) - image).sum(axis=(1, 2, 3))
        near = train.targets[np.argsort(distances, kind="stable")[:5]]
        right += np.bincount(near, minlength=10).argmax() == target
    assert found.probes[0].knn == pytest.approx(right / 150)


def test_a_linear_probe_separates_what_a_plane_can_and_no_more() -> None:
    rng = np.random.default_rng(0)
    points = rng.standard_normal((600, 20)).astype(np.float32)
    plane = (points[:, 0] + 2 * points[:, 1] > 0.3).astype(np.int64)
    ring = (np.square(points[:, :2]).sum(axis=1) > 1.4).astype(np.int64)
    for labels, low, high in ((plane, 0.95, 1.0), (ring, 0.4, 0.65)):
        accuracy = linear_accuracy(points[:500], labels[:500], points[500:], labels[500:], 2)
        assert low <= accuracy <= high


def test_neither_scale_nor_shift_of_a_feature_nor_a_constant_one_matters() -> None:
    rng = np.random.default_rng(0)
    points = rng.standard_normal((200, 8)).astype(np.float32)
    labels = (points[:, 0] > 0).astype(np.int64)
    moved = points * np.float32(64) + np.float32(128)
    moved = np.concatenate([moved, np.full((200, 8), 7, np.float32)], axis=1)
    first = linear_accuracy(points[:150], labels[:150], points[150:], labels[150:], 2)
    second = linear_accuracy(moved[:150], labels[:150], moved[150:], labels[150:], 2)
    assert abs(first - second) <= 0.04 and first > 0.85


def test_large_maps_are_averaged_over_windows() -> None:
    shape = (16, 33, 32)
    maps = np.random.default_rng(0).standard_normal((3, *shape)).astype(np.float32)
    side = window_for(shape)
    assert side == 2 and width_of(shape) == 16 * 17 * 16 <= MOST_FEATURES
    rows = rows_of(maps).reshape(3, 16, 17, 16)
    np.testing.assert_allclose(
        rows[1, 4, 3, 5], maps[1, 4, 6:8, 10:12].mean(), rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(rows[2, 0, 16, 0], maps[2, 0, 32:, :2].mean(), rtol=1e-5, atol=1e-6)
    small = maps[:, :2]
    np.testing.assert_array_equal(rows_of(small), small.reshape(3, -1))


def test_a_block_is_one_layer_and_dropout_is_none() -> None:
    block = Residual(branch=(Conv(out_channels=2, padding=1), ReLU()))
    described = network((2, 6, 6), block, ReLU(), Dropout(), classes=3)
    with closing(subject_of(described, random_data((2, 6, 6)))) as subject:
        assert probed_layers(subject) == ("residual1", "relu2", "scores")


def test_the_head_is_what_follows_the_last_convolution() -> None:
    head = head_of(load_preset("lenet5"))
    assert head is not None
    assert (head.source, head.network.input) == ("maxpool6", (16, 5, 5))
    assert [type(layer) for layer in head.network.layers[::2]] == [FC, FC, FC]
    block = load_preset("resnet20")
    averaged = head_of(block)
    assert averaged is not None
    assert (averaged.source, averaged.network.input) == ("global_avgpool22", (64, 1, 1))
    flat = network((2, 6, 6), classes=3)
    ending = network((2, 6, 6), Conv(out_channels=3), GlobalAvgPool())
    assert head_of(flat) is None and head_of(ending) is None


def test_progress_and_cancelling(trained: Subject) -> None:
    shares: list[float] = []
    probes(trained, limit=50, test_limit=20, watcher=Watcher(shares.append))
    assert shares == sorted(shares) and shares[-1] == 1
    calls = iter(range(1000))
    with pytest.raises(CancelledError):
        probes(trained, limit=50, test_limit=20, watcher=Watcher(cancelled=lambda: next(calls) > 6))


def test_one_class_cannot_be_probed() -> None:
    one = random_data((2, 6, 6))
    labels = np.zeros(40, np.int64)
    split = Split(one.val.images, labels)
    data = Dataset("one", ("only",), split, split, split)
    subject = subject_of(network((2, 6, 6), Conv(out_channels=2), classes=2), data)
    with closing(subject), pytest.raises(InsightError, match="single class"):
        probes(subject)
