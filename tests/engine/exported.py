"""Networks with random weights, to be exported."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import msgspec
import numpy as np
import pytest
from samples import randomize

from cnn_tui.engine.build import build
from cnn_tui.engine.data.preprocess import Normalizer
from cnn_tui.engine.export.states import TrainedState
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import (
    FC,
    LRN,
    AvgPool,
    BatchNorm,
    Conv,
    Dropout,
    LeakyReLU,
    MaxPool,
    ReLU,
    Residual,
    Sigmoid,
    Tanh,
)
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import load_preset, preset_names
from cnn_tui.engine.specs.quick.parse import parse_quick
from cnn_tui.engine.transforms.carry import load_weights

EVERY_LAYER = Network(
    name="every-layer",
    input=(2, 9, 12),
    layers=(
        Conv(out_channels=4, kernel_size=(3, 2), stride=(1, 2), padding=(1, 0), name="train"),
        BatchNorm(),
        LeakyReLU(negative_slope=0.2),
        LRN(size=3, alpha=0.1),
        Residual(branch=(Conv(out_channels=4, padding="same"), Sigmoid()), name="a.b-c"),
        Residual(branch=(BatchNorm(), Tanh()), name="a_b_c"),
        Residual(
            branch=(Conv(out_channels=8, stride=2, padding=1, rounding="floor", bias=False),),
            shortcut="projection",
            stride=2,
        ),
        Residual(
            branch=(Conv(out_channels=10, padding=2, dilation=2, name="own"), ReLU()),
            shortcut="zero-pad",
        ),
        MaxPool(kernel_size=2, padding=1, rounding="floor"),
        Conv(out_channels=4, kernel_size=1, groups=2),
        AvgPool(kernel_size=(3, 2), stride=1, padding=1),
        Dropout(p=0.5),
        FC(out_features=5, bias=False),
        BatchNorm(eps=1e-3),
        FC(out_features=3),
    ),
)

# Its layers are called like what the exporters add.
CLASHING = Network(
    name="clashing",
    input=(1, 4, 4),
    layers=(
        Conv(out_channels=2, name="pixels"),
        ReLU(name="images"),
        Sigmoid(name="centred"),
        LeakyReLU(name="mean"),
        Tanh(name="last_flatten"),
        FC(out_features=3, name="last"),
        FC(out_features=3, name="scores"),
    ),
)

_BLOCKS = """
conv 8 3x3 pad same as stem | repeat 2 { parallel { conv 4 1x1 as new } { } concat | batchnorm }
| parallel { } { gap | fc 4 | relu | fc 16 | sigmoid } multiply
| res { conv 6 3x3 s2 p1 floor | parallel { relu } { tanh } add } { conv 6 1x1 s2 floor } as own
| parallel { conv 2 1x1 } { repeat 3 { conv 2 3x3 pad same | relu } } { } split as shares
| res { repeat 2 { batchnorm | relu } }
| parallel { gap } { fc 6 } add | repeat 2 { fc 5 | tanh } | fc 3
"""

BLOCKS = Network(name="blocks", input=(2, 9, 12), layers=parse_quick(_BLOCKS))
"""Blocks of every kind, one in the other, and branches that are flat."""

_MOST_PARAMS = 12_000_000
"""More take seconds; the largest presets consist of nothing that others lack."""


QUICK = ("squeezenet1_1",)
"""Presets for large images that are tried without asking for slow tests."""


def small_presets() -> list[Any]:
    """All but those with most weights; those for large images get smaller ones, and are slow."""
    found = map(load_preset, preset_names())
    return [
        pytest.param(_smaller(network), marks=[pytest.mark.slow] * is_large(network))
        for network in found
        if check(network).total_params <= _MOST_PARAMS
    ]


def _smaller(network: Network) -> Network:
    """The network for the smallest of some sizes of images that its layers take."""
    for side in (64, 96, 128):
        smaller = msgspec.structs.replace(network, input=(network.input[0], side, side))
        if is_large(network) and check(smaller).valid:
            return smaller
    return network


def is_large(network: Network) -> bool:
    """Whether its images are large, so that a pass takes long."""
    return network.input[1] > 32 and network.name not in QUICK


def state_of(network: Network) -> TrainedState:
    """Random weights, buffers and figures."""
    model = build(network)
    # Those of the initializer keep the values of deep networks in bounds.
    filters = {name: p.data.copy() for name, p in model.parameters.items() if p.role == "weight"}
    randomize(model)
    for name, values in filters.items():
        model.parameters[name].data[...] = values
    weights = {name: parameter.data.copy() for name, parameter in model.parameters.items()}
    weights |= {name: buffer.copy() for name, buffer in model.buffers.items()}
    model.close()
    rng = np.random.default_rng(3)
    scores = check(network).layers[-1].activations
    classes = ("a", 'b"', "c\\", *map(str, range(3, scores)))
    mean, std = rng.random((2, network.input[0], 1, 1), dtype=np.float32) + 0.5
    return TrainedState("run-1", network, weights, classes, Normalizer(mean, std), 255.0)


def scores_of(state: TrainedState, images: np.ndarray) -> np.ndarray:
    with closing(build(state.network, dtype=images.dtype)) as model:
        load_weights(model, state.weights)
        return model.forward(images)
