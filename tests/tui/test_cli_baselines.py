"""``cnn-tui baselines``, in this process."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

NAMES = ["knn", "linear-svm", "linear-softmax", "two-layer", "convnet"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Two classes that the brightness tells."""
    labels = np.arange(120) % 2
    noise = np.random.default_rng(0).integers(0, 100, (120, 8, 8))
    np.savez(tmp_path / "mine.npz", x=(noise + 150 * labels[:, None, None]).astype("u1"), y=labels)
    return tmp_path / "mine.npz"


def rungs(out: str) -> list[dict]:
    return [json.loads(line) for line in out.splitlines()]


def test_json_is_one_baseline_a_line_in_the_order_of_the_notes(
    cli, file: Path, tmp_path: Path
) -> None:
    args = ("baselines", "--data", file, "--epochs", 2, "--runs-dir", tmp_path / "runs")
    code, out, err = cli(*args, "--json")
    assert (code, err) == (0, "")
    found = rungs(out)
    assert [rung["baseline"] for rung in found] == NAMES
    for rung in found:
        assert rung["test_accuracy"] > 0.9 and not rung["done_before"]
        assert {"train_seconds", "predict_ms_per_image", "params", "run"} <= rung.keys()
    again = rungs(cli(*args, "--json").out)
    assert all(rung.pop("done_before") for rung in again)
    assert again == [{k: v for k, v in rung.items() if k != "done_before"} for rung in found]
    runs = json.loads(cli("runs", "--json", "--runs-dir", tmp_path / "runs").out)
    assert {run["name"] for run in runs} == {rung["run"] for rung in found}
    assert all(run["state"] == "completed" for run in runs)


def test_plain_output_is_lines_a_table_and_charts(cli, file: Path, tmp_path: Path) -> None:
    args = ("--data", "folder", "--data-dir", file, "--epochs", 1, "--runs-dir", tmp_path / "runs")
    code, out, err = cli("baselines", *args)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert [line.split(":")[0] for line in lines[:5]] == NAMES
    assert lines[6].split()[:3] == ["baseline", "test", "accuracy"]
    assert [line.split()[0] for line in lines[7:12]] == NAMES
    assert lines[7].split()[2] == "none" and lines[8].split()[2] != "none"
    assert "|####" in lines[13]
    assert any(line.strip().startswith("k = 1 |") and "±" in line for line in lines)


def test_some_rungs_alone(cli, file: Path, tmp_path: Path) -> None:
    args = ("--data", file, "--epochs", 1, "--runs-dir", tmp_path / "runs", "--json")
    only = ("--only", "linear-svm", "--only", "knn", "--k", 1, "--metric", "l1")
    found = rungs(cli("baselines", *args, *only).out)
    assert [rung["baseline"] for rung in found] == ["knn", "linear-svm"]
    assert (found[0]["k"], found[0]["metric"]) == (1, "l1")
    assert found[0]["cross_validation"] is None


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("--data", "mnist"), 1, "cnn-tui data fetch mnist"),
        (("--data", "digits", "--only", "knn", "--k", "5000"), 1, "from 1 to 1,437"),
        (("--only", "nonsense"), 2, "nonsense"),
        (("--epochs", "0"), 2, "--epochs"),
    ],
)
def test_mistakes_are_one_line(
    cli, args: tuple[str, ...], code: int, words: str, tmp_path: Path
) -> None:
    printed = cli("baselines", *args, "--runs-dir", tmp_path)
    assert (printed.code, printed.out) == (code, "")
    assert words in printed.err and printed.err.count("\n") == 1
