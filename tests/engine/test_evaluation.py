"""Validation and test figures of a run, computed once more image by image."""

from __future__ import annotations

from typing import Any

import naive
import naive_losses
import numpy as np
import pytest
from samples import network

from cnn_tui.engine.build import build
from cnn_tui.engine.data.dataset import Dataset, Split
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import Conv, Dropout, MaxPool, Tanh
from cnn_tui.engine.specs.network import SVM, Loss, Network, Recipe, Softmax
from cnn_tui.engine.training.events import EpochCompleted, RunEnded
from cnn_tui.engine.training.trainer import Trainer

STILL = 1e-30
"""A learning rate that moves no weight: the figures are those of the first weights."""


def split(images: int, seed: int, brightness: int) -> Split:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 20 * seed, (images, 2, 6, 6)) + brightness
    return Split(pixels.astype(np.uint8), rng.integers(0, 3, images))


DATA = Dataset("noise", ("a", "b", "c"), split(20, 3, 60), split(13, 5, 0), split(11, 4, 100))
"""Splits that differ in brightness and contrast: only the training split may be measured."""


def described(loss: Loss, batch_size: int) -> Network:
    recipe = Recipe(epochs=1, batch_size=batch_size, lr=STILL, optimizer="sgd", seed=5)
    layers = (Conv(out_channels=4), Tanh(), MaxPool(), Dropout())
    return network((2, 6, 6), *layers, classes=3, loss=loss, training=recipe)


def figures(net: Network, part: Split) -> tuple[float, float]:
    """Mean loss and accuracy of the first weights, by loops in float64."""
    train = DATA.train.images.astype(float)
    mean, std = (stat(axis=(0, 2, 3)).reshape(-1, 1, 1) for stat in (train.mean, train.std))
    model = build(net, seed=5)
    arrays = {name: parameter.data.astype(float) for name, parameter in model.parameters.items()}
    images = (part.images.astype(float) - mean) / std
    scores = naive.forward(net.layers, check(net).layers, arrays, images)[-1]
    loss = naive_losses.svm_loss if isinstance(net.loss, SVM) else naive_losses.softmax_loss
    return loss(scores, part.labels), float((scores.argmax(1) == part.labels).mean())


@pytest.mark.parametrize("loss", [Softmax(), SVM()], ids=str)
@pytest.mark.parametrize("batch_size", [1, 4, 11, 64])
def test_figures_are_means_over_all_images(batch_size: int, loss: Loss) -> None:
    """Whatever the size of the batches, the last one short; dropout out, training statistics in."""
    net = described(loss, batch_size)
    events: list[Any] = []
    Trainer(net, DATA, emit=events.append, threads=2).run()
    (epoch,) = (event for event in events if isinstance(event, EpochCompleted))
    end = events[-1]
    assert isinstance(end, RunEnded)
    expected = figures(net, DATA.val)
    assert (epoch.val_loss, epoch.val_accuracy) == pytest.approx(expected, rel=1e-4)
    assert (end.test_loss, end.test_accuracy) == pytest.approx(figures(net, DATA.test), rel=1e-4)
