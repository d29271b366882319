"""The output of every layer and its gradient against PyTorch's autograd."""

from __future__ import annotations

import importlib
from contextlib import closing
from typing import Any

import numpy as np
import pytest
from cases import Choice, networks
from hypothesis import given, settings
from hypothesis import strategies as st
from peer_networks import NETWORKS
from samples import network, random_images, randomize

from cnn_tui.engine.build import build
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import load_preset

torch = pytest.importorskip(
    "torch", reason='PyTorch is not installed; pip install -e ".[test,peer]" brings it'
)
peer = importlib.import_module("torch_peer")

CLOSE = 1e-4
"""Of the largest value of an array, float32: what the issue asks for."""
EXACT = 1e-9
"""float64, where rounding cannot hide a wrong formula."""


def compare(described: Network, batch: int, dtype: Any, *, random: bool = True) -> None:
    model = build(described, dtype=dtype, seed=1)
    if random:
        randomize_gently(model)
    module = peer.to_torch(described).to(torch.float64 if dtype is np.float64 else None).eval()
    peer.copy_weights(model, module)
    images = random_images(described.input, batch, 3, dtype)
    with closing(model), model.opened(images) as inside:
        outputs: dict[str, Any] = {}
        for name in inside.layers:
            module.get_submodule(name).register_forward_hook(keeping(outputs, name))
        pixels = torch.tensor(images, requires_grad=True)
        scores = module(pixels).flatten(1)
        labels = [number % scores.shape[1] for number in range(batch)]
        scores[range(batch), labels].sum().backward()
        tolerance = CLOSE if dtype is np.float32 else EXACT
        for name, theirs in outputs.items():
            found = inside.output(name)
            assert_close(found, theirs.detach().numpy().reshape(found.shape), tolerance, name)
            found = inside.gradient(name, labels)
            assert_close(found, theirs.grad.numpy().reshape(found.shape), tolerance, f"d{name}")
        assert_close(inside.input_gradient(labels), pixels.grad.numpy(), tolerance, "the input")


def keeping(outputs: dict[str, Any], name: str) -> Any:
    def keep(module: Any, given: Any, output: Any) -> None:
        output.retain_grad()
        outputs[name] = output

    return keep


def randomize_gently(model: Any) -> None:
    """Random biases, norms and statistics; weights of He's size, so that nothing saturates."""
    weights = {name: p.data.copy() for name, p in model.parameters.items() if p.role == "weight"}
    randomize(model)
    for name, values in weights.items():
        model.parameters[name].data[...] = values


def assert_close(found: np.ndarray, expected: np.ndarray, tolerance: float, what: str) -> None:
    scale = float(np.abs(expected).max()) or 1.0
    np.testing.assert_allclose(
        found / scale, expected / scale, rtol=0, atol=tolerance, err_msg=what
    )


ANY = Choice(widths=(3, 16, 18))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@settings(max_examples=50)
@given(described=networks(ANY), batch=st.integers(1, 9))
def test_random_network(described: Network, batch: int, dtype: Any) -> None:
    try:
        compare(described, batch, dtype)
    except RuntimeError as error:  # PyTorch pads a pool by no more than half its window
        assert "at most half" in str(error)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NETWORKS)
def test_network(name: str, dtype: Any) -> None:
    shape, layers = NETWORKS[name]
    compare(network(shape, *layers, classes=10), 5, dtype)


@pytest.mark.parametrize("name", ["lenet5", "cifar-convnet", "resnet20", "all-conv"])
def test_preset(name: str) -> None:
    compare(load_preset(name), 2, np.float64, random=False)
