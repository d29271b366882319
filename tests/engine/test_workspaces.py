"""What is released while a plan is laid out belongs to later operations: nothing survives in it."""

from __future__ import annotations

import numpy as np
import pytest
from cases import Choice, networks
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cnn_tui.engine.build import build
from cnn_tui.engine.ops import memory, winograd
from cnn_tui.engine.specs.network import Network


@given(network=networks(Choice(widths=(3, 6, 20, 50))), batch=st.integers(1, 9), few=st.booleans())
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_in_a_workspace_before_changes_no_bit(
    network: Network, batch: int, few: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks: list[np.ndarray] = []

    def noted(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        blocks.append(aligned_empty(shape, dtype))
        return blocks[-1]

    aligned_empty = memory.aligned_empty
    model = build(network)
    images = np.random.default_rng(batch).standard_normal((batch, *network.input), np.float32)
    with monkeypatch.context() as patch:
        patch.setattr(memory, "aligned_empty", noted)
        patch.setattr(winograd, "FEWEST_CHANNELS", 1 if few else 16)
        model.plan_training(batch)
    found = []
    for value in (0.0, np.nan):
        for block in blocks:
            block.fill(value)
        model.mode.step = 0
        model.train_batch(images, np.arange(batch) % 2)
        found.append(model.store.grad.copy())
    np.testing.assert_array_equal(*found)
