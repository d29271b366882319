"""Every preset learns: a few steps on random images lower its loss."""

from __future__ import annotations

from contextlib import closing

import msgspec
import numpy as np
import pytest
from samples import random_images, random_targets

from cnn_tui.engine.build import build
from cnn_tui.engine.optimizers import build_optimizer
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.inside import lists_in, with_lists
from cnn_tui.engine.specs.layers import FC, Conv, Dropout, Layer
from cnn_tui.engine.specs.network import Network, Recipe
from cnn_tui.engine.specs.presets import load_preset, preset_names

CLASSES, IMAGES, STEPS = 10, 8, 20
SIDE = 64
LARGE = 10_000_000
"""Parameters from which the widths are divided."""
NARROWER = 8
QUICK = ("lenet5", "resnet20")


def small(name: str) -> Network:
    """The preset for small images, and with fewer channels where it is large."""
    network = load_preset(name)
    narrower = NARROWER if check(network).total_params > LARGE else 1
    layers = narrowed(network.layers, narrower)
    if isinstance(layers[-1], FC):
        layers = (*layers[:-1], FC(out_features=CLASSES))
    channels, height, _ = network.input
    network = msgspec.structs.replace(
        network, layers=layers, training=Recipe(optimizer="adam", lr=3e-4)
    )
    smaller = msgspec.structs.replace(network, input=(channels, SIDE, SIDE))
    return smaller if height > SIDE and check(smaller).valid else network


def narrowed(layers: tuple[Layer, ...], by: int) -> tuple[Layer, ...]:
    return tuple(narrow(layer, by) for layer in layers)


def narrow(layer: Layer, by: int) -> Layer:
    match layer:
        case Conv():
            groups = max(1, layer.groups // by)
            return msgspec.structs.replace(
                layer, out_channels=layer.out_channels // by, groups=groups
            )
        case FC():
            return msgspec.structs.replace(layer, out_features=max(1, layer.out_features // by))
        case Dropout():
            return msgspec.structs.replace(layer, p=0.0)
    return with_lists(layer, [narrowed(inner, by) for inner in lists_in(layer)])


@pytest.mark.parametrize(
    "name",
    [
        name if name in QUICK else pytest.param(name, marks=pytest.mark.slow)
        for name in preset_names()
    ],
)
def test_loss_falls(name: str) -> None:
    network = small(name)
    assert check(network).issues == ()
    images = random_images(network.input, IMAGES, 0, np.float32)
    targets = random_targets(CLASSES, IMAGES, 0)
    with closing(build(network, seed=1)) as model:
        optimizer = build_optimizer(network.training, model)
        losses = []
        for _ in range(STEPS):
            losses.append(model.train_batch(images, targets).loss)
            optimizer.step(network.training.lr)
    assert np.isfinite(losses).all()
    assert losses[-1] < 0.9 * losses[0], losses
