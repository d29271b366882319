"""Runs with the PyTorch engine: resumed, moved between engines, refused where it cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from samples import random_images
from sessions import Session, assert_same, noise_set, small_network
from two_engines import both, on, torch

from cnn_tui.engine import engines
from cnn_tui.engine.errors import EngineError, MemoryLimitError
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.specs.layers import (
    Dropout,
)
from cnn_tui.engine.specs.network import Network, Recipe
from cnn_tui.engine.training.events import Alert, BatchCompleted, RunEnded, RunStarted

DATA = noise_set()


def run(where: RunFolder | Path, described: Network, **how: Any) -> Session:
    return Session(where, described, DATA, threads=1, **how)


def test_a_run_resumes_to_the_same_bits_with_its_dropout(tmp_path: Path) -> None:
    described = on(small_network(optimizer="adam", keep_best=True), "torch")
    whole = run(tmp_path, described)
    assert whole.only(RunStarted)[0].engine.startswith("torch")
    first = run(tmp_path, described, stop_at=5)
    assert_same(run(first.folder, described).weights, whole.weights)


@pytest.mark.parametrize(("first", "second"), [("numpy", "torch"), ("torch", "numpy")])
def test_a_run_changes_its_engine_at_a_checkpoint(first: str, second: str, tmp_path: Path) -> None:
    described = small_network()
    layers = tuple(layer for layer in described.layers if not isinstance(layer, Dropout))
    described = msgspec.structs.replace(described, layers=layers)
    whole = run(tmp_path, on(described, first))
    begun = run(tmp_path, on(described, first), stop_at=4)
    last = run(begun.folder, on(described, second))
    assert "engine-changed" in [alert.code for alert in last.only(Alert)]
    for name, array in whole.weights.items():
        np.testing.assert_allclose(last.weights[name], array, rtol=1e-3, atol=1e-4, err_msg=name)
    assert last.events[-1].reason == "completed"


def test_a_state_of_another_optimizer_is_refused(tmp_path: Path) -> None:
    begun = run(tmp_path, on(small_network(optimizer="adam"), "numpy"), stop_at=4)
    refused = run(begun.folder, on(small_network(optimizer="sgd"), "torch")).only(RunEnded)[0]
    assert refused.reason == "failed" and "another architecture or recipe" in refused.message


def test_a_batch_that_the_device_cannot_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = torch.nn.Linear.forward

    def forward(self: Any, x: Any) -> Any:
        if len(x) > 4:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")
        return before(self, x)

    monkeypatch.setattr(torch.nn.Linear, "forward", forward)
    with both(small_network(), np.float32) as (_, engine):
        images = random_images((1, 6, 6), 32, dtype=np.float32)
        with pytest.raises(MemoryLimitError) as refused:
            engine.train_batch(images, np.zeros(32, int))
    assert refused.value.batch == 4
    assert str(refused.value) == (
        "The device cpu has too little memory for a batch of 32 images of small. Batches of 4 fit."
    )
    ended = run(tmp_path, on(small_network(), "torch"))
    assert ended.only(RunEnded)[0].reason == "failed" and ended.folder.states
    way = "Batches of 4 fit. Continue with: cnn-tui resume small-1 --batch-size 4"
    assert ended.only(RunEnded)[0].message.endswith(way)


def test_without_pytorch_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    with pytest.raises(EngineError, match=r"which is not installed\. Install it with pip install"):
        engines.make_engine(on(small_network(), "torch"))
    looking = engines.engine_to_look(on(small_network(), "torch"))
    assert looking.signature.startswith("numpy")
    looking.close()


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ({"device": "cuda"}, "finds no device cuda on this machine. It has: cpu"),
        ({"precision": "tf32"}, "The device cpu does not have the precision tf32"),
    ],
)
def test_a_device_or_precision_that_is_not_there(recipe: dict[str, str], words: str) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    described = msgspec.structs.replace(
        small_network(), training=Recipe(**{"engine": "torch", **recipe})
    )
    with pytest.raises(EngineError, match=words):
        engines.make_engine(described)


def test_bfloat16_learns_the_same_roughly(tmp_path: Path) -> None:
    exact = run(tmp_path, on(small_network(), "torch")).only(BatchCompleted)
    rough = run(tmp_path, on(small_network(), "torch", precision="bf16")).only(BatchCompleted)
    np.testing.assert_allclose(rough[-1].loss, exact[-1].loss, rtol=0.05)
