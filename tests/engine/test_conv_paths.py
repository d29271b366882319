"""The engine computes a convolution in five ways, by its size; all must give the same numbers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from cases import Case, convs, dense_convs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cnn_tui.engine.build import build
from cnn_tui.engine.layers import conv as conv_layer
from cnn_tui.engine.ops import banded, conv, gathered, patches, products, winograd
from cnn_tui.engine.specs.layers import FC, Conv, Tanh
from cnn_tui.engine.specs.network import Network

NEVER, ALWAYS = 1 << 30, 0


class Path(NamedTuple):
    """Bounds that lead to one way; blocks of one byte are blocks of one row, or of one group."""

    few_rows: int = NEVER
    fewest_channels: int = NEVER
    gathers: bool = False
    block_bytes: int = 1 << 20
    narrow: int = 0


PATHS = {
    "copied": Path(),
    "copied, a row at a time": Path(block_bytes=1),
    "shifted": Path(few_rows=ALWAYS),
    "shifted, a row at a time": Path(few_rows=ALWAYS, block_bytes=1),
    "winograd": Path(few_rows=ALWAYS, fewest_channels=ALWAYS),
    "gathered": Path(gathers=True),
    "gathered, a row at a time": Path(gathers=True, block_bytes=1),
    "banded": Path(narrow=NEVER),
    "banded, a group at a time": Path(narrow=NEVER, block_bytes=1),
}


def numbers(network: Network, batch: int, monkeypatch: pytest.MonkeyPatch, path: str) -> np.ndarray:
    """Scores and gradients of a training pass on one path, twice run to meet used memory."""
    bounds = PATHS[path]
    monkeypatch.setattr(patches, "FEW_ROWS", bounds.few_rows)
    monkeypatch.setattr(winograd, "FEWEST_CHANNELS", bounds.fewest_channels)
    monkeypatch.setattr(conv, "SHORT_ROW", NEVER if bounds.gathers else 0)
    monkeypatch.setattr(conv, "LARGE_BANK", 0)
    monkeypatch.setattr(patches, "COPIED_BYTES", bounds.block_bytes)
    for module in (gathered, products, banded):
        monkeypatch.setattr(module, "BLOCK_BYTES", bounds.block_bytes)
    monkeypatch.setattr(products, "PARTIAL_BYTES", bounds.block_bytes)
    monkeypatch.setattr(conv_layer, "NARROW", bounds.narrow)
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
