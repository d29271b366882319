"""Pools of the whole volume, and means of windows that share out its pixels."""

from __future__ import annotations

import naive
import numpy as np
import pytest
from volumes import CHANNELS, IMAGES, SIZE, run_backward, volume

from cnn_tui.engine.ops import global_pool
from cnn_tui.engine.ops.global_pool import AdaptiveAvgPoolKernel, GlobalMaxPoolKernel
from cnn_tui.engine.ops.kernel import Shard
from cnn_tui.engine.ops.memory import Arena


def shard(arena: Arena) -> Shard:
    return Shard(0, slice(0, IMAGES), arena, np.empty(0))


@pytest.mark.parametrize("widest", [0, 1 << 10])
@pytest.mark.parametrize(
    ("size", "output", "overlaps"),
    [
        ((7, 6), (3, 4), True),
        ((8, 7), (4, 3), False),  # Windows that touch are not cleared before.
        ((5, 4), (1, 1), False),
        ((4, 9), (4, 9), False),
        ((3, 2), (5, 3), True),
    ],
)
def test_windows_share_out_the_pixels(
    size: tuple[int, int],
    output: tuple[int, int],
    overlaps: bool,
    widest: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Along the width by one product for all images, or channel by channel."""
    monkeypatch.setattr(global_pool, "WIDEST", widest)
    arena, rng = Arena(np.float64), np.random.default_rng(0)
    x = volume(arena, rng.standard_normal((size[0], CHANNELS, size[1], IMAGES)))
    y = arena.allocate((output[0], CHANNELS, output[1], IMAGES))
    kernel = AdaptiveAvgPoolKernel(x, y, shard(arena))
    dy = rng.standard_normal(y.shape)
    dx = run_backward(kernel, arena, dy)
    assert kernel.overlaps == overlaps
    means = naive.adaptive(x.transpose(3, 1, 0, 2), *output)
    np.testing.assert_allclose(y, means.transpose(2, 1, 3, 0), rtol=0, atol=1e-14)
    # What a one in each pixel adds to each mean.
    pixels = np.eye(size[0] * size[1]).reshape(-1, 1, *size)
    slopes = naive.adaptive(pixels, *output)[:, 0].reshape(*size, *output)
    expected = np.einsum("hwij,icjn->hcwn", slopes, dy)
    np.testing.assert_allclose(dx, expected, rtol=0, atol=1e-14)


def test_rows_of_few_outputs_are_one_product(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(global_pool, "WIDEST", 12)
    arena = Arena(np.float32)
    for columns, images in ((2, 3), (3, 4), (3, 5), (1, 13)):
        x, y = arena.allocate((2, 3, 4, images)), arena.allocate((1, 3, columns, images))
        kernel = AdaptiveAvgPoolKernel(x, y, shard(arena))
        assert kernel.is_narrow == (columns * images <= 12)


def test_the_last_pixel_may_be_the_largest() -> None:
    arena = Arena(np.float64)
    x, y = (arena.allocate((size, CHANNELS, size, IMAGES)) for size in (SIZE, 1))
    x[-1, :, -1] = 1
    kernel = GlobalMaxPoolKernel(x, y, shard(arena))
    assert arena.bytes == x.nbytes + y.nbytes + x[0].nbytes
    dy = np.random.default_rng(0).standard_normal(y.shape)
    dx = run_backward(kernel, arena, dy)
    assert np.array_equal(dx[-1, :, -1], dy[0, :, 0])
    assert np.count_nonzero(dx) == dy.size
