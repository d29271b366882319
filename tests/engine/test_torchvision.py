"""Presets against torchvision's networks of the same name: the same weights, the same scores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import numpy as np
import pytest
from samples import random_images
from torchvision_models import random_network

from cnn_tui.engine.build import build_uninitialized
from cnn_tui.engine.importing.tensor_file import TensorSource
from cnn_tui.engine.importing.torchvision_names import NAMINGS
from cnn_tui.engine.importing.weights import weights_from
from cnn_tui.engine.runs.imported import Pixels
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.engine.transforms.carry import load_weights

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

TOLERANCE = 1e-4
"""Of the largest score: float32 over up to a hundred layers, each side in an order of its own."""


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class InMemory(TensorSource):
    """A state_dict that was not written to a file."""

    where = "memory"

    def __init__(self, state: dict[str, Any]) -> None:
        self._state = state
        self.shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}

    def read(self, name: str) -> np.ndarray:
        return self._state[name].numpy()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMINGS)
def test_scores_are_torchvisions(name: str) -> None:
    peer, network = random_network(name), load_preset(name)
    images = random_images(network.input, 2, 0, np.float32)
    with torch.no_grad():
        expected = peer(torch.tensor(images)).numpy()
    imported = weights_from(InMemory(peer.state_dict()), network)
    held = imported.held
    assert held is not None and held.pixels != Pixels()
    empty = build_uninitialized(network, seed=0, dtype=np.float32, threads=1)
    with closing(empty) as model:
        load_weights(model, held.arrays)
        found = model.forward(images)
    assert expected.std() > 0
    assert np.abs(found - expected).max() <= TOLERANCE * np.abs(expected).max()
    assert f"torchvision's {name}" in imported.notes[0]
