"""Norms over groups of channels and over whole volumes, against the formula of one group."""

from __future__ import annotations

import math

import numpy as np
import pytest
from naive import normal_values
from volumes import IMAGES, run_backward, volume

from cnn_tui.engine.ops import kernel as kernel_module
from cnn_tui.engine.ops.group_norm import GroupNormKernel, LayerNormKernel
from cnn_tui.engine.ops.memory import Arena

EPS = 0.1
SHAPE = (5, 6, 4, IMAGES)


def expected(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, dy: np.ndarray, groups: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Output, normal values and gradient of the input; gamma and beta for each number of x."""
    y, normal, dx = (np.empty_like(x) for _ in range(3))
    size = x.shape[1] // groups
    for group, image in np.ndindex(groups, x.shape[3]):
        part = np.s_[:, group * size : (group + 1) * size, :, image]
        normal[part] = values = normal_values(x[part], EPS)
        y[part] = values * gamma[part] + beta[part]
        slope = gamma[part] * dy[part]
        rest = slope - slope.mean() - values * (slope * values).mean()
        dx[part] = rest / math.sqrt(x[part].var() + EPS)
    return y, normal, dx


def assert_equal(*pairs: tuple[np.ndarray, np.ndarray]) -> None:
    for one, other in pairs:
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-12)


@pytest.mark.parametrize("bytes_", [1, 2 * 6 * 4 * IMAGES * 8, 1 << 20])
@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_a_group_is_normal(groups: int, bytes_: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In blocks of one row, of two, whose last is shorter, and of all."""
    monkeypatch.setattr(kernel_module, "CACHED_BYTES", bytes_)
    arena, rng = Arena(np.float64), np.random.default_rng(groups)
    x = volume(arena, rng.standard_normal(SHAPE) * 3 + 2)
    gamma, beta, dgamma, dbeta = rng.standard_normal((4, SHAPE[1], 1))
    kernel = GroupNormKernel(x, arena.allocate(SHAPE), groups, EPS, arena)
    kernel.bind(gamma, beta, dgamma, dbeta)
    dy = rng.standard_normal(SHAPE)
    found = run_backward(kernel, arena, dy)
    wide = (np.broadcast_to(values[:, :, None], SHAPE) for values in (gamma, beta))
    y, normal, dx = expected(x, *wide, dy, groups)
    assert_equal((kernel.y, y), (found, dx))
    assert_equal((dgamma[:, 0], (dy * normal).sum((0, 2, 3))), (dbeta[:, 0], dy.sum((0, 2, 3))))


@pytest.mark.parametrize("bytes_", [1, 2 * 6 * 4 * IMAGES * 8, 1 << 20])
@pytest.mark.parametrize("channels", [6, 8, 3])
def test_a_volume_is_normal(channels: int, bytes_: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scale and a shift for each pixel of each channel; several of them at a time."""
    monkeypatch.setattr(kernel_module, "CACHED_BYTES", bytes_)
    arena, rng = Arena(np.float64), np.random.default_rng(channels)
    shape = (5, channels, 4, IMAGES)
    x = volume(arena, rng.standard_normal(shape) * 3 + 2)
    gamma, beta, dgamma, dbeta = rng.standard_normal((4, 5, channels * 4, 1))
    kernel = LayerNormKernel(x, arena.allocate(shape), 1, EPS, arena)
    kernel.bind(gamma, beta, dgamma, dbeta)
    assert kernel.together == math.gcd(channels * 4, 16)
    dy = rng.standard_normal(shape)
    found = run_backward(kernel, arena, dy)
    wide = (np.broadcast_to(values.reshape(5, channels, 4, 1), shape) for values in (gamma, beta))
    y, normal, dx = expected(x, *wide, dy, 1)
    assert_equal((kernel.y, y), (found, dx))
    assert_equal(
        (dgamma.reshape(shape[:3]), (dy * normal).sum(3)), (dbeta.reshape(shape[:3]), dy.sum(3))
    )


def test_without_a_gradient_of_the_input_only_the_parameters_get_theirs() -> None:
    arena, rng = Arena(np.float64), np.random.default_rng(0)
    x, dy = (volume(arena, rng.standard_normal(SHAPE)) for _ in range(2))
    gamma, beta, dgamma, dbeta = rng.standard_normal((4, SHAPE[1], 1))
    kernel = GroupNormKernel(x, arena.allocate(SHAPE), 2, EPS, arena)
    kernel.bind(gamma, beta, dgamma, dbeta)
    kernel.plan_backward(dy, arena, needs_input_grad=False, can_overwrite_grad=True)
    before = dy.copy()
    kernel.forward()
    kernel.backward()
    assert kernel.dx is None and np.array_equal(dy, before)
    assert_equal((dbeta[:, 0], dy.sum((0, 2, 3))))
