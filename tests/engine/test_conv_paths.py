"""The engine computes a convolution in four ways, by its size; all must give the same numbers."""

from __future__ import annotations

import numpy as np
import pytest
from cases import Case, convs, dense_convs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cnn_tui.engine.build import build
from cnn_tui.engine.ops import conv, gathered, patches, products, winograd
from cnn_tui.engine.specs.layers import FC, Conv, Tanh
from cnn_tui.engine.specs.network import Network

NEVER, ALWAYS = 1 << 30, 0
PATHS = {
    "copied": (NEVER, NEVER, False, 1 << 20),
    "shifted": (ALWAYS, NEVER, False, 1 << 20),
    "shifted, a row at a time": (ALWAYS, NEVER, False, 1),
    "winograd": (ALWAYS, ALWAYS, False, 1 << 20),
    "gathered": (NEVER, NEVER, True, 1 << 20),
    "gathered, a row at a time": (NEVER, NEVER, True, 1),
}


def numbers(network: Network, batch: int, monkeypatch: pytest.MonkeyPatch, path: str) -> np.ndarray:
    """Scores and gradients of a training pass on one path, twice run to meet used memory."""
    few_rows, fewest_channels, gathers, block_bytes = PATHS[path]
    monkeypatch.setattr(patches, "FEW_ROWS", few_rows)
    monkeypatch.setattr(winograd, "FEWEST_CHANNELS", fewest_channels)
    monkeypatch.setattr(conv, "SHORT_ROW", NEVER if gathers else 0)
    monkeypatch.setattr(conv, "LARGE_BANK", 0)
    monkeypatch.setattr(gathered, "BLOCK_BYTES", block_bytes)
    monkeypatch.setattr(products, "BLOCK_BYTES", block_bytes)
    model = build(network, dtype=np.float64)
    rng = np.random.default_rng(batch)
    images = rng.standard_normal((batch, *network.input))
    targets = rng.integers(0, 3, batch)
    for _ in range(2):
        model.train_batch(images, targets)
    gradient = model.store.grad.copy()
    return np.concatenate([gradient, model.forward(images).ravel()])


@given(case=st.one_of(convs(), dense_convs()), batch=st.integers(1, 9))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_path_gives_the_same_scores_and_gradients(
    case: Case, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape, layer = case
    first = Conv(out_channels=shape[0], kernel_size=1, groups=1)
    network = Network(input=shape, layers=(first, Tanh(), layer, Tanh(), FC(out_features=3)))
    copied, *others = (numbers(network, batch, monkeypatch, path) for path in PATHS)
    scale = np.abs(copied).max()
    for path, other in zip(list(PATHS)[1:], others, strict=True):
        np.testing.assert_allclose(other, copied, rtol=0, atol=1e-12 * scale, err_msg=path)
