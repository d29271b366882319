"""``export`` and ``predict`` in this process."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from cnn_tui.engine.data.built_in import load_digits
from cnn_tui.engine.data.catalog import load_dataset
from cnn_tui.engine.runs.folder import open_run
from cnn_tui.engine.runs.lines import read_events
from cnn_tui.engine.training.events import EpochCompleted

NETWORK = """
name = "quick"
input = [1, 8, 8]
layers = [
  { type = "fc", out_features = 32 },
  { type = "relu" },
  { type = "fc", out_features = 10 },
]

[training]
epochs = 8
optimizer = "adam"
lr = 0.01
"""

MNIST = """
name = "net"
input = [1, 28, 28]
data = "mnist"
layers = [{ type = "fc", out_features = 10 }]

[training]
epochs = 1
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from cnn_tui.tui.cli.main import main

    root = tmp_path_factory.mktemp("export")
    (root / "quick.toml").write_text(NETWORK)
    assert main(["train", str(root / "quick.toml"), "--runs-dir", str(root / "runs")]) == 0
    return root / "runs"


@pytest.fixture
def epochs(runs: Path) -> list[EpochCompleted]:
    events = read_events(open_run(runs, "quick-1").events_file)
    return [event for event in events if isinstance(event, EpochCompleted)]


def test_csv_holds_every_figure_to_the_bit(cli, runs: Path, epochs: list[EpochCompleted]) -> None:
    code, out, err = cli("export", "quick-1", "--runs-dir", runs)
    assert (code, err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [int(row["epoch"]) for row in rows] == list(range(1, 9))
    assert [float(row["val_loss"]) for row in rows] == [epoch.val_loss for epoch in epochs]
    steps = cli("export", "quick-1", "--runs-dir", runs, "--steps").out
    assert len(steps.splitlines()) == 1 + 8 * 20


def test_json_is_one_array(cli, runs: Path, epochs: list[EpochCompleted], tmp_path: Path) -> None:
    rows = json.loads(cli("export", "quick-1", "--runs-dir", runs, "--format", "json").out)
    assert [row["train_loss"] for row in rows] == [epoch.train_loss for epoch in epochs]
    file = tmp_path / "steps.json"
    options = ("--format", "json", "--steps", "--output", file)
    assert cli("export", "quick-1", "--runs-dir", runs, *options).code == 0
    assert len(json.loads(file.read_text())) == 160


def test_networks_are_named_after_the_run(
    cli, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, _ = cli("export", "quick-1", "--runs-dir", runs, "--format", "pytorch")
    assert code == 0 and out.split() == ["wrote", "quick_1.py", "wrote", "quick_1.safetensors"]
    source = Path("quick_1.py").read_text()
    assert "pip install torch safetensors" in source and "from quick_1 import build" in source
    compile(source, "quick_1.py", "exec")
    for again in ("wrote quick-1.safetensors", "kept quick-1.safetensors: it has these weights"):
        code, out, _ = cli("export", "quick-1", "--runs-dir", runs, "--format", "safetensors")
        assert code == 0 and out.startswith(again)
    other = ("--format", "safetensors", "--state", "last")
    code, _, err = cli("export", "quick-1", "--runs-dir", runs, *other)
    assert code == 1 and "already exists" in err and err.count("\n") == 1
    Path("quick_1.py").unlink()
    Path("quick_1.safetensors").write_bytes(b"")
    code, _, err = cli("export", "quick-1", "--runs-dir", runs, "--format", "pytorch")
    assert code == 1 and "quick_1.safetensors already exists" in err
    assert not Path("quick_1.py").exists()
    both = ("--format", "pytorch", "--output", "x.safetensors", "--force")
    assert cli("export", "quick-1", "--runs-dir", runs, *both).code == 2
    options = ("--format", "safetensors", "--state", "last", "--force")
    assert cli("export", "quick-1", "--runs-dir", runs, *options).code == 0


def test_figures_for_tensorboard(
    cli, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    order = ("export", "quick-1", "--runs-dir", runs, "--format", "tensorboard")
    code, out, _ = cli(*order)
    assert code == 0 and out.startswith("wrote tensorboard/quick-1; tensorboard --logdir")
    first = sorted(tmp_path.rglob("*tfevents*"))
    assert [path.parent.name for path in first] == ["test", "train", "val"]
    code, _, err = cli(*order)
    assert code == 1 and "tensorboard/quick-1 already exists" in err and err.count("\n") == 1
    assert cli(*order, "--force").code == 0
    assert len(list(tmp_path.rglob("*tfevents*"))) == 3
    code, _, err = cli(*order, "--output", "/dev/null")
    assert code == 1 and "File exists" in err and err.count("\n") == 1


def test_training_writes_for_tensorboard(cli, tmp_path: Path) -> None:
    file = tmp_path / "quick.toml"
    file.write_text(NETWORK)
    board, runs = ("--tensorboard", tmp_path / "tb"), ("--runs-dir", tmp_path / "runs")
    assert cli("train", file, *runs, *board, "--epochs", 1).code == 0
    assert cli("resume", "quick-1", *runs, *board, "--epochs", 2).code == 0
    assert len(list((tmp_path / "tb" / "quick-1" / "train").iterdir())) == 2
    code, _, err = cli("train", file, *runs, *board, "--no-record")
    assert code == 2 and "--no-record" in err
    code, _, err = cli("train", file, *runs, "--tensorboard", file)
    assert code == 1 and "quick.toml: File exists" in err and err.count("\n") == 1
    assert len(list((tmp_path / "runs").iterdir())) == 1


def test_a_place_that_cannot_be_written(cli, runs: Path) -> None:
    for kind in ("csv", "safetensors"):
        options = ("--format", kind, "--output", "/dev/null/x")
        code, _, err = cli("export", "quick-1", "--runs-dir", runs, *options)
        assert code == 1 and "Not a directory" in err and err.count("\n") == 1


@pytest.fixture
def pictures(tmp_path: Path) -> list[tuple[Path, str]]:
    """Test images of the built-in digits as files, some larger, some in colour, and their class."""
    image_module = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    test = load_digits().test
    made = []
    for number in range(12):
        pixels = np.round(test.images[number, 0] * (255 / 16)).astype(np.uint8)
        picture = image_module.fromarray(pixels).resize((8 * (1 + number % 3),) * 2, 0)
        path = tmp_path / f"{number}.png"
        picture.convert("RGB" if number % 2 else "L").save(path)
        made.append((path, str(test.labels[number])))
    return made


def test_pictures_are_recognised(cli, runs: Path, pictures: list[tuple[Path, str]]) -> None:
    paths = [path for path, _ in pictures]
    code, out, err = cli("predict", "quick-1", *paths, "--runs-dir", runs, "--json")
    found = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (0, "") and [one["image"] for one in found] == list(map(str, paths))
    right = [
        one["guesses"][0]["label"] == label for one, (_, label) in zip(found, pictures, strict=True)
    ]
    assert sum(right) >= 10
    shares = [guess["probability"] for guess in found[0]["guesses"]]
    assert len(shares) == 3 and shares == sorted(shares, reverse=True) and sum(shares) <= 1


def test_plain_lines_and_inverted_pictures(
    cli, runs: Path, pictures: list[tuple[Path, str]], tmp_path: Path
) -> None:
    from PIL import Image, ImageOps

    inverted = tmp_path / "inverted.png"
    ImageOps.invert(Image.open(pictures[0][0])).save(inverted)
    lines = cli("predict", "quick-1", pictures[0][0], "--runs-dir", runs, "--top", 10).out
    assert len(lines.splitlines()) == 11 and "%" in lines
    again = cli("predict", "quick-1", inverted, "--invert", "--runs-dir", runs, "--top", 10).out
    assert again.splitlines()[1:] == lines.splitlines()[1:]


def test_a_picture_from_standard_input(
    cli, runs: Path, pictures: list[tuple[Path, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = pictures[0][0].read_bytes()
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(content)))
    piped = cli("predict", "quick-1", "-", "--runs-dir", runs, "--json").out
    named = cli("predict", "quick-1", pictures[0][0], "--runs-dir", runs, "--json").out
    assert json.loads(piped)["guesses"] == json.loads(named)["guesses"]


def test_bad_pictures_are_told_and_the_others_done(
    cli, runs: Path, pictures: list[tuple[Path, str]], tmp_path: Path
) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(pictures[0][0].read_bytes()[:40])
    args = ("predict", "quick-1", bad, pictures[0][0], tmp_path / "missing.png")
    code, out, err = cli(*args, "--runs-dir", runs)
    assert code == 1 and out.startswith(str(pictures[0][0]))
    assert [line.split(": ")[2] for line in err.splitlines()] == [str(bad), str(args[-1])]


def test_a_run_without_a_state_says_so(cli, runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "quick-1", tmp_path / "quick-1")
    shutil.rmtree(tmp_path / "quick-1" / "checkpoints")
    (tmp_path / "quick-1" / "best.safetensors").unlink()
    code, _, err = cli("export", "quick-1", "--format", "onnx", "--runs-dir", tmp_path)
    assert code == 1 and "has no checkpoint yet" in err and err.count("\n") == 1


def test_the_missing_extra_is_named(
    cli, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    words = ("export", "quick-1", "--format", "onnx", "--output", tmp_path / "x")
    code, _, err = cli(*words, "--runs-dir", runs)
    assert code == 1 and "pip install 'cnn-tui[onnx]'" in err and err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_standard_input_without_an_end(cli, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnn_tui.tui.cli.predict._MOST_BYTES", 4 << 20)
    with Path("/dev/zero").open("rb") as endless:
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=endless))
        code, _, err = cli("predict", "quick-1", "-", "--runs-dir", runs)
    assert code == 1 and "-: larger than 4 MB" in err


def test_real_digits_as_pictures(cli, mnist_dir: Path, tmp_path: Path) -> None:
    """Trained for an epoch, the network reads the test images from files of many kinds."""
    image_module = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    runs = ("--runs-dir", tmp_path / "runs")
    (tmp_path / "net.toml").write_text(MNIST)
    assert cli("train", tmp_path / "net.toml", "--data-dir", mnist_dir, *runs).code == 0
    test = load_dataset("mnist", mnist_dir).test
    labels = {}
    for number in range(60):
        picture = image_module.fromarray(test.images[number : number + 1][0, 0])
        kind = ("png", "jpg", "bmp", "webp")[number % 4]
        picture = picture.resize((28 * (1 + number % 3),) * 2)
        path = tmp_path / f"{number}.{kind}"
        picture.convert("RGB" if number % 5 else "L").save(path)
        labels[str(path)] = str(test.labels[number])
    out = cli("predict", "net-1", *labels, *runs, "--json", "--top", 1).out
    found = {one["image"]: one["guesses"][0]["label"] for one in map(json.loads, out.splitlines())}
    assert found.keys() == labels.keys()
    assert sum(found[path] == label for path, label in labels.items()) >= 52


@pytest.mark.parametrize("kind", ["csv", "json", "safetensors", "pytorch"])
def test_a_place_that_cannot_be_written_is_named(cli, runs, tmp_path, kind) -> None:
    place = tmp_path / "missing" / "file.py"
    options = ("--format", kind, "--output", place, "--runs-dir", runs)
    code, out, err = cli("export", "quick-1", *options)
    assert (code, out) == (1, "")
    assert f"{place.with_suffix('')}." in err and "cannot be written: No such file" in err


def test_of_safetensors_and_pytorch_either_may_come_first(
    cli, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(runs / "quick-1", tmp_path / "runs" / "wide")
    for kind in ("safetensors", "pytorch", "safetensors"):
        code, _, err = cli("export", "wide", "--runs-dir", "runs", "--format", kind)
        assert (code, err) == (0, "")


@pytest.mark.parametrize(
    ("run", "module"),
    [("lenet5-1", "lenet5_1"), ("3.layer-2", "net_3_layer_2"), ("class", "net_class"), ("a", "a")],
)
def test_modules_are_called_what_python_can_import(run: str, module: str) -> None:
    from cnn_tui.engine.export.modules import module_name

    assert module_name(run) == module and module.isidentifier()
