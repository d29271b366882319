"""Weights that PyTorch has saved: read through ``weights_only``, anything else refused."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing import tensor_file
from cnn_tui.engine.importing.weights import import_weights
from cnn_tui.engine.specs.layers import FC, Conv, ReLU
from cnn_tui.engine.specs.network import Network

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

NETWORK = Network(
    name="pair",
    input=(1, 4, 4),
    layers=(Conv(out_channels=2, padding="same"), ReLU(), FC(out_features=3)),
)


def peer() -> torch.nn.Module:
    torch.manual_seed(1)
    body = torch.nn.Conv2d(1, 2, 3, padding=1)
    return torch.nn.ModuleDict({"body": body, "head": torch.nn.Linear(32, 3)})


@pytest.mark.parametrize("wrapped", [False, True])
def test_the_order_of_a_state_dict_is_that_of_its_modules(tmp_path: Path, wrapped: bool) -> None:
    state = peer().state_dict()
    content = {"state_dict": state, "epoch": 3, "optimizer": {"lr": 0.1}} if wrapped else state
    torch.save(content, tmp_path / "w.pth")
    imported = import_weights(tmp_path / "w.pth", NETWORK)
    assert imported.held is not None
    for ours, theirs in {"conv1": "body", "fc3": "head"}.items():
        for kind in ("weight", "bias"):
            expected = state[f"{theirs}.{kind}"].numpy()
            assert (imported.held.arrays[f"{ours}.{kind}"] == expected).all()
    assert "order" in imported.notes[0]


def test_half_precision_is_converted(tmp_path: Path) -> None:
    torch.save(peer().bfloat16().state_dict(), tmp_path / "w.pt")
    imported = import_weights(tmp_path / "w.pt", NETWORK)
    assert imported.held is not None
    assert {array.dtype for array in imported.held.arrays.values()} == {np.dtype(np.float32)}


class Canary:
    """Writes a file where a reader runs what a pickle says."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> object:
        return Path.touch, (self.path,)


def test_nothing_in_a_file_is_run(tmp_path: Path) -> None:
    hit = tmp_path / "hit"
    torch.save({"conv1.weight": Canary(hit)}, tmp_path / "new.pt")
    (tmp_path / "old.pt").write_bytes(pickle.dumps(Canary(hit)))
    torch.save(peer(), tmp_path / "whole.pt")
    for name in ("new.pt", "old.pt", "whole.pt"):
        with pytest.raises(SpecError) as caught:
            import_weights(tmp_path / name, NETWORK)
        assert "not read" in caught.value.message and str(caught.value).isprintable()
        assert not hit.exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"x" * 100])
def test_damaged_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "w.pt").write_bytes(content)
    with pytest.raises(SpecError) as caught:
        import_weights(tmp_path / "w.pt", NETWORK)
    assert str(caught.value).isprintable()


def test_a_file_without_tensors_is_refused(tmp_path: Path) -> None:
    torch.save({"epoch": 3, 5: torch.zeros(2)}, tmp_path / "w.pt")
    with pytest.raises(SpecError, match="holds no tensors"):
        import_weights(tmp_path / "w.pt", NETWORK)


def test_a_pytorch_whose_promise_was_broken_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save(peer().state_dict(), tmp_path / "w.pt")
    monkeypatch.setattr(torch, "__version__", "2.5.1+cpu")
    with pytest.raises(SpecError, match=r"2\.5\.1") as caught:
        import_weights(tmp_path / "w.pt", NETWORK)
    assert "2.6" in caught.value.hint
    assert tensor_file._SAFE_TORCH == (2, 6)
