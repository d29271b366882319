"""Shift, shuffle and equivariance: what neighbourhood is worth, with runs that are found again."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from test_slide import noise, subject_of

from cnn_tui.engine.data.built_in import load_digits
from cnn_tui.engine.errors import InsightError
from cnn_tui.engine.insight.beside import fully_connected
from cnn_tui.engine.insight.equivariance import equivariance
from cnn_tui.engine.insight.shift import moved, shift
from cnn_tui.engine.insight.shuffle import permuted, shuffle
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.names import run_names
from cnn_tui.engine.runs.train import new_run, train_recorded
from cnn_tui.engine.runs.train_once import train_once
from cnn_tui.engine.runs.watcher import CancelledError, Watcher
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import (
    FC,
    Conv,
    GlobalAvgPool,
    MaxPool,
    Parallel,
    ReLU,
    Residual,
    Sigmoid,
)
from cnn_tui.engine.specs.network import Network, Recipe
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.engine.training.control import Control

NETWORK = Network(
    name="small",
    input=(1, 8, 8),
    data="digits",
    layers=(Conv(8, 3), ReLU(), MaxPool(2), FC(10)),
    training=Recipe(epochs=3, lr=0.1),
)


def trained(root: Path) -> Subject:
    folder = train_once(root, NETWORK, load_digits())
    assert folder is not None
    return Subject.of_run(folder)


@pytest.mark.parametrize("name", ["lenet5", "digits-convnet", "cifar-convnet", "resnet20"])
def test_the_neighbour_has_as_many_parameters(name: str) -> None:
    network = load_preset(name)
    other = fully_connected(network)
    sizes = [check(each).total_params for each in (network, other)]
    unit = int(np.prod(network.input)) + 11
    assert abs(sizes[0] - sizes[1]) <= unit / 2
    assert check(other, classes=10).valid and other.training == network.training


def test_a_network_too_small_for_a_neighbour_is_refused() -> None:
    layers = (Conv(1, 5), GlobalAvgPool(), FC(2))
    with pytest.raises(InsightError, match="even with one hidden unit"):
        fully_connected(Network(input=(3, 64, 64), layers=layers))


def test_images_move_and_repeat_their_border() -> None:
    images = np.arange(9).reshape(1, 1, 3, 3)
    assert moved(images, (0, 1))[0, 0].tolist() == [[0, 0, 1], [3, 3, 4], [6, 6, 7]]
    assert moved(images, (-2, 0))[0, 0].tolist() == [[6, 7, 8]] * 3


def test_a_run_is_trained_once_and_resumed_after_a_cancel(tmp_path: Path) -> None:
    data, shares = load_digits(), list[float]()
    stopped = train_once(
        tmp_path, NETWORK, data, watcher=Watcher(shares.append, lambda: len(shares) == 30)
    )
    assert stopped is None and len(shares) == 30 and list(run_names(tmp_path)) == ["small-1"]
    folder = train_once(tmp_path, NETWORK, data, watcher=Watcher(shares.append))
    assert folder == RunFolder(tmp_path / "small-1") and shares[30] > shares[29]
    again = train_once(
        tmp_path, NETWORK, data, watcher=Watcher(lambda share: pytest.fail("trained"))
    )
    assert again == folder
    longer = msgspec.structs.replace(NETWORK.training, epochs=4)
    other = msgspec.structs.replace(NETWORK, training=longer)
    assert train_once(tmp_path, other, data) == RunFolder(tmp_path / "small-2")
    assert train_once(tmp_path, NETWORK, permuted(data, 0), note="mixed") is not None
    assert RunFolder(tmp_path / "small-3").notes().note == "mixed"


def test_a_stopped_run_of_a_person_is_left_alone(tmp_path: Path) -> None:
    data, control = load_digits(), Control()
    control.stop()
    with new_run(tmp_path, NETWORK, data, control=control) as recorder:
        train_recorded(NETWORK, data, recorder, control, lambda event: None)
    before = sorted(path.name for path in (tmp_path / "small-1").rglob("*"))
    assert train_once(tmp_path, NETWORK, data) == RunFolder(tmp_path / "small-2")
    assert sorted(path.name for path in (tmp_path / "small-1").rglob("*")) == before
    assert RunFolder(tmp_path / "small-2").notes().tags == ("beside",)


def test_shift_measures_both_networks(tmp_path: Path) -> None:
    subject = trained(tmp_path)
    seen = shift(subject, tmp_path, shifts=(0, 2), limit=150)
    assert seen.images == 150
    still, away = seen.own.accuracy
    examples = subject.images("test", 150)
    right = subject.model.forward(examples.images).argmax(1) == examples.targets
    assert still == right.mean() > 0.5 > away
    # By hand: the mean over four directions.
    pixels, by_hand = load_digits().test.images[examples.indices], []
    for move in ((0, 2), (0, -2), (2, 0), (-2, 0)):
        scores = subject.model.forward(subject.eye.normalizer.apply(moved(pixels, move)))
        by_hand.append(np.mean(scores.argmax(1) == examples.targets))
    assert away == pytest.approx(np.mean(by_hand))
    assert seen.beside.run == "small-fc-1" and abs(seen.beside.params - seen.own.params) < 75
    again = shift(subject, tmp_path, shifts=(0, 2), limit=150)
    assert again == seen and len(list(run_names(tmp_path))) == 2
    plain = msgspec.json.decode(msgspec.json.encode(seen.to_json()))
    assert plain["shifts"] == [0, 2] and plain["accuracy"] == list(seen.own.accuracy)
    assert set(plain["beside"]) >= {"name", "params", "accuracy"}


def test_comparisons_can_be_cancelled(tmp_path: Path) -> None:
    subject = trained(tmp_path)
    for measure in (shift, shuffle):
        with pytest.raises(CancelledError):
            measure(subject, tmp_path, watcher=Watcher(cancelled=lambda: True))


def test_shuffled_pixels_are_the_same_pixels_in_one_order() -> None:
    data = load_digits()
    mixed = permuted(data, 4)
    for name in ("train", "val", "test"):
        before, after = getattr(data, name), getattr(mixed, name)
        flat, other = (
            np.asarray(split.images).reshape(len(split), -1) for split in (before, after)
        )
        order = np.random.default_rng(4).permutation(64)
        assert np.array_equal(flat[:, order], other) and after.labels is before.labels


def test_shuffle_trains_four_runs(tmp_path: Path) -> None:
    subject, shares = trained(tmp_path), list[float]()
    seen = shuffle(subject, tmp_path, watcher=Watcher(shares.append))
    assert [row.name for row in seen.rows] == ["small", "small-fc"]
    assert shares == sorted(shares) and shares[-1] == 1
    names = [name for row in seen.rows for name in row.runs]
    assert sorted(names) == sorted(run_names(tmp_path)) and names[0] == "small-1"
    assert seen == shuffle(subject, tmp_path)
    assert all(0.5 < score <= 1 for row in seen.rows for score in (row.original, row.shuffled))


def test_maps_shift_with_the_image_by_whole_strides() -> None:
    network = Network(
        input=(1, 24, 24),
        layers=(
            Conv(3, 5, padding=2),
            ReLU(),
            MaxPool(2),
            Residual(branch=(Conv(3, 3, padding=1), ReLU())),
            Conv(4, 3, stride=2, rounding="floor"),
            FC(2),
        ),
    )
    subject = subject_of(network)
    images = subject.eye.normalizer.apply(noise(3, 1, 24, 24))
    rows = {(row.layer, row.shift): row for row in equivariance(subject, images, (1, 2, 4)).rows}
    assert {row.stride for row in rows.values() if row.layer == "conv5"} == {4}
    for (layer, _), row in rows.items():
        assert row.difference is not None
        assert row.multiple == (row.shift % row.stride == 0)
        if row.multiple:
            assert row.difference < 1e-5 and row.moved == row.shift // row.stride, layer
        else:
            assert row.difference > 0.05, layer
    assert rows["conv1", 1].at_border > 0.01  # the padding does not shift with the image


def test_a_layer_that_always_sees_the_border_says_so() -> None:
    subject = subject_of(load_preset("resnet20"))
    images = subject.eye.normalizer.apply(noise(1, 3, 32, 32))
    rows = equivariance(subject, images, (1,)).rows
    assert rows[0].difference is not None and rows[-1].difference is None


def test_maps_of_one_place_do_not_shift() -> None:
    gate = (GlobalAvgPool(), Conv(4, 1, name="squeeze"), Sigmoid())
    layers = (Conv(4, 3, name="first"), Parallel(((), gate), merge="multiply"), ReLU(), FC(3))
    subject = subject_of(Network(input=(1, 8, 8), layers=layers))
    images = subject.eye.normalizer.apply(noise(2, 1, 8, 8))
    assert {row.layer for row in equivariance(subject, images).rows} == {"first"}
