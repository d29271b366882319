"""Winograd's filtering in float32: its error is what its transforms make of the rounding."""

from __future__ import annotations

import numpy as np
import pytest

from cnn_tui.engine.ops import winograd
from cnn_tui.engine.ops.filters import ConvWeights
from cnn_tui.engine.ops.memory import Arena
from cnn_tui.engine.ops.patches import Geometry
from cnn_tui.engine.ops.winograd import (
    BT,
    POINTS,
    WinogradProducts,
    WinogradWeightGradient,
    output_transform,
    tap_transform,
)


@pytest.mark.parametrize("kernel", [2, 3, 4, 5])
@pytest.mark.parametrize("channels", [16, 64, 256])
def test_error_in_float32(kernel: int, channels: int) -> None:
    rng = np.random.default_rng(kernel)
    rows, width, filters = POINTS + 1 - kernel, 8, 32
    x = rng.standard_normal((POINTS, channels, width + 2, 4), np.float32)
    weight = rng.standard_normal((kernel, 3, channels, filters), np.float32)
    y = np.empty((rows, filters, width, 4), np.float32)
    weights = ConvWeights(weight)
    geometry = Geometry((kernel, 3), (1, 1), (0, 0), (1, 1), (rows, width))
    products = WinogradProducts(weights.points(), x, geometry, y, Arena(np.float32))
    weights.refresh()
    products.run()

    windows = np.lib.stride_tricks.sliding_window_view(x.astype(float), 3, axis=2)
    exact = sum(
        np.einsum("kcf,rcwnk->rfwn", weight[kh].astype(float), windows[kh : kh + rows])
        for kh in range(kernel)
    )
    # A term is rounded three times: in both transforms and in the product. Were all roundings of
    # one sign and as large as they can be, the error would be 1.5 eps of the sum of the terms
    # without their signs. They are not: a third of that is ample.
    taps = np.abs(tap_transform(kernel)) @ np.abs(weight.reshape(kernel, -1).astype(float))
    values = np.einsum("ph,hcwnk->pcwnk", np.abs(BT), np.abs(windows))
    terms = np.einsum("pkcf,pcwnk->pfwn", taps.reshape(POINTS, *weight.shape[1:]), values)
    largest = np.einsum("rp,pfwn->rfwn", np.abs(output_transform(kernel)), terms)
    assert (np.abs(y - exact) <= 0.5 * np.finfo(np.float32).eps * largest).all()


@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("height", [8, 11, 16])
def test_tiles_computed_together_are_those_computed_one_by_one(
    monkeypatch: pytest.MonkeyPatch, height: int, dilation: int
) -> None:
    rng = np.random.default_rng(height)
    x = rng.standard_normal((height + 2 * dilation, 16, 6 + 2 * dilation, 4), np.float32)
    dy = rng.standard_normal((height, 24, 24), np.float32)
    weights = ConvWeights(rng.standard_normal((3, 3, 16, 24), np.float32))
    geometry = Geometry((3, 3), (1, 1), (0, 0), (dilation, dilation), (height, 6))

    def computed(batch_bytes: int) -> tuple[int, list[bytes]]:
        monkeypatch.setattr(winograd, "BATCH_BYTES", batch_bytes)
        y, dweight = np.empty((height, 24, 6, 4), np.float32), np.empty_like(weights.weight)
        products = WinogradProducts(weights.points(), x, geometry, y, Arena(np.float32))
        gradient = WinogradWeightGradient(x, geometry, dy, dweight, Arena(np.float32))
        weights.refresh()
        products.run()
        gradient.run()
        return products.tiles.most, [y.tobytes(), dweight.tobytes()]

    one, alone = computed(0)
    several, together = computed(1 << 20)
    assert (one, several) == (1, height // dilation // 4)
    assert together == alone
