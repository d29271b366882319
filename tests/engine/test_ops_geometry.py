"""Which places windows read: the arithmetic of the kernels against every place one by one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
import pytest
from volumes import first_maxima, run_backward, volume

from cnn_tui.engine.ops import gathered, patches, pool
from cnn_tui.engine.ops.bands import backward_band, forward_band
from cnn_tui.engine.ops.gathered import clipped, gather
from cnn_tui.engine.ops.kernel import Shard
from cnn_tui.engine.ops.memory import Arena, Array
from cnn_tui.engine.ops.patches import (
    Geometry,
    Im2col,
    ShiftedViews,
    as_items,
    copied_patches,
    find_patches,
    taps,
)
from cnn_tui.engine.ops.planes import Planes, rows_shape
from cnn_tui.engine.ops.pool import AvgPoolKernel, MaxPoolKernel
from cnn_tui.engine.ops.strided import phases

Window = tuple[int, int, int, int]
"""Kernel, stride, padding and dilation along an axis."""
WINDOWS = list(itertools.product(range(1, 5), range(1, 5), range(4), range(1, 4)))


def along(window: Window, outputs: int) -> Geometry:
    """A window along the height; along the width it has other numbers, which may not count."""
    kernel, stride, padding, dilation = window
    return Geometry((kernel, 7), (stride, 9), (padding, 11), (dilation, 13), (outputs, 17))


def reads(window: Window, outputs: Iterator[int] | range, size: int) -> set[tuple[int, int, int]]:
    """Output, tap and place in an input of ``size``, for every tap of every output."""
    kernel, stride, padding, dilation = window
    places = (
        (output, tap, output * stride + tap * dilation - padding)
        for output in outputs
        for tap in range(kernel)
    )
    return {place for place in places if 0 <= place[2] < size}


@pytest.mark.parametrize("tile", [1, 2, 4, 6])
def test_bands_list_what_each_row_is_made_of(tile: int) -> None:
    for window in WINDOWS:
        geometry, (_, stride, padding, _) = along(window, 1), window
        band = forward_band(geometry, tile)
        assert (band.tile, band.step, band.lead) == (tile, tile * stride, padding)
        found = {
            (t * tile + row, tap, t * band.step + read - band.lead)
            for t in range(-20, 20)
            for row, read, tap in band.uses
        }
        inner = {place for place in found if 0 <= place[2] < 9}
        assert inner == reads(window, range(-20 * tile, 20 * tile), 9), window
        places = [read for _, read, _ in band.uses]
        assert (min(places), max(places)) == (0, band.reach - 1)

        band = backward_band(geometry, tile)
        assert band.tile % stride == 0 and band.rotated
        found = {
            (t * band.step + read - band.lead, tap, t * band.tile + row)
            for t in range(-20, 20)
            for row, read, tap in band.uses
        }
        inner = {place for place in found if 0 <= place[2] < 9}
        assert inner == reads(window, range(-30, 30), 9), window
        places = [read for _, read, _ in band.uses]
        assert (min(places), max(places)) == (0, band.reach - 1)


def test_a_tap_reads_inside_the_input_only() -> None:
    for window, size, outputs in itertools.product(WINDOWS, (1, 3, 8), (1, 4)):
        geometry, found = along(window, outputs), set()
        for tap in range(window[0]):
            places, inputs = taps(size, geometry, 0, tap)
            pairs = zip(range(places.start, places.stop), span(inputs), strict=True)
            found |= {(output, tap, place) for output, place in pairs}
        assert found == reads(window, range(outputs), size)


def span(places: slice) -> range:
    return range(places.start, places.stop, places.step or 1)


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "dilation", "is_dense"),
    [
        *((3, (1, 1), padding, 1, padding <= 2) for padding in range(4)),
        *((3, (1, 1), padding, 2, padding <= 4) for padding in (4, 5)),
        *((1, (1, 1), padding, 1, padding == 0) for padding in (0, 1)),
        *((3, stride, 1, 1, False) for stride in ((1, 2), (2, 1), (2, 2))),
    ],
)
def test_the_gradient_is_a_convolution_where_no_padding_is_too_wide(
    kernel: int, stride: tuple[int, int], padding: int, dilation: int, is_dense: bool
) -> None:
    along, across = (kernel, padding, dilation), (7, 0, 1)
    for axes in ((along, across), (across, along)):
        high, wide, apart = zip(*axes, strict=True)
        assert Geometry(high, stride, wide, apart, (1, 1)).dense == is_dense


def test_a_block_of_rows_gets_its_part_of_a_tap() -> None:
    for window, low, high in itertools.product(WINDOWS, (0, 1, 3), (4, 5)):
        geometry, found = along(window, 5), set()
        for tap in range(window[0]):
            rows, inputs = clipped(taps(8, geometry, 0, tap), slice(low, high), window[1])
            pairs = zip(range(rows.start, rows.stop), span(inputs), strict=True)
            found |= {(row + low, tap, place) for row, place in pairs}
        assert found == reads(window, range(low, high), 8)


def test_a_phase_is_a_window_of_stride_one() -> None:
    for kernel, stride, padding, _ in WINDOWS:
        found = set()
        for number, phase in enumerate(phases(kernel, stride, padding)):
            assert phase.first == number
            for place, step in itertools.product(range(5), range(phase.taps)):
                tap = phase.tap + (phase.taps - 1 - step) * stride
                found.add((phase.begin + place + step, tap, phase.first + place * stride))
        assert found == reads((kernel, stride, padding, 1), range(-9, 30), 5 * stride)


def pairs_of_windows(size: tuple[int, int], most_stride: int = 4) -> Iterator[Geometry]:
    """Each window along the height, another along the width, where one fits into ``size``."""
    windows = [window for window in WINDOWS if window[1] <= most_stride]
    for number, height in enumerate(windows):
        pairs = tuple(zip(height, windows[(number * 29 + number // 3) % len(windows)], strict=True))
        kernel, stride, padding, dilation = pairs
        free = [
            n + 2 * p - d * (k - 1) - 1
            for n, k, p, d in zip(size, kernel, padding, dilation, strict=True)
        ]
        if min(free) >= 0:
            output = (free[0] // stride[0] + 1, free[1] // stride[1] + 1)
            yield Geometry(kernel, stride, padding, dilation, output)


def seen_by(x: np.ndarray, geometry: Geometry) -> np.ndarray:
    """What windows see, ``(OH, KH, KW, C, OW, N)``."""
    high, wide = geometry.padding
    padded = np.pad(x, ((high, high), (0, 0), (wide, wide), (0, 0)))
    rows, columns = (
        np.arange(outputs)[:, None] * stride + np.arange(kernel) * dilation
        for outputs, stride, kernel, dilation in zip(
            geometry.output, geometry.stride, geometry.kernel, geometry.dilation, strict=True
        )
    )
    return padded[rows][:, :, :, columns].transpose(0, 1, 4, 2, 3, 5)


@pytest.mark.parametrize("size", [1, 1 << 10, 1 << 20])
def test_patches_are_what_windows_see(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patches, "COPIED_BYTES", size)
    monkeypatch.setattr(gathered, "BLOCK_BYTES", size)
    x = np.random.default_rng(0).standard_normal((7, 2, 6, 3))
    for geometry in pairs_of_windows((7, 6)):
        seen, (out_h, out_w) = seen_by(x, geometry), geometry.output
        arena, next_row = Arena(np.float64), 0
        arena.release(arena.acquire((50_000,)))
        arena.scratch((50_000,)).fill(np.nan)
        for part, copied in copied_patches(x, geometry, arena):
            assert part.start == next_row
            next_row = part.stop
            copied.fill()
            (view,) = copied.views
            assert np.array_equal(view, seen[part].reshape(len(view), -1, out_w * 3)), geometry
        assert next_row == out_h
        blocks, _ = gather(x, geometry, arena)
        assert [block.rows.start for block in blocks] == [0, *(b.rows.stop for b in blocks[:-1])]
        assert blocks[-1].rows.stop == out_h
        for block in blocks:
            block.fill()
            wanted = seen[block.rows].transpose(1, 2, 3, 0, 4, 5)
            assert np.array_equal(block.matrix, wanted.reshape(len(block.matrix), -1)), geometry


@pytest.mark.parametrize("size", [0, 1 << 11, 1 << 13, 1 << 20])
def test_as_many_rows_are_copied_as_stay_in_cache(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patches, "COPIED_BYTES", size)
    x = np.empty((7, 2, 6, 3))

    def needed(rows: int, geometry: Geometry) -> int:
        """Bytes: with a dilation, the rows of neighbouring windows are not shared."""
        kernel, stride = geometry.kernel[0], geometry.stride[0]
        height = (rows - 1) * stride + kernel if geometry.dilation[0] == 1 else rows * kernel
        return height * geometry.kernel[1] * geometry.output[1] * 2 * 3 * x.itemsize

    for geometry in pairs_of_windows((7, 6)):
        arena, height = Arena(x.dtype), geometry.output[0]
        blocks = copied_patches(x, geometry, arena)
        most = max(part.stop - part.start for part, _ in blocks)
        assert arena.bytes == needed(most, geometry) and (most == 1 or arena.bytes <= size)
        fewer = len(blocks) - 1
        assert fewer == 0 or needed(-(-height // fewer), geometry) > size


@pytest.mark.parametrize(
    ("kernel", "channels", "is_shifted"),
    [
        *(((3, 3), 4, True), ((3, 3), 3, False), ((1, 3), 12, True), ((1, 3), 11, False)),
        *(((2, 1), 1, True), ((1, 1), 1, True)),
    ],
)
def test_patches_with_many_rows_are_views(
    kernel: tuple[int, int], channels: int, is_shifted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patches, "FEW_ROWS", 12)
    arena, plain = Arena(np.float32), (1, 1)
    output = (7 + 1 - kernel[0], 6 + 1 - kernel[1])

    def kinds(x: Array, *, stride: tuple[int, int] = plain, wide: int = 0) -> set[type]:
        geometry = Geometry(kernel, stride, (0, wide), plain, (output[0], output[1] + 2 * wide))
        return {type(seen) for _, seen in find_patches(x, geometry, arena)}

    x = arena.allocate((7, channels, 6, 2))
    assert kinds(x) == {ShiftedViews if is_shifted else Im2col}
    assert kinds(x, stride=(2, 1)) == kinds(x, wide=1) == {Im2col}
    assert kinds(arena.allocate(x.shape, (0, 1)), wide=1) == kinds(x)
    # The rows of a group are not contiguous, which a window of one row does not need.
    one, _ = arena.split(arena.allocate((7, 2 * channels, 6, 2), (0, 1)), 2)
    assert kinds(one) == (kinds(x) if kernel[0] == 1 else {Im2col})


def test_contiguous_rows_are_copied_as_one_item() -> None:
    row, pixel = np.zeros((3, 2, 6, 4)), np.zeros((3, 2, 12, 4))[:, :, ::2]
    assert [each.shape for each in as_items(row, row + 1)] == [(3, 2), (3, 2)]
    assert [each.shape for each in as_items(row[None], row[None])] == [(1, 3, 2), (1, 3, 2)]
    for pair in ((row, pixel), (pixel, row), (pixel, pixel)):
        assert [each.shape for each in as_items(*pair)] == [(3, 2, 6), (3, 2, 6)]


def test_what_is_scattered_is_what_was_seen() -> None:
    """The sum of products of patches with numbers is that of the pixels with those scattered."""
    x = np.random.default_rng(0).standard_normal((7, 2, 6, 3))
    for geometry in pairs_of_windows((7, 6)):
        dx, arena = np.zeros_like(x), Arena(np.float64)
        ((block,), _), ((back,), _) = (gather(each, geometry, arena) for each in (x, dx))
        block.fill()
        back.matrix[...] = np.random.default_rng(1).standard_normal(back.matrix.shape)
        back.scatter()
        assert (block.matrix * back.matrix).sum() == pytest.approx((x * dx).sum(), rel=1e-9)


AXES = [(k, s, p) for k in (1, 2, 3, 5) for s in (1, 2, 3, 4) for p in range(0, k, max(1, k - 3))]


@pytest.mark.parametrize("number", range(len(AXES)))
@pytest.mark.parametrize("is_whole", [False, True])
def test_pools_are_loops(number: int, is_whole: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every window along the height, another along the width; the last one may be incomplete."""
    (height, width), channels, images = (8, 7) if is_whole else (7, 8), 9, 2
    monkeypatch.setattr(pool, "BLOCK_BYTES", 2 * height * width * images * 8 if is_whole else 1)
    pairs = tuple(zip(AXES[number], AXES[(number * 7 + 6) % len(AXES)], strict=True))
    (kernel, stride, padding), sizes = pairs, (height, width)
    output = tuple(map(windows, sizes, kernel, stride, padding, (is_whole, is_whole)))
    geometry = Geometry(kernel, stride, padding, (1, 1), (output[0], output[1]))
    values = np.random.default_rng(number).standard_normal((height, channels, width, images))
    dy = np.random.default_rng(1).standard_normal((output[0], channels, output[1], images))
    for counts_padding in (True, False):
        arena = Arena(np.float64)
        shard = Shard(0, slice(0, images), arena, np.empty(0))
        x, y = volume(arena, values), arena.allocate(dy.shape)
        kernel_of = AvgPoolKernel(x, y, geometry, shard, count_padding=counts_padding)
        dx = run_backward(kernel_of, arena, dy)
        mean, slope, largest = means(values, geometry, dy, counts_padding)
        np.testing.assert_allclose(y, mean, rtol=0, atol=1e-13)
        np.testing.assert_allclose(dx, slope, rtol=0, atol=1e-13)
    dx = run_backward(MaxPoolKernel(x, y, geometry, shard), arena, dy)
    np.testing.assert_allclose(dx, first_maxima(values, geometry, dy), rtol=0, atol=1e-13)
    assert np.array_equal(y, largest)


@pytest.mark.parametrize("is_whole", [False, True])
def test_planes_show_every_tap_and_give_back_what_windows_read(is_whole: bool) -> None:
    height, width = 8, 7
    for pairs in itertools.product(AXES, AXES):
        kernel, stride, padding = zip(*pairs, strict=True)
        output = tuple(map(windows, (height, width), kernel, stride, padding, (is_whole,) * 2))
        geometry = Geometry(kernel, stride, padding, (1, 1), output)
        block = np.arange(1.0, 1 + height * width).reshape(height, 1, width, 1)
        planes = Planes(block, geometry, -1, np.full(Planes.size(block.shape, geometry), np.nan))
        planes.load()
        rows = (output[0] - 1) * stride[0] + kernel[0]
        borders = [(low, low + 9) for low in padding]
        padded = np.pad(block[:, 0, :, 0], borders, constant_values=-1)
        read = np.zeros_like(padded, bool)
        for tap, plane in enumerate(planes.taps):
            columns = tap + stride[1] * np.arange(output[1])
            assert np.array_equal(plane[:, 0, : output[1], 0], padded[:rows, columns]), geometry
            read[:rows, columns] = True
        before, places = block.copy(), read[padding[0] :, padding[1] :][:height, :width]
        block.fill(np.nan)
        planes.store()
        given = block[:, 0, :, 0]
        assert np.array_equal(given[places], before[:, 0, :, 0][places])
        assert ((given == 0) | (given == before[:, 0, :, 0])).all(), geometry
        assert planes.holds_all == (given != 0).all(), geometry  # Else all is cleared first.


def windows(size: int, kernel: int, stride: int, padding: int, is_whole: bool) -> int:
    """Windows along an axis; unless ``is_whole``, one that begins inside may end outside."""
    free = size + 2 * padding - kernel
    if is_whole:
        return free // stride + 1
    return min(-(-free // stride), (size + padding - 1) // stride) + 1


def means(
    x: np.ndarray, geometry: Geometry, dy: np.ndarray, counts_padding: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The means of windows, their gradient and the maxima, one window at a time."""
    y, dx, largest = np.zeros_like(dy), np.zeros_like(x), np.zeros_like(dy)
    for row, column in itertools.product(*map(range, geometry.output)):
        spans, counts = [], []
        for axis, at, size in ((0, row, x.shape[0]), (1, column, x.shape[2])):
            padding = geometry.padding[axis]
            low = at * geometry.stride[axis] - padding
            high = min(low + geometry.kernel[axis], size + padding)
            spans.append(slice(max(low, 0), min(high, size)))
            counts.append(high - low if counts_padding else min(high, size) - max(low, 0))
        count = counts[0] * counts[1]
        y[row, :, column] = x[spans[0], :, spans[1]].sum((0, 2)) / count
        largest[row, :, column] = x[spans[0], :, spans[1]].max((0, 2))
        dx[spans[0], :, spans[1]] += dy[row, :, column][None, :, None] / count
    return y, dx, largest


def test_planes_are_as_long_as_their_taps_reach() -> None:
    for kernel, stride in itertools.product(range(1, 6), range(1, 5)):
        geometry = Geometry((2, kernel), (3, stride), (0, 0), (1, 1), (4, 5))
        later = max(tap // stride for tap in range(kernel))
        plane = rows_shape((12, 2, 9, 3), geometry)
        assert plane == (11, 2, 5 + later, 3)
        size = min(kernel, stride) * (math.prod(plane) + later * 3)
        assert Planes.size((12, 2, 9, 3), geometry) == size
