"""How a plan splits a batch and its gradients; no split changes a bit (test_determinism)."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from exported import BLOCKS, EVERY_LAYER
from samples import network, random_images

from cnn_tui.engine.build import build
from cnn_tui.engine.optimizers import build_optimizer
from cnn_tui.engine.plan import FEW_MACS, SHARD_BYTES, TASK_SIZE, shard_size
from cnn_tui.engine.specs.layers import FC, ReLU
from cnn_tui.engine.specs.network import Network


@pytest.mark.parametrize(
    ("batch", "bytes_per_image", "macs", "size"),
    [
        (64, 1000, FEW_MACS // 64 - 1, 64),
        (64, 1000, FEW_MACS // 64, 32),
        (64, SHARD_BYTES // 16, 1, 16),
        (64, SHARD_BYTES, FEW_MACS, 8),
        (3, SHARD_BYTES, FEW_MACS, 2),
    ],
)
def test_a_batch_is_split_by_its_size_and_work(
    batch: int, bytes_per_image: int, macs: int, size: int
) -> None:
    assert shard_size(batch, bytes_per_image, macs) == size


@pytest.mark.parametrize("batch", [1, 200])
def test_the_norm_is_that_of_all_gradients(batch: int) -> None:
    """Of those summed over shards, in several tasks, and of those of the whole batch."""
    layers = (FC(out_features=600), ReLU(), FC(out_features=400), ReLU(), FC(out_features=700))
    model = build(network((1, 14, 14), *layers))
    plan = model.plan_training(batch)
    assert len(plan.shards) == (1 if batch == 1 else 2)
    assert model.store.trained > model.store.summed > 2 * TASK_SIZE
    images = random_images((1, 14, 14), batch, dtype=np.float32)
    result = model.train_batch(images, np.arange(batch) % 700)
    grads = [np.ravel(p.grad) for p in model.store.parameters]
    # Squares are summed in float32, a block of 32,768 at a time: on SSE they differ by 1.4e-5.
    exact = np.linalg.norm(np.concatenate(grads).astype(float))
    assert result.gradient_norm == pytest.approx(exact, rel=5e-5)


def test_the_first_shard_holds_no_copy_of_the_gradients() -> None:
    model = build(network((1, 14, 14), FC(out_features=300), ReLU(), FC(out_features=10)))
    first, second = model.plan_training(512).shards
    assert np.shares_memory(first.grads, model.store.grad)
    assert not np.shares_memory(second.grads, model.store.grad)


@pytest.mark.parametrize("described", [EVERY_LAYER, BLOCKS], ids=lambda network: network.name)
def test_memory_is_freed_with_the_last_user_and_not_when_python_looks_for_circles(
    described: Network,
) -> None:
    """An app that opens a network for each view would hold gigabytes."""
    model = build(described)
    optimizer = build_optimizer(described.training, model)
    images = random_images(described.input, 8, dtype=np.float32)
    model.train_batch(images, np.zeros(8, np.int64))
    optimizer.step(0.1)
    inside = model.opened(images)
    inside.input_gradient(0)
    inside.close()
    held = [weakref.ref(one) for one in (model, optimizer, inside, model.plan_training(8))]
    gc.disable()
    try:
        del model, optimizer, inside
        assert [one() for one in held] == [None] * 4
    finally:
        gc.enable()
