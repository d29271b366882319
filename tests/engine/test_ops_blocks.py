"""Every layer where its kernels are cut into blocks, and where an axis of its volume is one."""

from __future__ import annotations

import numpy as np
import pytest
from gradcheck import assert_gradients
from samples import FreeImages, Shape, gradients_of, random_images, random_targets, spaced
from test_every_layer import BATCH, CLASSES, EXAMPLES, SHAPE, whole

from cnn_tui.engine.build import build
from cnn_tui.engine.ops import kernel, patches, pool
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import (
    FC,
    BatchNorm,
    Conv,
    GlobalAvgPool,
    Layer,
    Parallel,
    ReLU,
    Tanh,
)
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.norms import LayerNorm

SAME = Conv(out_channels=2, padding=1)
BLOCKS = (
    *(Parallel(branches=((),), merge=merge) for merge in ("concat", "add", "multiply")),
    *(Parallel(branches=((Tanh(),), (), ()), merge=merge) for merge in ("add", "multiply")),
    Parallel(branches=((), (GlobalAvgPool(), Tanh()), (Tanh(),)), merge="multiply"),
    Parallel(branches=((SAME,), (Tanh(),)), split=True),
)
LAYERS = (*EXAMPLES, ReLU(), *BLOCKS)
SHAPES = (4, 1, 1), (1, 6, 5), SHAPE


def fits(shape: Shape, *layers: Layer) -> bool:
    return check(Network(input=shape, layers=(*layers, FC(out_features=CLASSES)))).valid


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_blocks_of_rows_change_nothing(layer: Layer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work is cut into blocks that stay in cache: here four of six rows, then the other two."""
    found = []
    after = (SAME, Tanh()) if fits(SHAPE, layer, SAME) else (Tanh(),)
    monkeypatch.setattr(patches, "FEW_ROWS", 0)  # The convolution reads a halo.
    for size in (1 << 20, 4 * 8 * SHAPE[0] * SHAPE[2] * BATCH):
        monkeypatch.setattr(kernel, "CACHED_BYTES", size)
        monkeypatch.setattr(pool, "BLOCK_BYTES", size)
        free = FreeImages(SHAPE, BATCH, layer, *after)
        free.set(spaced((BATCH, *SHAPE)))
        first = build(whole(layer), dtype=np.float64)
        first.train_batch(random_images(SHAPE, BATCH), random_targets(CLASSES, BATCH))
        losses = [[free.loss()], first.store.grad]
        found.append(np.concatenate([*losses, *map(np.ravel, gradients_of(free.model).values())]))
    np.testing.assert_allclose(*found, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (LayerNorm(), (3, 6, 5)),
        *((layer, shape) for layer in LAYERS for shape in SHAPES if fits(shape, layer)),
    ],
    ids=str,
)
def test_gradients_where_an_axis_is_one(layer: Layer, shape: Shape) -> None:
    free = FreeImages(shape, 2, BatchNorm(eps=0.1), layer, BatchNorm(eps=0.1))
    free.set(spaced((2, *shape)))
    assert_gradients(free.model, free.loss, singles=0)
