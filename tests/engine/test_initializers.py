"""How weights begin."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from samples import Shape, network

from cnn_tui.engine.build import build
from cnn_tui.engine.model import Model
from cnn_tui.engine.specs.layers import FC, BatchNorm, Conv, Layer, Residual
from cnn_tui.engine.specs.network import Recipe

SHAPE: Shape = (4, 12, 12)
CONV = Conv(out_channels=128, kernel_size=(5, 3), groups=2)
FANS = {"conv1.weight": (2 * 15, 64 * 15), "fc2.weight": (128 * 8 * 10, 40)}
STD: dict[str, Any] = {
    "he": lambda fan_in, fan_out: math.sqrt(2 / fan_in),
    "xavier": lambda fan_in, fan_out: math.sqrt(2 / (fan_in + fan_out)),
    "lecun": lambda fan_in, fan_out: math.sqrt(1 / fan_in),
    "gaussian": lambda fan_in, fan_out: 0.01,
}


def model(
    *layers: Layer, initializer: Any = "he", seed: int = 0, dtype: type = np.float32
) -> Model:
    described = network(SHAPE, *layers, classes=3, training=Recipe(initializer=initializer))
    return build(described, seed=seed, dtype=dtype)


@pytest.mark.parametrize("name", STD)
def test_weights_are_normal_with_the_deviation_of_their_fans(name: str) -> None:
    built = model(CONV, FC(out_features=40), initializer=name)
    for parameter, fans in FANS.items():
        values = built.parameters[parameter].data
        std = STD[name](*fans)
        assert values.std(dtype=float) == pytest.approx(std, rel=5 / math.sqrt(2 * values.size))
        assert abs(values.mean(dtype=float)) < 5 * std / math.sqrt(values.size)
        within = np.count_nonzero(abs(values) < std) / values.size
        assert within == pytest.approx(0.6827, abs=0.03)


def test_zeros() -> None:
    for parameter in model(CONV, BatchNorm(), initializer="zeros").parameters.values():
        expected = 1 if parameter.role == "gamma" else 0
        assert (parameter.data == expected).all()


@pytest.mark.parametrize("name", [*STD, "zeros"])
def test_biases_begin_at_0_and_batch_norms_as_the_identity(name: str) -> None:
    layers = (CONV, BatchNorm(), Residual(branch=(BatchNorm(),)))
    built = model(*layers, initializer=name)
    for key, parameter in built.parameters.items():
        if key.endswith(".bias"):
            assert not parameter.data.any()
    for key in ("bn2.weight", "residual3.bn1.weight"):
        assert (built.parameters[key].data == 1).all()
    assert not built.buffers["bn2.running_mean"].any()
    assert (built.buffers["bn2.running_var"] == 1).all()


def test_seed_decides_and_each_weight_has_numbers_of_its_own() -> None:
    layers = [Conv(out_channels=4, kernel_size=1, name=name) for name in ("a", "b")]
    one, same, other = (model(*layers, seed=seed).parameters for seed in (5, 5, 6))
    np.testing.assert_array_equal(one["a.weight"].data, same["a.weight"].data)
    assert (one["a.weight"].data != other["a.weight"].data).all()
    assert (one["a.weight"].data != one["b.weight"].data).all()


def test_later_layers_do_not_change_how_earlier_ones_begin() -> None:
    short, long = model(CONV), model(CONV, BatchNorm(), FC(out_features=7))
    np.testing.assert_array_equal(
        short.parameters["conv1.weight"].data, long.parameters["conv1.weight"].data
    )


def test_both_float_types_begin_alike() -> None:
    single, double = (model(CONV, dtype=dtype).parameters for dtype in (np.float32, np.float64))
    assert double["conv1.weight"].data.dtype == np.float64
    np.testing.assert_array_equal(single["conv1.weight"].data, double["conv1.weight"].data)


def test_the_seed_is_the_recipes_unless_another_is_given() -> None:
    described = network(SHAPE, CONV, classes=3, training=Recipe(seed=7))
    usual, given, other = build(described), build(described, seed=7), build(described, seed=0)
    weights = [built.parameters["conv1.weight"].data for built in (usual, given, other)]
    assert np.array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])
