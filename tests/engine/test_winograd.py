"""Winograd's filtering in float32: its error is what its transforms make of the rounding."""

from __future__ import annotations

import numpy as np
import pytest

from cnn_tui.engine.ops import winograd
from cnn_tui.engine.ops.filters import ConvWeights
from cnn_tui.engine.ops.memory import Arena, Array
from cnn_tui.engine.ops.patches import Geometry
from cnn_tui.engine.ops.winograd import (
    BT,
    POINTS,
    WinogradProducts,
    WinogradWeightGradient,
    output_transform,
    padded_rows,
    tap_transform,
    winograd_applies,
)


@pytest.mark.parametrize("kernel", [2, 3, 4, 5])
@pytest.mark.parametrize("channels", [16, 64, 256])
def test_error_in_float32(kernel: int, channels: int) -> None:
    rng = np.random.default_rng(kernel)
    rows, width, filters = POINTS + 1 - kernel, 8, 32
    x = rng.standard_normal((POINTS, channels, width + 2, 4), np.float32)
    weight = rng.standard_normal((kernel, 3, channels, filters), np.float32)
    y = np.empty((rows, filters, width, 4), np.float32)
    weights = ConvWeights(weight)
    geometry = Geometry((kernel, 3), (1, 1), (0, 0), (1, 1), (rows, width))
    products = WinogradProducts(weights.points(), x, geometry, y, Arena(np.float32))
    weights.refresh()
    products.run()

    windows = np.lib.stride_tricks.sliding_window_view(x.astype(float), 3, axis=2)
    exact = sum(
        np.einsum("kcf,rcwnk->rfwn", weight[kh].astype(float), windows[kh : kh + rows])
        for kh in range(kernel)
    )
    # A term is rounded three times: in both transforms and in the product. Were all roundings of
    # one sign and as large as they can be, the error would be 1.5 eps of the sum of the terms
    # without their signs. They are not: a third of that is ample.
    taps = np.abs(tap_transform(kernel)) @ np.abs(weight.reshape(kernel, -1).astype(float))
    values = np.einsum("ph,hcwnk->pcwnk", np.abs(BT), np.abs(windows))
    terms = np.einsum("pkcf,pcwnk->pfwn", taps.reshape(POINTS, *weight.shape[1:]), values)
    largest = np.einsum("rp,pfwn->rfwn", np.abs(output_transform(kernel)), terms)
    assert (np.abs(y - exact) <= 0.5 * np.finfo(np.float32).eps * largest).all()


@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("height", [8, 11, 16])
def test_tiles_computed_together_are_those_computed_one_by_one(
    monkeypatch: pytest.MonkeyPatch, height: int, dilation: int
) -> None:
    rng = np.random.default_rng(height)
    x = rng.standard_normal((height + 2 * dilation, 16, 6 + 2 * dilation, 4), np.float32)
    dy = rng.standard_normal((height, 24, 24), np.float32)
    weights = ConvWeights(rng.standard_normal((3, 3, 16, 24), np.float32))
    geometry = Geometry((3, 3), (1, 1), (0, 0), (dilation, dilation), (height, 6))

    def computed(batch_bytes: int) -> tuple[int, list[bytes]]:
        monkeypatch.setattr(winograd, "BATCH_BYTES", batch_bytes)
        y, dweight = np.empty((height, 24, 6, 4), np.float32), np.empty_like(weights.weight)
        products = WinogradProducts(weights.points(), x, geometry, y, Arena(np.float32))
        gradient = WinogradWeightGradient(x, geometry, dy, dweight, Arena(np.float32))
        weights.refresh()
        products.run()
        gradient.run()
        return products.tiles.most, [y.tobytes(), dweight.tobytes()]

    one, alone = computed(0)
    several, together = computed(1 << 20)
    assert (one, several) == (1, height // dilation // 4)
    assert together == alone


@pytest.mark.parametrize("filters", [2, 9])
@pytest.mark.parametrize(("size", "tiles"), [(0, 1), (1, 1), (1.9, 1), (2, 2), (3, 3), (99, 4)])
def test_as_many_tiles_are_computed_together_as_stay_in_cache(
    filters: int, size: float, tiles: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, channels = 3, 4
    padded, dy = np.empty((18, channels, 8, images)), np.empty((16, filters, 7 * images))
    geometry = Geometry((3, 2), (1, 1), (0, 0), (1, 1), (16, 7))
    weights = ConvWeights(np.empty((3, 2, channels, filters)))
    row, pixels = padded[0].size, dy[0].size
    monkeypatch.setattr(winograd, "BATCH_BYTES", int(size * 8 * POINTS * max(row, pixels)))
    arena = Arena(np.float64)
    y = np.empty((16, filters, 7, images))
    found = WinogradProducts(weights.points(), padded, geometry, y, arena)
    whole, rest = divmod(4, tiles)
    batches = [tiles] * whole + [rest] * (rest > 0)
    assert [batch.tiles for batch in found.tiles.batches] == batches
    assert arena.bytes == 8 * tiles * POINTS * (row + 2 * pixels)
    arena = Arena(np.float64)
    WinogradWeightGradient(padded, geometry, dy, weights.weight, arena)
    taps, columns = POINTS * channels * filters, 2 if size else 1
    assert arena.bytes == 8 * (tiles * POINTS * (row + pixels) + (2 + tiles * columns) * taps)


@pytest.mark.parametrize("columns", [2, 3])
@pytest.mark.parametrize("is_less", [False, True])
def test_columns_are_multiplied_together_where_their_products_stay_in_cache(
    columns: int, is_less: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    padded, dy = np.empty((10, 8, 4, 1)), np.empty((8, 9, 5 - columns))
    geometry = Geometry((3, columns), (1, 1), (0, 0), (1, 1), (8, 5 - columns))
    weight, tiles = np.empty((3, columns, 8, 9)), 2
    bank = POINTS * weight[0, 0].nbytes
    monkeypatch.setattr(winograd, "BATCH_BYTES", columns * tiles * bank - is_less)
    arena, together = Arena(np.float64), 1 if is_less else columns
    WinogradWeightGradient(padded, geometry, dy, weight, arena)
    pixels = tiles * POINTS * (padded[0].nbytes + dy[0].nbytes)
    assert arena.bytes == pixels + (columns + tiles * together) * bank


@pytest.mark.parametrize(
    ("kernel", "rows", "dilation", "stride", "channels", "applies"),
    [
        *(
            (kernel, 7 - kernel, (1, 1), (1, 1), (4, 4), kernel in (2, 3, 4, 5))
            for kernel in range(1, 7)
        ),
        *((kernel, 6 - kernel, (1, 1), (1, 1), (4, 4), False) for kernel in (2, 3, 4, 5)),
        *((3, rows, (2, 1), (1, 1), (4, 4), rows == 8) for rows in (7, 8)),
        (3, 4, (1, 2), (1, 1), (4, 4), True),
        (3, 9, (1, 1), (1, 1), (6, 5), True),
        *((3, 9, (1, 1), stride, (4, 4), False) for stride in ((1, 2), (2, 1))),
        *((3, 4, (1, 1), (1, 1), channels, False) for channels in ((3, 4), (4, 3))),
    ],
)
def test_it_applies_where_a_tile_saves_products(
    kernel: int,
    rows: int,
    dilation: tuple[int, int],
    stride: tuple[int, int],
    channels: tuple[int, int],
    applies: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(winograd, "FEWEST_CHANNELS", 4)
    geometry = Geometry((kernel, 3), stride, (1, 2), dilation, (rows, 9))
    assert winograd_applies(geometry, np.empty((kernel, 3, *channels))) == applies


def test_rows_are_read_with_their_halo_or_not_at_all() -> None:
    arena, weight = Arena(np.float32), np.empty((3, 3, 16, 16))
    geometry = Geometry((3, 3), (1, 1), (1, 1), (1, 1), (6, 6))

    def shape_of(x: Array, bank: Array = weight) -> tuple[int, ...] | None:
        padded = padded_rows(x, geometry, bank, arena)
        return None if padded is None else padded.shape

    x = arena.allocate((6, 32, 6, 2), (1, 1))
    assert shape_of(x) == (8, 32, 8, 2) and shape_of(x, weight[:, :, 1:]) is None
    assert shape_of(arena.split(x, 2)[1]) == (8, 16, 8, 2)
    # Of a wider halo only a part is read; a narrower one has too few zeros.
    assert shape_of(arena.allocate((6, 32, 6, 2), (1, 2))) is None
    assert shape_of(arena.allocate((6, 32, 6, 2), (1, 0))) is None
