"""``evaluate``: the figures of a run on its test images and on other data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnn_tui.engine.data.built_in import load_digits
from cnn_tui.engine.runs.folder import open_run
from cnn_tui.engine.runs.lines import read_events
from cnn_tui.engine.training.events import RunEnded

NETWORK = """
name = "quick"
input = [1, 8, 8]
layers = [{{ type = "fc", out_features = 10 }}]
loss = {{ type = "{loss}" }}

[training]
epochs = 4
optimizer = "adam"
lr = 0.01
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from cnn_tui.tui.cli.main import main

    root = tmp_path_factory.mktemp("evaluate")
    for loss in ("softmax", "svm"):
        file = root / f"{loss}.toml"
        file.write_text(NETWORK.format(loss=loss).replace('"quick"', f'"{loss}"'))
        assert main(["train", str(file), "--runs-dir", str(root / "runs")]) == 0
    return root / "runs"


def measured(cli, runs: Path, *words: Any, run: str = "softmax-1") -> dict[str, Any]:
    code, out, err = cli("evaluate", run, *words, "--runs-dir", runs, "--json")
    assert (code, err) == (0, "")
    found: dict[str, Any] = json.loads(out)
    return found


@pytest.mark.parametrize("run", ["softmax-1", "svm-1"])
def test_the_test_images_are_measured_as_at_the_end_of_the_run(cli, runs: Path, run: str) -> None:
    found = measured(cli, runs, "--state", "last", run=run)
    (ended,) = (e for e in read_events(open_run(runs, run).events_file) if isinstance(e, RunEnded))
    assert (found["split"], found["images"]) == ("test", 360)
    assert found["accuracy"] == pytest.approx(ended.test_accuracy)
    assert found["loss"] == pytest.approx(ended.test_loss, rel=1e-4)
    assert (found["calibration"] is None) == (run == "svm-1")


def test_the_figures_belong_together(cli, runs: Path) -> None:
    found = measured(cli, runs)
    matrix = np.array(found["matrix"])
    assert matrix.sum() == 360 and matrix.trace() == round(found["accuracy"] * 360)
    recalls = matrix.diagonal() / matrix.sum(1)
    assert [one["recall"] for one in found["per_class"]] == pytest.approx(recalls.tolist())
    assert found["balanced_accuracy"] == pytest.approx(recalls.mean())
    assert found["largest_share"] == pytest.approx(matrix.sum(1).max() / 360)
    calibration = found["calibration"]
    assert sum(part["images"] for part in calibration["bins"]) == 360
    right = sum(part["accuracy"] * part["images"] for part in calibration["bins"])
    assert right == pytest.approx(found["accuracy"] * 360)


def test_a_split_and_a_state_are_chosen(cli, runs: Path) -> None:
    assert measured(cli, runs, "--split", "train")["images"] == 1257
    assert measured(cli, runs, "--split", "all")["images"] == 1797
    assert measured(cli, runs, "--data", "digits")["split"] == "test", "its own data"


@pytest.fixture
def saved(tmp_path: Path):
    """A file of test digits, changed by a function, with their labels."""

    def save(change=lambda images: images, kept=range(10), names=None) -> Path:
        test = load_digits().test
        chosen = np.isin(test.labels, list(kept))
        arrays = {"x": change(np.asarray(test.images)[chosen]), "y": test.labels[chosen]}
        if names is not None:
            arrays["y"] = np.array(names)[arrays["y"]]
        np.savez(tmp_path / "other.npz", **arrays)
        return tmp_path / "other.npz"

    return save


def test_other_data_is_measured_whole(cli, runs: Path, saved) -> None:
    found = measured(cli, runs, "--data", saved())
    assert (found["split"], found["images"], found["data"]) == ("all", 360, "other")
    assert found["accuracy"] == measured(cli, runs)["accuracy"]


def test_classes_are_matched_by_their_names(cli, runs: Path, saved) -> None:
    """A part of the classes, which are numbered otherwise there: 3 is the first of four."""
    found = measured_with_note(cli, runs, saved(kept=(3, 5, 8, 9), names=list("0123456789")))
    whole = np.array(measured(cli, runs)["matrix"])
    assert np.array(found["matrix"])[[3, 5, 8, 9]].tolist() == whole[[3, 5, 8, 9]].tolist()
    assert found["balanced_accuracy"] == pytest.approx(
        (whole.diagonal() / whole.sum(1))[[3, 5, 8, 9]].mean()
    )
    assert found["notes"] == ["No image is of the class 0 and 5 more."]


def measured_with_note(cli, runs: Path, data: Path) -> dict[str, Any]:
    code, out, err = cli("evaluate", "softmax-1", "--data", data, "--runs-dir", runs, "--json")
    assert code == 0 and err.startswith("cnn-tui: note: ")
    found: dict[str, Any] = json.loads(out)
    return found


def test_other_names_of_classes_are_told(cli, runs: Path, saved) -> None:
    names = [f"digit{n}" for n in range(10)]
    found = measured_with_note(cli, runs, saved(names=names))
    assert "digit0 is taken for 0" in found["notes"][0]
    code, out, err = cli(
        "evaluate", "softmax-1", "--data", saved(kept=(1, 2), names=names), "--runs-dir", runs
    )
    assert (code, out) == (1, "")
    assert "has 2 classes, the network gives 10 scores. The network does not know digit1." in err


def test_pixels_of_another_scale_are_told(cli, runs: Path, saved) -> None:
    data = saved(lambda images: (images / 16).astype(np.float32))
    found = measured_with_note(cli, runs, data)
    assert "scaled otherwise than those of the training" in found["notes"][0]


def test_plain_text(cli, runs: Path) -> None:
    code, out, err = cli("evaluate", "softmax-1", "--runs-dir", runs)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert "on 360 test images of digits" in lines[0]
    assert lines[1].startswith("accuracy ") and "balanced " in lines[1]
    assert any(line.startswith("true \\ given") for line in lines)
    assert any("calibration error (ECE)" in line for line in lines)
    assert out.replace("\n", "").isprintable() and max(map(len, lines)) <= 100
    assert "calibration" not in cli("evaluate", "svm-1", "--runs-dir", runs).out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--data", "small.npz"), "are 1x6x6, the network expects 1x8x8"),
        (("--data", "nowhere"), "There is no dataset called 'nowhere'"),
        (("--state", "7777"), "7777"),
    ],
)
def test_mistakes_are_one_line(
    cli, runs: Path, words: tuple[str, ...], said: str, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez("small.npz", x=np.zeros((40, 6, 6), np.uint8), y=np.arange(40) % 10)
    code, out, err = cli("evaluate", "softmax-1", *words, "--runs-dir", runs)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert said in err
