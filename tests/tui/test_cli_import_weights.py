"""``import --into``: weights by themselves become a run that other commands open."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from cnn_tui.engine.build import build
from cnn_tui.engine.runs.tensors import plain_encode
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.engine.transforms.carry import weights_of

ARCH = "two-layer"


@pytest.fixture
def weights() -> dict[str, np.ndarray]:
    with closing(build(load_preset(ARCH), seed=5)) as model:
        return weights_of(model)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, weights: dict[str, np.ndarray]) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"".join(map(bytes, plain_encode(weights))))
    return path


def test_the_run_is_named_and_opens(cli: Callable, tmp_path: Path, file: Path) -> None:
    runs = ("--runs-dir", str(tmp_path / "runs"))
    code, out, err = cli("import", file.name, "--into", ARCH, *runs)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "kept the weights as the run two-layer-1: two-layer, 7,510 parameters, for images of 1x8x8",
        "note: the tensors were found by the names of an exported module",
        "note: pixels from 0 to 1 are taken as they are; --mean and --std say otherwise",
    ]
    out = cli(
        "export", "two-layer-1", "--format", "safetensors", "--output", "b.safetensors", *runs
    )
    assert out.code == 0
    # What was exported is read again, and is the same to the bit.
    assert cli("import", "b.safetensors", "--into", ARCH, *runs).code == 0
    again = cli(
        "export", "two-layer-2", "--format", "safetensors", "--output", "c.safetensors", *runs
    )
    assert again.code == 0
    assert (tmp_path / "b.safetensors").read_bytes() == (tmp_path / "c.safetensors").read_bytes()


def test_json_has_the_fields_of_every_import(cli: Callable, tmp_path: Path, file: Path) -> None:
    runs = ("--runs-dir", str(tmp_path / "runs"))
    code, out, err = cli(
        "import", file.name, "--into", ARCH, "--mean", "0.5", "--std", "0.25", "--json", *runs
    )
    assert (code, err) == (0, "")
    written = json.loads(out)
    assert written == {
        "file": str(tmp_path / "runs" / "two-layer-1" / "network.toml"),
        "name": ARCH,
        "input": [1, 8, 8],
        "layers": written["layers"],
        "params": 7510,
        "valid": True,
        "notes": ["the tensors were found by the names of an exported module"],
        "run": "two-layer-1",
        "difference": None,
    }


def test_what_does_not_fit_leaves_nothing(cli: Callable, tmp_path: Path, file: Path) -> None:
    runs = ("--runs-dir", str(tmp_path / "runs"))
    for arch in ("three-layer", "resnet18", "nothing"):
        code, out, err = cli("import", file.name, "--into", arch, *runs)
        assert (code, out) == (1, "") and err.count("\n") == 1
    assert not list(tmp_path.glob("runs/*"))
    code, _, err = cli("import", file.name, *runs)
    assert code == 1 and "--into" in err


def test_the_network_comes_from_one_place(cli: Callable, file: Path) -> None:
    for also in (("-o", "a.toml"), ("--input", "1,8,8"), ("--name", "a"), ("--architecture-only",)):
        code, out, err = cli("import", file.name, "--into", ARCH, *also)
        assert (code, out) == (2, "") and "--into" in err
