"""A small model with most kinds of layers, random weights and random batches."""

from __future__ import annotations

import numpy as np
from samples import network, random_images, random_targets, randomize

from cnn_tui.engine.build import build
from cnn_tui.engine.model import Model
from cnn_tui.engine.specs.layers import BatchNorm, Conv, Dropout, MaxPool, ReLU, Residual

SHAPE = (2, 8, 6)
CLASSES = 4
NETWORK = network(
    SHAPE,
    Conv(out_channels=6, padding=1),
    BatchNorm(),
    ReLU(),
    Residual(
        branch=(Conv(out_channels=8, padding=1), BatchNorm()), shortcut="projection", name="block"
    ),
    MaxPool(),
    Dropout(p=0.2),
    Conv(out_channels=4, kernel_size=(3, 1), groups=2, bias=False),
    classes=CLASSES,
)


def sample_model() -> Model:
    model = build(NETWORK)
    randomize(model)
    return model


def batch_of(size: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    return random_images(SHAPE, size, seed, np.float32), random_targets(CLASSES, size, seed)


def assert_same(before: dict[str, np.ndarray], after: dict[str, np.ndarray]) -> None:
    assert before.keys() == after.keys()
    for name, array in before.items():
        np.testing.assert_array_equal(after[name], array, err_msg=name)
