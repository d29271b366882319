"""What every layer puts out, against loops over single numbers."""

from __future__ import annotations

from typing import Any

import naive
import numpy as np
import pytest
from cases import BATCHES, LARGE_BANKS, VOLUMES, Case, convs, dense_convs, pools
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import Outputs, arrays_of, random_images

from cnn_tui.engine.specs.layers import (
    FC,
    LRN,
    BatchNorm,
    Conv,
    Dropout,
    GlobalAvgPool,
    Layer,
    LeakyReLU,
    MaxPool,
    ReLU,
    Residual,
    Sigmoid,
    Tanh,
)


def assert_naive(shape: tuple[int, int, int], batch: int, *layers: Layer, seed: int = 0) -> None:
    """The engine's output of ``layers`` in evaluation mode is the loops'."""
    outputs = Outputs(shape, *layers)
    images = random_images(shape, batch, seed)
    arrays = arrays_of(outputs.model)
    expected = naive.forward(layers, outputs.reports, arrays, images)[-1]
    scale = max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(outputs.of(images) / scale, expected / scale, rtol=0, atol=1e-12)


@settings(max_examples=150)
@given(convs(), BATCHES)
def test_conv(case: Case, batch: int) -> None:
    assert_naive(case[0], batch, case[1])


@settings(max_examples=150)
@given(dense_convs(), BATCHES)
def test_dense_conv(case: Case, batch: int) -> None:
    assert_naive(case[0], batch, case[1])


@pytest.mark.parametrize("batch", [1, 5, 17])
@pytest.mark.parametrize("name", LARGE_BANKS)
def test_large_filter_bank(name: str, batch: int) -> None:
    assert_naive(LARGE_BANKS[name][0], batch, LARGE_BANKS[name][1])


@settings(max_examples=150)
@given(pools(), BATCHES)
def test_pool(case: Case, batch: int) -> None:
    assert_naive(case[0], batch, case[1])


@settings(max_examples=60)
@given(
    VOLUMES,
    BATCHES,
    st.sampled_from(
        [ReLU(), LeakyReLU(), LeakyReLU(negative_slope=0.3), Sigmoid(), Tanh(), Dropout()]
    ),
)
def test_elementwise_in_evaluation(shape: tuple[int, int, int], batch: int, layer: Layer) -> None:
    assert_naive(shape, batch, layer)


@settings(max_examples=60)
@given(
    VOLUMES,
    BATCHES,
    st.integers(1, 9),
    st.sampled_from([(1e-4, 0.75, 2.0), (0.5, 1.0, 1.0), (2.0, 0.5, 0.1), (0.0, 0.75, 2.0)]),
)
def test_response_norm(
    shape: tuple[int, int, int], batch: int, size: int, numbers: tuple[float, float, float]
) -> None:
    alpha, beta, k = numbers
    assert_naive(shape, batch, LRN(size=size, alpha=alpha, beta=beta, k=k))


@settings(max_examples=40)
@given(VOLUMES, BATCHES)
def test_global_average(shape: tuple[int, int, int], batch: int) -> None:
    assert_naive(shape, batch, GlobalAvgPool())


@settings(max_examples=40)
@given(VOLUMES, BATCHES, st.integers(1, 40), st.booleans())
def test_fully_connected(
    shape: tuple[int, int, int], batch: int, features: int, bias: bool
) -> None:
    assert_naive(shape, batch, FC(out_features=features, bias=bias))


@pytest.mark.parametrize("batch", [1, 2, 7, 64])
@pytest.mark.parametrize("features", [250, 257, 300])
def test_fully_connected_from_thousands_of_features(features: int, batch: int) -> None:
    shape = (5, 15, 14)
    outputs = Outputs(shape, FC(out_features=features))
    images = random_images(shape, batch)
    arrays = arrays_of(outputs.model)
    expected = images.reshape(batch, -1) @ arrays["fc1.weight"].T + arrays["fc1.bias"]
    np.testing.assert_allclose(outputs.of(images), expected, rtol=1e-11, atol=1e-11)


@settings(max_examples=40)
@given(VOLUMES, BATCHES, st.sampled_from([1e-5, 1e-3, 1.0]), st.booleans(), st.booleans())
def test_batch_norm(
    shape: tuple[int, int, int], batch: int, eps: float, training: bool, flat: bool
) -> None:
    layers = (FC(out_features=5), BatchNorm(eps=eps)) if flat else (BatchNorm(eps=eps),)
    outputs = Outputs(shape, *layers)
    images = random_images(shape, batch)
    arrays = arrays_of(outputs.model)
    expected = naive.forward(layers, outputs.reports, arrays, images, training)[-1]
    # With one value in a channel 1/sqrt(eps) magnifies the last bit of the subtraction.
    np.testing.assert_allclose(outputs.of(images, training), expected, rtol=1e-9, atol=1e-9)


@settings(max_examples=60)
@given(VOLUMES, BATCHES, st.integers(1, 3), st.integers(0, 3), st.booleans())
@pytest.mark.parametrize("shortcut", ["projection", "zero-pad"])
def test_residual_that_changes_shape(
    shortcut: Any,
    shape: tuple[int, int, int],
    batch: int,
    stride: int,
    more: int,
    normed: bool,
) -> None:
    conv = Conv(
        out_channels=shape[0] + more, kernel_size=3, padding=1, stride=stride, rounding="floor"
    )
    branch = (conv, BatchNorm(), ReLU()) if normed else (ReLU(), conv)
    block = Residual(branch=branch, shortcut=shortcut, stride=stride)
    assert_naive(shape, batch, Tanh(), block, ReLU())


@settings(max_examples=40)
@given(VOLUMES, BATCHES)
def test_residual_identity(shape: tuple[int, int, int], batch: int) -> None:
    inner = Residual(branch=(Tanh(),))
    conv = Conv(out_channels=shape[0], kernel_size=3, padding="same")
    assert_naive(shape, batch, ReLU(), Residual(branch=(ReLU(), inner, conv, LeakyReLU())), ReLU())


@settings(max_examples=60)
@given(VOLUMES, BATCHES, st.permutations([ReLU(), LeakyReLU(), Sigmoid(), MaxPool(kernel_size=1)]))
def test_neighbours_in_any_order(
    shape: tuple[int, int, int], batch: int, layers: list[Layer]
) -> None:
    """Layers that work in each other's place, or swap places, must not show it."""
    pool = MaxPool(kernel_size=2, stride=1, padding=1)
    conv = Conv(out_channels=3, kernel_size=1)
    assert_naive(shape, batch, conv, *layers, pool, *layers)


@pytest.mark.parametrize("batch", [1, 3])
def test_float32_is_as_close_as_float32_can_be(batch: int) -> None:
    layers = (
        Conv(out_channels=8, kernel_size=5, padding=2),
        ReLU(),
        MaxPool(),
        Conv(out_channels=6, kernel_size=3, dilation=2),
        BatchNorm(),
        FC(out_features=30),
        Sigmoid(),
    )
    outputs = Outputs((3, 14, 12), *layers, dtype=np.float32)
    images = random_images((3, 14, 12), batch, dtype=np.float32)
    arrays = {name: array.astype(float) for name, array in arrays_of(outputs.model).items()}
    expected = naive.forward(layers, outputs.reports, arrays, images.astype(float))[-1]
    found = outputs.of(images)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("p", [0.0, 0.25, 0.5, 0.9])
def test_dropout_in_training_drops_p_and_scales_the_rest(p: float) -> None:
    outputs = Outputs((10, 6, 6), Dropout(p=p))
    images = random_images((10, 6, 6), 50)
    ratio = outputs.of(images, training=True) / images
    np.testing.assert_allclose(ratio[ratio != 0], 1 / (1 - p))
    dropped = np.count_nonzero(ratio == 0)
    assert abs(dropped - p * ratio.size) <= 5 * np.sqrt(p * (1 - p) * ratio.size)


def test_dropout_masks_differ_between_layers_and_images() -> None:
    shape = (2, 4, 4)
    images = np.ones((40, *shape))
    one = Outputs(shape, Dropout()).of(images, training=True) / 2
    two = Outputs(shape, Dropout(), Dropout()).of(images, training=True) / 4
    assert len(np.unique(one.reshape(40, -1), axis=0)) == 40
    # Two independent masks of one half leave a quarter.
    assert 0.2 < two.mean() < 0.3


def test_wide_rows_and_many_shards() -> None:
    """A batch large enough to be cut into many parts, the last one short."""
    layers = (Conv(out_channels=2, kernel_size=3, padding=1), ReLU(), MaxPool(kernel_size=4))
    outputs = Outputs((1, 32, 32), *layers)
    images = random_images((1, 32, 32), 61)
    whole = outputs.of(images)
    for number in (0, 17, 30, 31, 59, 60):
        np.testing.assert_allclose(outputs.of(images[number : number + 1])[0], whole[number])
