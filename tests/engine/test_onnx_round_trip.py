"""Random networks of every layer through ONNX and back: the same weights, the same scores."""

from __future__ import annotations

import numpy as np
import pytest
from cases import Choice, networks
from exported import state_of
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import random_images

from cnn_tui.engine.export.onnx_graph import onnx_bytes
from cnn_tui.engine.importing.onnx_compare import scores_of
from cnn_tui.engine.importing.reading import import_network
from cnn_tui.engine.specs.codec import dumps_network, loads_network

pytestmark = pytest.mark.slow
onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")


@pytest.mark.parametrize("widths", [(3,), (16,), (18,), (3, 16), (3, 18), (16, 18)])
@settings(max_examples=50)
@given(data=st.data(), batch=st.integers(1, 4))
def test_three_hundred_random_networks_come_back(
    tmp_path_factory: pytest.TempPathFactory,
    widths: tuple[int, ...],
    data: st.DataObject,
    batch: int,
) -> None:
    described = data.draw(networks(Choice(widths=widths)))
    state, path = state_of(described), tmp_path_factory.getbasetemp() / "back.onnx"
    content = onnx_bytes(state)
    path.write_bytes(content)
    own = import_network(path)
    written = loads_network(dumps_network(described), "file")
    assert own.network.layers == written.layers and own.held is not None
    assert own.held.arrays.keys() == state.weights.keys()
    for name, array in state.weights.items():
        np.testing.assert_array_equal(own.held.arrays[name], array)

    # By the graph alone, the layers may be others that compute the same.
    model = onnx.load_from_string(content)
    del model.metadata_props[:]
    path.write_bytes(model.SerializeToString())
    images = random_images(described.input, batch, dtype=np.float32)
    expected, found = (scores_of(one, images) for one in (own, import_network(path)))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6 * max(1, np.abs(expected).max()))
