"""The kernels of a convolution by themselves, each with many windows, against sums over windows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from samples import network, random_images, random_targets
from test_ops_geometry import pairs_of_windows, seen_by
from volumes import volume

from cnn_tui.engine.build import build
from cnn_tui.engine.layers import conv as conv_layer
from cnn_tui.engine.ops import banded, conv, gathered, patches, products, winograd
from cnn_tui.engine.ops.banded import BandedConvKernel
from cnn_tui.engine.ops.bands import TILE, BandedWeights, forward_band
from cnn_tui.engine.ops.conv import ConvKernel
from cnn_tui.engine.ops.filters import ConvWeights
from cnn_tui.engine.ops.gathered import GatheredConvKernel
from cnn_tui.engine.ops.kernel import as_rows
from cnn_tui.engine.ops.memory import Arena, Array
from cnn_tui.engine.ops.patches import Geometry
from cnn_tui.engine.ops.products import Products, WeightGradient
from cnn_tui.engine.ops.strided import StridedGradient
from cnn_tui.engine.specs.layers import Conv

IMAGES, SIZE = 3, (7, 6)


class Way(NamedTuple):
    """A kernel and the channels that it gets: in, out, groups."""

    kernel: type[ConvKernel | GatheredConvKernel | BandedConvKernel]
    channels: tuple[int, int, int] = (3, 4, 1)
    few: int = 1 << 20
    """Bound above which rows are shifted, and channels transformed."""
    has_halo: bool = False


WAYS = {
    "copied": Way(ConvKernel),
    "shifted": Way(ConvKernel, has_halo=True),
    "winograd": Way(ConvKernel, few=0, has_halo=True),
    "gathered": Way(GatheredConvKernel),
    "banded": Way(BandedConvKernel, (4, 6, 2)),
    "depthwise": Way(BandedConvKernel, (2, 2, 2)),
    "depthwise, more filters": Way(BandedConvKernel, (2, 6, 2)),
}


def expected(
    x: np.ndarray, weight: np.ndarray, dy: np.ndarray, geometry: Geometry, groups: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Output, gradient of the weights and of the input."""
    seen = seen_by(x, geometry)
    y, dweight, dseen = np.empty_like(dy), np.empty_like(weight), np.empty_like(seen)
    depth, filters = x.shape[1] // groups, weight.shape[3] // groups
    for group in range(groups):
        into, out = (slice(group * n, (group + 1) * n) for n in (depth, filters))
        bank, part, slope = weight[..., out], seen[:, :, :, into], dy[:, out]
        y[:, out] = np.einsum("hijcwn,ijcf->hfwn", part, bank, optimize=True)
        dweight[..., out] = np.einsum("hijcwn,hfwn->ijcf", part, slope, optimize=True)
        dseen[:, :, :, into] = np.einsum("hfwn,ijcf->hijcwn", slope, bank, optimize=True)
    places = np.arange(1.0, 1 + x[:, :1, :, :1].size).reshape(x[:, :1, :, :1].shape)
    at = seen_by(places, geometry)[:, :, :, 0, :, 0].astype(int)
    sums = np.zeros((places.size + 1, *dseen.shape[3::2]))
    np.add.at(sums, at, dseen.transpose(0, 1, 2, 4, 3, 5))
    return y, dweight, sums[1:].reshape(*SIZE, x.shape[1], IMAGES).transpose(0, 2, 1, 3)


def passed(
    way: Way, x: np.ndarray, weight: np.ndarray, dy: np.ndarray, geometry: Geometry
) -> tuple[Array, Array, Array]:
    """The same by a kernel, twice run, with rubbish in all scratch arrays."""
    arena = Arena(np.float64)
    weights: ConvWeights | BandedWeights = ConvWeights(weight)
    if way.kernel is BandedConvKernel:
        weights = BandedWeights(weight, way.channels[2])
    x = volume(arena, x, geometry.padding if way.has_halo else (0, 0))
    others = (1, 2) if geometry.padding[1] else (0, 0)
    """The halos of what is written, for operations that come after."""
    y = arena.allocate(dy.shape, others)
    arena.expect_halo(x, others)
    kernel = way.kernel(x, y, weights, np.empty_like(weight), geometry, arena)
    if way.has_halo and geometry.dense:
        arena.expect_halo(y, geometry.transposed((x.shape[0], x.shape[2])).padding)
    gradient = arena.gradient_of(y)
    halo = arena._padding_of(gradient).outer
    kernel.plan_backward(gradient, arena, needs_input_grad=True, can_overwrite_grad=False)
    weights.refresh()
    for _ in range(2):
        for block in arena._free:
            block.fill(np.nan)
        kernel.forward()
        halo.fill(np.nan)
        gradient[...] = dy
        kernel.backward()
    around = arena.padded_view(y, others)
    assert kernel.dx is not None and around is not None
    assert np.count_nonzero(around) == np.count_nonzero(y)
    return y, kernel.dweight, kernel.dx


@pytest.mark.parametrize("size", [1, 1 << 10, 1 << 20])
@pytest.mark.parametrize("name", WAYS)
def test_a_convolution_is_a_sum_over_windows(
    name: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    way = WAYS[name]
    channels, filters, groups = way.channels
    monkeypatch.setattr(patches, "FEW_ROWS", 0 if way.has_halo else 1 << 20)
    monkeypatch.setattr(winograd, "FEWEST_CHANNELS", way.few)
    monkeypatch.setattr(patches, "COPIED_BYTES", size)
    monkeypatch.setattr(products, "PARTIAL_BYTES", size)
    for module in (gathered, products, banded):
        monkeypatch.setattr(module, "BLOCK_BYTES", size)
    rng = np.random.default_rng(size)
    x = rng.standard_normal((SIZE[0], channels, SIZE[1], IMAGES))
    for geometry in pairs_of_windows(SIZE, 1 if way.has_halo else 4):
        weight = rng.standard_normal((*geometry.kernel, channels // groups, filters))
        dy = rng.standard_normal((geometry.output[0], filters, geometry.output[1], IMAGES))
        y, dweight, dx = expected(x, weight, dy, geometry, groups)
        found = passed(way, x, weight, dy, geometry)
        for one, other in zip(found, (y, dweight.reshape(found[1].shape), dx), strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-11, err_msg=str(geometry))


@pytest.mark.parametrize("name", WAYS)
def test_layers_share_their_scratch_arrays(name: str) -> None:
    way, arena = WAYS[name], Arena(np.float32)
    channels, filters, groups = way.channels
    geometry = Geometry((3, 3), (2, 2), (1, 1), (1, 1), (4, 3))
    x, y = arena.allocate((7, channels, 6, IMAGES)), arena.allocate((4, filters, 3, IMAGES))
    weight, sizes = np.ones((3, 3, channels // groups, filters), np.float32), []
    for _ in range(3):
        weights = BandedWeights(weight, groups) if name[:2] in ("ba", "de") else ConvWeights(weight)
        kernel = way.kernel(x, y, weights, np.empty_like(weight), geometry, arena)
        sizes.append(arena.bytes)
        kernel.plan_backward(y, arena, needs_input_grad=True, can_overwrite_grad=False)
        arena.release(kernel.dx)
        sizes.append(arena.bytes)
    assert len(set(sizes[1:])) == 1


@pytest.mark.parametrize(("size", "rows"), [(0, 1), (1, 1), (2, 2), (5, 5), (100, 7)])
def test_as_many_rows_are_added_up_as_stay_in_cache(
    size: int, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patches, "FEW_ROWS", 0)
    arena, weight = Arena(np.float64), np.empty((3, 2, 4, 5))
    x, y = arena.allocate((9, 4, 6, IMAGES), (0, 1)), np.empty((7, 5, 7, IMAGES))
    geometry = Geometry((3, 2), (1, 1), (0, 1), (1, 1), (7, 7))
    monkeypatch.setattr(products, "BLOCK_BYTES", size * y[0].nbytes)
    monkeypatch.setattr(products, "PARTIAL_BYTES", size * 3 * weight[0, 0].nbytes)
    before = arena.bytes
    Products(ConvWeights(weight).blocks, x, geometry, y, arena)
    assert arena.bytes == before + rows * y[0].nbytes
    arena, before = Arena(np.float64), 0
    x = arena.allocate((9, 4, 6, IMAGES), (0, 1))
    before = arena.bytes
    WeightGradient(x, geometry, as_rows(y), weight, arena)
    assert arena.bytes == before + rows * 3 * weight[0, 0].nbytes


def test_one_product_is_no_sum() -> None:
    """It needs no memory to add up."""
    arena, y = Arena(np.float64), np.empty((7, 5, 6, IMAGES))
    x, weight = arena.allocate((9, 4, 6, IMAGES)), np.empty((3, 1, 4, 5))
    before = arena.bytes
    geometry = Geometry((3, 1), (1, 1), (0, 0), (1, 1), (7, 6))
    Products(ConvWeights(weight).blocks, x, geometry, y, arena)
    assert arena.bytes == before


@pytest.mark.parametrize(("filters", "stride", "tile"), [(3, 1, 1), (3, 2, 1), (1, 2, TILE)])
@pytest.mark.parametrize(("size", "count"), [(0, 1), (1, 1), (1.9, 1), (2, 2), (4, 4), (99, 5)])
def test_as_many_groups_are_computed_together_as_stay_in_cache(
    size: float,
    count: int,
    filters: int,
    stride: int,
    tile: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    groups, height, width = 5, 10 // stride, 6 // stride
    weight = np.empty((3, 2, 2, filters * groups))
    geometry = Geometry((3, 2), (stride, stride), (1, 0), (1, 1), (height, width))
    row = 2 * 2 * width * IMAGES  # Columns, channels of a group, pixels.
    tiles, reach = -(-height // tile), (tile - 1) * stride + 3
    rows, matrix = (tiles - 1) * tile * stride + reach, filters * reach * 2 * 2
    # The copied rows, and for each row of the output the gradient of its matrix.
    group = 8 * (rows * row + height * matrix)
    monkeypatch.setattr(banded, "BLOCK_BYTES", int(size * group))
    x = np.empty((10, 2 * groups, 7, IMAGES))
    y = np.empty((height, filters * groups, width, IMAGES))
    forward, backward = Arena(np.float64), Arena(np.float64)
    weights = BandedWeights(weight, groups)
    kernel = BandedConvKernel(x, y, weights, weight, geometry, forward)
    assert forward.bytes == 8 * count * rows * row
    kernel.bind_gradients(y, None, backward)
    assert backward.bytes == count * group + 8 * groups * tile * matrix


def test_groups_at_the_beginning_of_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """They need no gradient of their input, whichever kernel they get."""
    found = []
    for narrow in (0, 32):
        monkeypatch.setattr(conv_layer, "NARROW", narrow)
        described = network((4, 5, 5), Conv(out_channels=6, groups=2), classes=3)
        model = build(described, dtype=np.float64)
        model.train_batch(random_images((4, 5, 5), 3), random_targets(3, 3))
        found.append(model.store.grad.copy())
    np.testing.assert_allclose(*found, rtol=0, atol=1e-12)
    assert found[0].any()


def test_a_form_of_the_weights_is_made_once_and_counted() -> None:
    weight = np.ones((3, 2, 4, 6), np.float32)
    weights = ConvWeights(weight)
    weights.blocks(1)  # The bank itself.
    assert weights.form_bytes == 0
    for _ in range(2):
        weights.flipped_blocks(2)
        weights.points()
        assert weights.form_bytes == weight.nbytes + 6 * weight[0].nbytes
    groups = BandedWeights(weight, 2)
    band = forward_band(Geometry((3, 2), (1, 1), (0, 0), (1, 1), (4, 4)), 4)
    assert groups.matrices(band).nbytes == groups.matrices(band).nbytes == groups.form_bytes


def test_the_kernel_goes_by_the_bank_and_the_row() -> None:
    """A bank that outgrows the cache is read once where rows are short."""
    wide = Geometry((1, 1), (2, 2), (0, 0), (1, 1), (4, 64))
    bank = np.empty((1, 1, 513, 512), np.float32)
    assert bank.nbytes > conv.LARGE_BANK
    assert conv.choose_conv_kernel(bank, wide, 3) is GatheredConvKernel
    assert all(conv.choose_conv_kernel(bank, wide, images) is ConvKernel for images in (4, 5))
    for less in (bank[:, :, 1:], bank[:, :, 2:]):
        assert conv.choose_conv_kernel(less, wide, 3) is ConvKernel


@pytest.mark.parametrize("dilation", [(1, 1), (2, 1), (1, 2)])
def test_a_gradient_goes_by_phases_unless_windows_are_dilated(dilation: tuple[int, int]) -> None:
    arena, weight = Arena(np.float32), np.ones((3, 3, 2, 4), np.float32)
    output = tuple((size - 2 * step) // 2 + 1 for size, step in zip((8, 7), dilation, strict=True))
    geometry = Geometry((3, 3), (2, 2), (1, 1), dilation, output)
    x, y = arena.allocate((7, 2, 6, IMAGES)), arena.allocate((output[0], 4, output[1], IMAGES))
    kernel = ConvKernel(x, y, ConvWeights(weight), np.empty_like(weight), geometry, arena)
    kernel.plan_backward(y, arena, needs_input_grad=True, can_overwrite_grad=False)
    assert isinstance(kernel.dx_products, StridedGradient) == (dilation == (1, 1))
