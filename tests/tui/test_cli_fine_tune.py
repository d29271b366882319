"""``cnn-tui train --from RUN``: weights of a run, a new head, frozen layers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cnn_tui.engine.export.states import read_state
from cnn_tui.engine.runs.folder import RunFolder


@pytest.fixture
def trained(cli: Callable, tmp_path: Path) -> Path:
    runs = tmp_path / "runs"
    words = ("train", "digits-convnet", "--epochs", "1", "--runs-dir", str(runs))
    assert cli(*words)[0] == 0
    return runs


def started(out: str) -> dict:
    return json.loads(out.splitlines()[0])


def test_a_run_trains_on_with_frozen_layers(cli: Callable, trained: Path) -> None:
    (origin,) = trained.iterdir()
    before = read_state(RunFolder(origin))
    words = ("--from", origin.name, "--freeze", "relu2", "--epochs", "1", "--json")
    code, out, err = cli("train", *words, "--runs-dir", str(trained))
    assert (code, err) == (0, "")
    assert started(out)["arch"] == "digits-convnet"
    (other,) = (path for path in trained.iterdir() if path != origin)
    after = read_state(RunFolder(other))
    same = {
        name for name in after.weights if np.array_equal(before.weights[name], after.weights[name])
    }
    assert same == {"conv1.weight", "conv1.bias"}
    assert RunFolder(other).info().origin == origin.name
    assert RunFolder(other).network().training.freeze == "relu2"
    assert started(out)["origin"] == origin.name
    code, _, err = cli("reproduce", other.name, "--runs-dir", str(trained))
    assert code == 1 and f"cnn-tui train --from {origin.name}" in err


def test_a_new_head_for_other_classes(cli: Callable, trained: Path, tmp_path: Path) -> None:
    (origin,) = trained.iterdir()
    x = np.random.default_rng(0).integers(0, 255, (60, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "three.npz", x=x, y=np.arange(60) % 3)
    words = ("--from", origin.name, "--new-head", "3", "--data", str(tmp_path / "three.npz"))
    code, out, err = cli("train", *words, "--epochs", "1", "--json", "--runs-dir", str(trained))
    assert code == 0, err
    assert len(started(out)["classes"]) == 3


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "Missing argument 'ARCH'"),
        (("lenet5", "--new-head", "3"), "--new-head needs --from RUN"),
        (("--from", "nobody"), "nobody"),
        (("svm-linear", "--from", "RUN", "--data", "digits"), "do not fit"),
        (("--from", "RUN", "--freeze", "conv9"), "there is no layer called conv9"),
    ],
)
def test_wrong_words_are_refused(
    cli: Callable, trained: Path, words: tuple[str, ...], says: str
) -> None:
    (origin,) = trained.iterdir()
    given = [origin.name if word == "RUN" else word for word in words]
    code, _, err = cli("train", *given, "--runs-dir", str(trained))
    assert code in (1, 2) and says in err, err
    assert list(trained.iterdir()) == [origin]
