"""Trainings that fail or diverge: one end, in words, and nothing left behind."""

from __future__ import annotations

import re
import threading
from typing import Any

import numpy as np
import pytest
from samples import network
from small_runs import BATCH, TRAIN, dataset, described, ended, of, on_batch, run, split

from cnn_tui.engine.data.dataset import Dataset, Split
from cnn_tui.engine.specs.layers import FC, Conv
from cnn_tui.engine.specs.network import SVM, Network, Recipe
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import (
    Alert,
    BatchCompleted,
    EpochCompleted,
    RunEnded,
    RunEvent,
)
from cnn_tui.engine.training.trainer import Trainer


def hot(optimizer: Any) -> Network:
    """So large a rate, on linear layers and a loss that grows with its square, cannot end well."""
    recipe = Recipe(epochs=200, batch_size=BATCH, lr=1e6, optimizer=optimizer)
    layers, loss = [FC(out_features=20)] * 6, SVM(squared=True)
    return network((1, 6, 6), *layers, classes=2, loss=loss, training=recipe)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_run_that_diverges_ends_with_the_layer_and_advice(optimizer: str) -> None:
    noise = Split(split(TRAIN, 0).images, np.random.default_rng(5).integers(0, 2, TRAIN))
    events = run(hot(optimizer), with_train(dataset(), noise))
    end = ended(events)
    (alert,) = of(Alert, events)
    assert events[-2] is alert
    assert (end.reason, end.test_loss, end.test_accuracy) == ("failed", None, None)
    assert (alert.code, alert.message, alert.step) == ("non-finite", end.message, end.step)
    assert alert.layer in {"fc1", "fc2", "fc3", "fc4", "fc5", "fc6", "scores"}
    assert alert.layer in end.message
    assert "learning rate" in end.message
    assert end.step == len(of(BatchCompleted, events))


def test_images_that_went_bad_end_the_run_with_a_message() -> None:
    data = dataset()
    images = data.train.images.astype(np.float32)
    spoiled = Split(images, data.train.labels)
    images[40, 0, 2, 2] = np.nan  # after the split was checked
    events = run(data=with_train(data, spoiled))
    assert ended(events).reason == "failed"
    assert of(Alert, events)[0].layer == "conv1"


def with_train(data: Dataset, train: Split) -> Dataset:
    return Dataset(data.name, data.classes, train, data.val, data.test)


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (
            network((1, 7, 6), classes=2),
            "expects images of 1x7x6, received 1x6x6 from sides.*input = .1, 6, 6.",
        ),
        (network((3, 6, 6), classes=2), "3x6x6"),
        (network((1, 6, 6), classes=3), "3 scores, but the data has 2 classes"),
        (Network(input=(1, 6, 6), layers=(Conv(out_channels=2),)), "ends in a volume of 2x4x4"),
        (Network(input=(1, 6, 6)), "no layers"),
    ],
)
def test_network_that_does_not_fit_the_data_is_not_started(net: Network, message: str) -> None:
    events = run(net)
    assert len(events) == 1
    assert (ended(events).reason, ended(events).step) == ("failed", 0)
    assert re.search(message, ended(events).message)
    assert "\n" not in ended(events).message


def test_fault_of_the_program_is_reported_and_raised() -> None:
    data = dataset()
    # What no check can see: labels that vanish once training runs.
    object.__setattr__(data.train, "labels", data.train.labels[:10])
    events: list[RunEvent] = []
    with pytest.raises(IndexError):
        Trainer(described(), data, emit=events.append).run()
    assert ended(events).reason == "failed"
    assert "internal error: IndexError" in ended(events).message


def test_run_ends_once_even_if_a_listener_fails() -> None:
    events: list[RunEvent] = []

    def emit(event: RunEvent) -> None:
        events.append(event)
        if isinstance(event, EpochCompleted):
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        Trainer(described(), dataset(), emit=emit).run()
    assert ended(events).reason == "failed"
    assert "disk full" in ended(events).message


def test_no_threads_are_left_behind() -> None:
    before = set(threading.enumerate())
    run(threads=4)
    run(hot("adam"), threads=4)
    run(threads=4, answer=on_batch(2, Control.stop))
    assert set(threading.enumerate()) <= before


def test_weights_that_explode_in_the_very_last_step_are_no_success() -> None:
    rng = np.random.default_rng(0)
    split = Split(rng.integers(0, 255, (16, 1, 6, 6)).astype(np.uint8), rng.integers(0, 2, 16))
    network = Network(
        input=(1, 6, 6),
        layers=(*(FC(out_features=20) for _ in range(6)), FC(out_features=2)),
        loss=SVM(squared=True),
        training=Recipe(epochs=1, batch_size=16, lr=1e6, optimizer="sgd"),
    )
    events: list[RunEvent] = []
    data = Dataset("two", ("a", "b"), split, split, split)
    Trainer(network, data, emit=events.append, threads=1).run()
    assert isinstance(events[-1], RunEnded)
    assert events[-1].reason == "failed"
    assert "explode" in events[-1].message
