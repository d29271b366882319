"""Pools in blocks of channels, ties of maxima, halos, and the forms of float32."""

from __future__ import annotations

import math
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from naive import SCALARS
from volumes import CHANNELS, IMAGES, SIZE, few_numbers, first_maxima, run_backward, volume

from cnn_tui.engine.ops import kernel as kernel_module
from cnn_tui.engine.ops import pool, rows
from cnn_tui.engine.ops.activations import ACTIVATIONS, ActivationKernel, activated
from cnn_tui.engine.ops.elementwise import BiasKernel, DropoutKernel, ZeroPadKernel
from cnn_tui.engine.ops.global_pool import GlobalMaxPoolKernel
from cnn_tui.engine.ops.kernel import Kernel, Mode, Shard, row_blocks, to_hcwn
from cnn_tui.engine.ops.lrn import LRNKernel
from cnn_tui.engine.ops.memory import Arena
from cnn_tui.engine.ops.norm import BatchNormKernel, BatchStatistics
from cnn_tui.engine.ops.normal_tail import normal_tail
from cnn_tui.engine.ops.patches import Geometry
from cnn_tui.engine.ops.pool import MaxPoolKernel
from cnn_tui.engine.ops.rows import ChannelRow, Repeated, SumsTo
from cnn_tui.engine.ops.shaping import ChannelShuffleKernel
from cnn_tui.engine.specs.activations import ELU, GELU, SiLU
from cnn_tui.engine.specs.layers import LRN, Layer, LeakyReLU, ReLU


@pytest.mark.parametrize(
    ("kernel", "stride", "padding"),
    [
        *(((2, 2), (2, 2), 0), ((3, 3), (2, 2), 1), ((3, 3), (1, 1), 1), ((2, 3), (3, 4), 0)),
        *(((5, 1), (1, 1), 0), ((1, 5), (2, 1), 0)),
    ],
)
def test_the_first_of_several_maxima_gets_the_gradient(
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Blocks of two channels, the last of one.
    monkeypatch.setattr(pool, "BLOCK_BYTES", 2 * SIZE * SIZE * IMAGES * 8)
    output = tuple((SIZE + 2 * padding - k) // s + 1 for k, s in zip(kernel, stride, strict=True))
    geometry = Geometry(kernel, stride, (padding, padding), (1, 1), (output[0], output[1]))
    values = few_numbers((SIZE, CHANNELS, SIZE, IMAGES))
    arena = Arena(np.float64)
    shard = Shard(0, slice(0, IMAGES), arena, np.empty(0))
    x = volume(arena, values)
    y = arena.allocate((output[0], CHANNELS, output[1], IMAGES), (1, 1))
    arena.expect_halo(x, (1, 1))
    dy = np.random.default_rng(1).standard_normal(y.shape)
    dx = run_backward(MaxPoolKernel(x, y, geometry, shard), arena, dy)
    assert np.allclose(dx, first_maxima(values, geometry, dy), rtol=0, atol=1e-13)


def test_the_first_of_several_maxima_of_a_volume_gets_the_gradient() -> None:
    values = few_numbers((SIZE, CHANNELS, SIZE, IMAGES))
    arena = Arena(np.float64)
    shard = Shard(0, slice(0, IMAGES), arena, np.empty(0))
    x, y = volume(arena, values), arena.allocate((1, CHANNELS, 1, IMAGES))
    whole = Geometry((SIZE, SIZE), (1, 1), (0, 0), (1, 1), (1, 1))
    dy = np.random.default_rng(1).standard_normal(y.shape)
    dx = run_backward(GlobalMaxPoolKernel(x, y, shard), arena, dy)
    assert np.array_equal(dx, first_maxima(values, whole, dy))


@pytest.mark.parametrize("kind", [GlobalMaxPoolKernel, MaxPoolKernel])
def test_a_volume_that_is_not_a_number_has_a_gradient(kind: type[Kernel]) -> None:
    """A network that diverged is reported, and raises no error of NumPy."""
    arena = Arena(np.float64)
    shard = Shard(0, slice(0, IMAGES), arena, np.empty(0))
    x = volume(arena, np.full((2, CHANNELS, 2, IMAGES), np.nan))
    y = arena.allocate((1, CHANNELS, 1, IMAGES))
    whole = Geometry((2, 2), (1, 1), (0, 0), (1, 1), (1, 1))
    kernel = kind(x, y, shard) if kind is GlobalMaxPoolKernel else kind(x, y, whole, shard)
    run_backward(kernel, arena, np.ones(y.shape))
    assert np.isnan(y).all()


def test_a_shuffle_of_channels_is_a_transposition_of_groups() -> None:
    arena = Arena(np.float64)
    x = volume(arena, np.arange(2.0 * 6 * 4 * 3).reshape(2, 6, 4, 3))
    y = arena.allocate(x.shape)
    dx = run_backward(ChannelShuffleKernel(x, y, 3), arena, x)
    assert np.array_equal(y, x.reshape(2, 3, 2, 4, 3).swapaxes(1, 2).reshape(x.shape))
    assert np.array_equal(dx, x.reshape(2, 2, 3, 4, 3).swapaxes(1, 2).reshape(x.shape))


def test_every_second_pixel_gets_channels_of_zeros() -> None:
    arena, rng = Arena(np.float64), np.random.default_rng(0)
    x, y = volume(arena, rng.random((5, 2, 4, IMAGES))), arena.allocate((3, 6, 2, IMAGES))
    y.fill(np.nan)
    dy, slope = rng.random(y.shape), np.zeros(x.shape)
    dx = run_backward(ZeroPadKernel(x, y, 2), arena, dy)
    slope[::2, :, ::2] = dy[:, :2]
    assert np.array_equal(y[:, :2], x[::2, :, ::2]) and not y[:, 2:].any()
    assert np.array_equal(dx, slope)


@pytest.mark.parametrize("width", [1, SIZE])
def test_halos_stay_zero_where_whole_rows_are_computed(width: int) -> None:
    arena = Arena(np.float32)
    values = np.random.default_rng(0).standard_normal((SIZE, CHANNELS, width, IMAGES))
    x = volume(arena, values, (2, 1))
    bias = np.arange(1, CHANNELS + 1, dtype=np.float32)
    BiasKernel(x, x, bias, np.empty_like(bias), arena).forward()
    padded = arena.padded_view(x, (2, 1))
    assert padded is not None and np.count_nonzero(padded) == np.count_nonzero(x)
    ActivationKernel(x, x, ReLU(), arena).forward()
    expected = np.maximum(values.astype(np.float32) + bias[:, None, None], 0)
    assert np.array_equal(x, expected)
    assert np.count_nonzero(padded) == np.count_nonzero(expected)


def test_a_shard_has_its_part_of_the_batch() -> None:
    shard = Shard(1, slice(5, 8), Arena(np.float32), np.empty(0))
    assert (shard.index, shard.size) == (1, 3)


def test_a_block_has_a_row_at_least(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.empty((3, 2, 2, 2))
    for size, lengths in (
        (0, [1, 1, 1]),
        (rows[0].nbytes, [1, 1, 1]),
        (2 * rows[0].nbytes, [2, 1]),
    ):
        monkeypatch.setattr(kernel_module, "CACHED_BYTES", size)
        assert [len(block) for (block,) in row_blocks(rows)] == lengths


def test_images_and_vectors_as_they_are_stored() -> None:
    images = np.arange(120).reshape(2, 3, 4, 5)
    assert (
        to_hcwn(images).shape == (4, 3, 5, 2) and to_hcwn(images)[1, 2, 3, 0] == images[0, 2, 1, 3]
    )
    assert to_hcwn(images[:, :, 0, 0]).shape == (1, 3, 1, 2)


def test_a_network_begins_at_step_0_of_seed_0() -> None:
    """Masks of dropout go by both."""
    assert Mode() == Mode(training=True, step=0, seed=0, dropout=None)


@pytest.mark.parametrize("training", [True, False])
def test_statistics_of_shards_are_those_of_the_batch(training: bool) -> None:
    rng, arena, count = np.random.default_rng(0), Arena(np.float64), SIZE * SIZE * 5
    batch, dbatch = rng.standard_normal((2, SIZE, CHANNELS, SIZE, 5))
    gamma, beta = (
        SimpleNamespace(storage=n, storage_grad=0 * n) for n in rng.random((2, CHANNELS))
    )
    running = rng.random((2, CHANNELS)) + 1
    mean, variance = batch.mean((0, 2, 3)), batch.var((0, 2, 3))
    expected = [0.75 * running[0] + 0.25 * mean]
    expected.append(0.75 * running[1] + 0.25 * variance * count / (count - 1))
    if not training:
        mean, variance = running.copy()
    statistics = BatchStatistics(
        gamma, beta, (running[0], running[1]), 1e-3, 0.25, Mode(training=training)
    )
    std = np.sqrt(variance + 1e-3)[:, None, None]
    kernels = []
    for part in (slice(0, 3), slice(3, 5)):
        x = volume(arena, batch[..., part])
        kernels.append(BatchNormKernel(x, arena.allocate(x.shape), statistics, arena))
        kernels[-1].plan_backward(
            volume(arena, dbatch[..., part]), arena, needs_input_grad=True, can_overwrite_grad=False
        )
        kernels[-1].sum_forward()
    statistics.combine_forward()
    normal = (batch - mean[:, None, None]) / std
    for kernel in kernels:
        kernel.forward()
        kernel.sum_backward()
    statistics.combine_backward()
    for kernel in kernels:
        kernel.backward()
    y, dx = (np.concatenate([getattr(k, name) for k in kernels], axis=3) for name in ("y", "dx"))
    scale = gamma.storage[:, None, None]
    close = partial(np.testing.assert_allclose, rtol=0, atol=1e-12)
    close(y, scale * normal + beta.storage[:, None, None])
    dgamma, dbeta = (dbatch * normal).sum((0, 2, 3)), dbatch.sum((0, 2, 3))
    close(gamma.storage_grad, dgamma)
    close(beta.storage_grad, dbeta)
    sums = (dbeta[:, None, None] + normal * dgamma[:, None, None]) / count
    close(dx, scale / std * (dbatch - sums * training))
    if training:
        statistics.commit()
        close(running, expected)


@pytest.mark.parametrize("images", [1, 2])
def test_statistics_of_hardly_any_or_of_equal_values(images: int) -> None:
    """The variance is unbiased where there are two values, and never below zero."""
    arena, ones = Arena(np.float32), np.ones(33, np.float32)
    parameter = SimpleNamespace(storage=ones, storage_grad=ones.copy())
    running = np.zeros(33), np.zeros(33)
    statistics = BatchStatistics(parameter, parameter, running, 1e-9, 1.0, Mode())
    values = np.array([[1.0, 3.0], *np.repeat(np.linspace(1e3, 2e4, 32), 2).reshape(32, 2)])
    x = volume(arena, values[:, :images].reshape(1, 33, 1, images))
    kernel = BatchNormKernel(x, arena.allocate(x.shape), statistics, arena)
    kernel.sum_forward()
    statistics.combine_forward()
    kernel.forward()
    statistics.commit()
    assert np.isfinite(kernel.y).all()
    assert running[1][0] == 2 * (images - 1) and (running[1] >= 0).all()


@pytest.mark.parametrize(
    ("height", "long", "is_row"), [(3, 22, 0), (4, 22, 1), (4, 21, 0), (4, 20, 0)]
)
def test_a_row_of_values_multiplies_as_the_values_do(
    height: int, long: int, is_row: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "LONG_RUN", long)
    arena = Arena(np.float64)
    x = volume(arena, np.ones((height, CHANNELS, SIZE, IMAGES)))
    values = np.arange(CHANNELS, dtype=float).reshape(1, -1, 1, 1)
    (row,) = ChannelRow.several((values,), x, arena)
    assert np.array_equal(x * row.filled(), x * values)
    assert arena.bytes == x.nbytes + is_row * x[0].nbytes


def test_columns_are_repeated_in_memory_that_others_share() -> None:
    arena, like = Arena(np.float64), np.ones((4, CHANNELS, SIZE, IMAGES))
    gate, whole = np.random.default_rng(0).random((4, 1, 1, IMAGES)), 2 * like
    for _ in range(2):
        one, other = Repeated.several((gate, whole), like, arena)
        assert np.array_equal(like * one.filled(), like * gate) and other.filled() is whole
        assert arena.bytes == SIZE * gate.nbytes


@pytest.mark.parametrize("size", range(1, 9))
def test_a_response_norm_goes_by_a_window_of_channels(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = LRN(size=size, alpha=0.3, beta=0.6, k=1.5)
    arena, rng = Arena(np.float64), np.random.default_rng(size)
    x = volume(arena, rng.standard_normal((5, CHANNELS, SIZE, IMAGES)))
    y, dy = arena.allocate(x.shape), rng.standard_normal(x.shape)
    monkeypatch.setattr(kernel_module, "CACHED_BYTES", 2 * x[0].nbytes)
    dx = run_backward(LRNKernel(x, y, arena, layer), arena, dy)
    first = np.arange(CHANNELS)[:, None] - size // 2
    near = (first <= np.arange(CHANNELS)) & (np.arange(CHANNELS) < first + size)
    base = layer.k + layer.alpha * np.einsum("cd,hdwn->hcwn", near, x * x)
    power = base**-layer.beta
    spread = np.einsum("cd,hcwn->hdwn", near, dy * x * power / base)
    np.testing.assert_allclose(y, x * power, rtol=0, atol=1e-13)
    expected = dy * power - 2 * layer.alpha * layer.beta * x * spread
    np.testing.assert_allclose(dx, expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("training", [True, False])
def test_dropout_scales_gradients_as_it_scales_values(training: bool) -> None:
    arena, mode = Arena(np.float64), Mode(training=training)
    shard = Shard(0, slice(0, IMAGES), arena, np.empty(0))
    x = volume(arena, np.ones((SIZE, CHANNELS, SIZE, IMAGES)))
    y = arena.allocate(x.shape)
    dx = run_backward(DropoutKernel(x, y, 0.75, 0, mode, shard), arena, np.ones(x.shape))
    assert np.array_equal(dx, y) and set(y.ravel()) == ({0, 4} if training else {1})


@pytest.mark.parametrize("images", [1, 3])
@pytest.mark.parametrize("axes", [(1, 5, 1), (7, 1, 7), (7, 5, 1), (1, 1, 1), (1, 5, 7)])
def test_sums_go_along_the_axes_that_are_one(axes: tuple[int, ...], images: int) -> None:
    arena, shape = Arena(np.float64), (*axes, images)
    x = volume(arena, np.random.default_rng(0).standard_normal((SIZE, CHANNELS, SIZE, images)))
    ones = tuple(axis for axis in range(3) if shape[axis] == 1)
    expected = x.sum(axis=ones, keepdims=True)
    assert np.allclose(SumsTo(shape, x, arena).of(x), expected, rtol=0, atol=1e-13)


def test_the_tail_in_float32_is_exact_to_its_precision() -> None:
    a = np.linspace(0, 12, 10_001, dtype=np.float32)
    tail, scratch = np.empty_like(a), np.empty_like(a)
    normal_tail(a, tail, scratch)
    expected = np.array([math.erfc(value / math.sqrt(2)) / 2 for value in a.tolist()])
    # The fit has 2.5e-8; a**2 / 2 up to 72 is rounded to 4e-6, and exp gives that on; the sums of
    # the polynomial add a few roundings of 6e-8.
    assert np.abs(tail - expected).max() < 2e-7
    assert np.abs(tail / expected - 1).max() < 1e-5


@pytest.mark.parametrize("layer", [GELU(), GELU(approximate="none"), SiLU()], ids=str)
def test_a_gate_is_half_open_at_zero(layer: Layer) -> None:
    """It is found as ``y / x``."""
    arena = Arena(np.float64)
    x = volume(arena, np.array([0.0, -0.0, 1.0]).reshape(1, 1, 1, 3))
    y = arena.allocate(x.shape)
    with np.errstate(invalid="ignore"):
        dx = run_backward(ActivationKernel(x, y, layer, arena), arena, np.ones(x.shape))
    assert dx[..., :2].ravel().tolist() == [0.5, 0.5] and dx[..., 2] > 0.9


RULES: tuple[Layer, ...] = (
    *(kind() for kind in ACTIVATIONS),
    *(ELU(alpha=alpha) for alpha in (0.0, 0.3)),
    GELU(approximate="none"),
    LeakyReLU(negative_slope=0.3),
)


@pytest.mark.parametrize("layer", RULES, ids=str)
def test_values_and_slopes_are_those_of_the_formula(
    layer: Layer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Far from zero as well, in uneven blocks of rows, with halos that stay zero."""
    arena, step = Arena(np.float64), 1e-6
    values = (np.arange(-84, 84) / 10 + 0.05).reshape(7, 3, 2, 4)
    x = volume(arena, values, (1, 1))
    y = x if ACTIVATIONS[type(layer)].saves == "y" else arena.allocate(values.shape, (1, 1))
    monkeypatch.setattr(kernel_module, "CACHED_BYTES", 5 * values[0].nbytes)
    dx = run_backward(ActivationKernel(x, y, layer, arena), arena, np.ones(x.shape))
    expected = np.vectorize(partial(SCALARS[type(layer)], layer))(values)
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-14)
    padded = arena.padded_view(y, (1, 1))
    assert padded is not None and np.count_nonzero(padded) == np.count_nonzero(y)
    slope = (activated(layer, values + step) - activated(layer, values - step)) / (2 * step)
    np.testing.assert_allclose(dx, slope, rtol=0, atol=1e-8)


def test_an_activation_takes_no_more_memory_than_it_needs() -> None:
    arena = Arena(np.float32)
    x = arena.allocate((7, 3, 2, 4))
    before = arena.bytes
    ActivationKernel(x, x, ReLU(), arena)
    assert arena.bytes == before + x[0].nbytes  # The zeros of one row.
