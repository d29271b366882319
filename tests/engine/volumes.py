"""Volumes for kernels, and what a pass backwards and a max pool make of them."""

from __future__ import annotations

import numpy as np

from cnn_tui.engine.ops.kernel import Kernel
from cnn_tui.engine.ops.memory import Arena, Array
from cnn_tui.engine.ops.patches import Geometry

IMAGES, CHANNELS, SIZE = 3, 5, 7


def volume(arena: Arena, values: np.ndarray, halo: tuple[int, int] = (0, 0)) -> Array:
    array = arena.allocate(values.shape, halo)
    array[...] = values
    return array


def few_numbers(shape: tuple[int, ...]) -> np.ndarray:
    """So few that every window has ties."""
    return np.random.default_rng(0).integers(0, 3, shape).astype(float)


def run_backward(kernel: Kernel, arena: Arena, dy: np.ndarray) -> Array:
    """``dx`` after a pass that begins with rubbish in all scratch arrays."""
    kernel.forward()
    kernel.plan_backward(volume(arena, dy), arena, needs_input_grad=True, can_overwrite_grad=False)
    for block in arena._free:
        block.fill(np.nan)
    assert kernel.dx is not None
    kernel.dx.fill(np.nan)
    kernel.backward()
    return kernel.dx


def first_maxima(x: np.ndarray, geometry: Geometry, dy: np.ndarray) -> np.ndarray:
    """The gradient of a max pool, one window at a time."""
    dx = np.zeros_like(x)
    (kernel_h, kernel_w), (stride_h, stride_w), (top, left) = (
        geometry.kernel,
        geometry.stride,
        geometry.padding,
    )
    for row, channel, column, image in np.ndindex(dy.shape):
        rows = [row * stride_h - top + tap for tap in range(kernel_h)]
        columns = [column * stride_w - left + tap for tap in range(kernel_w)]
        inside = [
            (h, w) for h in rows for w in columns if 0 <= h < x.shape[0] and 0 <= w < x.shape[2]
        ]
        best = max(inside, key=lambda place: x[place[0], channel, place[1], image])
        dx[best[0], channel, best[1], image] += dy[row, channel, column, image]
    return dx
