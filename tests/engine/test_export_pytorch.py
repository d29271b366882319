"""Exported PyTorch source, run as it is: the same scores from the same weights."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from exported import BLOCKS, CLASHING, EVERY_LAYER, scores_of, small_presets, state_of

from cnn_tui.engine.export.modules import TAKEN, modules, state_dict, write_weights
from cnn_tui.engine.export.pytorch import torch_source
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import load_preset

torch = pytest.importorskip("torch", reason="PyTorch, to run what was exported, is not installed")
safetensors = pytest.importorskip("safetensors.torch", reason="safetensors is not installed")


def imported(source: str, path: Path) -> ModuleType:
    path.write_text(source)
    module = ModuleType("exported")
    exec(compile(source, str(path), "exec"), module.__dict__)
    return module


@pytest.mark.parametrize(
    "network",
    [EVERY_LAYER, CLASHING, BLOCKS, *small_presets()],
    ids=lambda network: network.name,
)
def test_scores_are_the_same(network: Network, tmp_path: Path) -> None:
    state = state_of(network)
    write_weights(state, tmp_path / "weights.safetensors")
    exported = imported(torch_source(state, "weights.safetensors"), tmp_path / "network.py")
    peer = exported.build()
    peer.load_state_dict(safetensors.load_file(tmp_path / "weights.safetensors"))
    peer.eval()
    pixels = np.random.default_rng(0).random((4, *network.input), dtype=np.float32) * 3
    images = state.normalizer.apply(pixels)
    ours, exact = (scores_of(state, images.astype(dtype)) for dtype in (np.float32, np.float64))
    with torch.no_grad():
        theirs = peer(exported.normalize(torch.from_numpy(pixels))).numpy()
    # Random statistics let rounding grow from layer to layer, on both sides alike.
    most = max(3 * np.abs(ours - exact).max(), 1e-6 * np.abs(theirs).max())
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=most)
    assert theirs.shape == (4, len(state.classes))


def test_the_source_is_plain_to_read(tmp_path: Path) -> None:
    source = torch_source(state_of(load_preset("lenet5")), "lenet5.safetensors")
    assert '("conv1", nn.Conv2d(1, 6, 5, padding=2)),' in source
    assert "class" not in source.replace("CLASSES", "")
    exported = imported(torch_source(state_of(EVERY_LAYER), "w"), tmp_path / "n.py")
    assert exported.CLASSES == ("a", 'b"', "c\\")
    lines = torch_source(state_of(load_preset("resnet20")), "w").splitlines()
    assert max(map(len, lines)) <= 120


def test_blocks_are_modules_with_the_names_of_the_engine() -> None:
    state = state_of(BLOCKS)
    source = torch_source(state, "w")
    assert "*(\n" in source and source.count("for _ in range(3)") == 1
    assert " nn.Unflatten(1, (16, 1, 1)))," in source
    counts = {name for name in state_dict(state) if name.endswith("num_batches_tracked")}
    names = {name: name for name in state.weights}
    assert state_dict(state).keys() - counts == names.keys()
    assert "repeat2.2.parallel1.a.new.weight" in names and "shares.b.repeat1.3.conv1.bias" in names


def test_no_layer_is_called_like_an_attribute_of_pytorch() -> None:
    containers = (torch.nn.Sequential(), torch.nn.ModuleDict())
    public = {n for one in containers for n in dir(one) if not n.startswith("_")}
    assert public <= TAKEN
    keys = [module.key for module in modules(EVERY_LAYER)]
    assert keys[0] == "layer_train" and keys[4:6] == ["a_b_c", "a_b_c_"]


def test_weights_alone_bear_the_names_of_the_module() -> None:
    names = state_dict(state_of(EVERY_LAYER))
    assert "a_b_c.conv1.weight" in names and "residual7.shortcut.bn2.running_var" in names
    assert names["bn2.num_batches_tracked"].dtype == np.int64
    assert sys.byteorder == "little"
