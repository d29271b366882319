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
from cnn_tui.engine.specs.layers import FC, Conv, Dropout, Layer, Repeat
from cnn_tui.engine.specs.network import Network, Recipe
from cnn_tui.engine.specs.presets import load_preset, preset_names

CLASSES, IMAGES, STEPS = 4, 8, 30
SIDES = (32, 64)
"""Sizes of images to try in place of larger ones."""
LARGE = 400_000
"""Parameters from which the widths are divided."""
NARROWER, FEWEST = 8, 4
QUICK = ("lenet5", "squeezenet1_1")


def small(name: str) -> Network:
    """The preset for small images, and with fewer channels and copies where it is large."""
    network = load_preset(name)
    layers = network.layers
    if check(network).total_params > LARGE:
        layers = tuple(map(narrow, layers))
    if isinstance(layers[-1], FC):
        layers = (*layers[:-1], FC(out_features=CLASSES))
    network = msgspec.structs.replace(
        network, layers=layers, training=Recipe(optimizer="adam", lr=2e-3)
    )
    channels, height, _ = network.input
    for side in SIDES:
        smaller = msgspec.structs.replace(network, input=(channels, side, side))
        if side < height and check(smaller).valid:
            return smaller
    return network


def narrow(layer: Layer) -> Layer:
    match layer:
        case Conv():
            channels, groups = _fewer(layer.out_channels), min(layer.groups, FEWEST)
            return msgspec.structs.replace(layer, out_channels=channels, groups=groups)
        case FC():
            return FC(out_features=_fewer(layer.out_features))
        case Dropout():
            return Dropout(p=0)
        case Repeat():
            layer = msgspec.structs.replace(layer, times=min(layer.times, 2))
    return with_lists(layer, [tuple(map(narrow, inner)) for inner in lists_in(layer)])


def _fewer(channels: int) -> int:
    return max(FEWEST, channels // NARROWER // FEWEST * FEWEST)


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
    assert np.mean(losses[-3:]) < 0.9 * losses[0], losses
