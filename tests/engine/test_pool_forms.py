"""In which blocks a pool is computed, and by how many numbers means are scaled."""

from __future__ import annotations

import numpy as np
import pytest
from volumes import CHANNELS, IMAGES

from cnn_tui.engine.ops import pool
from cnn_tui.engine.ops.kernel import Shard
from cnn_tui.engine.ops.memory import Arena
from cnn_tui.engine.ops.patches import Geometry
from cnn_tui.engine.ops.pool import AvgPoolKernel


def averaged(size: int, padding: int, *, count_padding: bool) -> AvgPoolKernel:
    arena, output = Arena(np.float64), (size + 2 * padding) // 2
    x = arena.allocate((size, CHANNELS, size, IMAGES))
    y = arena.allocate((output, CHANNELS, output, IMAGES))
    geometry = Geometry((2, 2), (2, 2), (padding, padding), (1, 1), (output, output))
    shard = Shard(0, slice(0, IMAGES), arena, np.empty(0))
    return AvgPoolKernel(x, y, geometry, shard, count_padding=count_padding)


@pytest.mark.parametrize(("channels", "blocks"), [(0, 5), (1, 5), (2, 3), (4, 2), (5, 1), (9, 1)])
def test_a_block_has_as_many_channels_as_stay_in_cache(
    channels: int, blocks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = 4 * 4 * IMAGES * 8
    monkeypatch.setattr(pool, "BLOCK_BYTES", channels * channel + channel // 2)
    kernel = averaged(4, 0, count_padding=True)
    assert len(kernel.channels) == len(kernel.forwards) == blocks
    assert kernel.channels[0] == slice(0, max(1, min(channels, CHANNELS)))


def test_windows_of_one_size_share_a_number() -> None:
    assert averaged(4, 0, count_padding=False).scale.tolist() == [[[[0.25]]]]
    assert averaged(4, 1, count_padding=True).scale.tolist() == [[[[0.25]]]]
    # At the edges half of a window is padding, in the corners three quarters.
    scale = averaged(4, 1, count_padding=False).scale
    assert scale.shape == (3, 1, 3, IMAGES)
    assert scale[:2, 0, :2, 0].tolist() == [[1.0, 0.5], [0.5, 0.25]]
