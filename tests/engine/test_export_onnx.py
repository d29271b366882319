"""Exported ONNX models, run in onnxruntime: the same scores from the same pixels."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from exported import CLASHING, EVERY_LAYER, scores_of, small_presets, state_of

from cnn_tui.engine.errors import RunError
from cnn_tui.engine.export.onnx_graph import onnx_bytes, write_onnx
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import load_preset


@pytest.mark.parametrize(
    "network",
    [EVERY_LAYER, CLASHING, *small_presets()],
    ids=lambda network: network.name,
)
def test_scores_are_the_same(network: Network, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    state = state_of(network)
    write_onnx(state, tmp_path / "network.onnx")
    session = runtime.InferenceSession(
        tmp_path / "network.onnx", providers=["CPUExecutionProvider"]
    )
    pixels = np.random.default_rng(0).random((4, *network.input), dtype=np.float32) * 3
    images = state.normalizer.apply(pixels)
    ours, exact = (scores_of(state, images.astype(dtype)) for dtype in (np.float32, np.float64))
    (theirs,) = session.run(["scores"], {"pixels": pixels})
    # Random statistics let rounding grow from layer to layer, on both sides alike.
    rounding = 3 * np.abs(ours - exact).max()
    most = max(rounding, 1e-6 * np.abs(theirs).max())
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=most)
    assert theirs.shape == (4, len(state.classes))
    told = {entry.key: entry.value for entry in onnx.load(tmp_path / "network.onnx").metadata_props}
    assert told["classes"].split("\n") == list(state.classes)


def test_the_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(RunError, match=r"pip install 'cnn-tui\[onnx\]'"):
        onnx_bytes(state_of(load_preset("lenet5")))
