"""``import`` in this process, and foreign files given to the app."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from driving import text, type_in
from PIL import Image
from runs_made import until
from scripted import SMALL
from textual.widgets import Input

from cnn_tui.engine.export.states import read_state
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.specs.codec import load_network
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.screens.dialog import Prompt, Question

SOURCE = """
from torch import nn
model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3), nn.Softmax(1))
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(SOURCE)
    return tmp_path


def test_an_architecture_needs_no_import(cli, folder: Path) -> None:
    (folder / "net.toml").write_text("")
    code, out, err = cli("import", "net.toml")
    assert (code, out) == (1, "") and "net.toml needs no import. Check it with" in err


def test_an_architecture_is_written(cli, folder: Path) -> None:
    code, out, err = cli("import", "net.py", "--input", "1,8,8")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "wrote net.toml: 3 layers, 475 parameters, for images of 1x8x8, without weights",
        "note: its softmax is left out: it is part of the loss here",
    ]
    assert load_network(folder / "net.toml").layers[0].out_channels == 4
    code, _, err = cli("import", "net.py", "--input", "1,8,8")
    assert code == 1 and "net.toml already exists" in err and err.count("\n") == 1
    assert cli("import", "net.py", "--input", "1,8,8", "--force").code == 0
    out = cli("import", "net.py", "--input", "1x8x8", "-o", "other.toml", "--json").out
    assert json.loads(out) == {
        "file": "other.toml",
        "name": "net",
        "input": [1, 8, 8],
        "layers": 3,
        "params": 475,
        "valid": True,
        "notes": ["its softmax is left out: it is part of the loss here"],
        "run": None,
        "difference": None,
    }
    assert cli("check", "net.toml").code == 0


def test_nothing_is_written_of_what_has_no_counterpart(cli, folder: Path) -> None:
    (folder / "net.py").write_text(SOURCE.replace("ReLU", "Mish"))
    for words in (("net.py", "--input", "1,8,8"), ("net.py",), ("no.onnx",), ("net.pth",)):
        code, out, err = cli("import", *words)
        assert (code, out) == (1, "") and err.count("\n") == 1
    assert cli("import", "net.py", "--input", "1,8").code == 2
    assert [path.name for path in folder.iterdir()] == ["net.py"]


@pytest.fixture
def model(folder: Path) -> Path:
    """A small ONNX network with weights."""
    onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
    helper, rng = onnx.helper, np.random.default_rng(0)
    shapes = {"w": (4, 3, 3, 3), "b": (4,), "full": (5, 4)}
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["g"]),
        helper.make_node("Flatten", ["g"], ["f"]),
        helper.make_node("Gemm", ["f", "full"], ["y"], transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["N", 3, 8, 8])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["N", 5])],
        [
            onnx.numpy_helper.from_array(rng.random(shape, np.float32) - np.float32(0.5), name)
            for name, shape in shapes.items()
        ],
    )
    opset = helper.make_opsetid("", 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), folder / "small.onnx")
    return folder / "small.onnx"


def test_the_weights_of_an_onnx_file_become_a_run(cli, folder: Path, model: Path) -> None:
    runs = ("--runs-dir", "runs")
    code, out, err = cli("import", "small.onnx", *runs)
    assert (code, err) == (0, "")
    assert out.splitlines()[:2] == [
        "wrote small.toml: 4 layers, 132 parameters, for images of 3x8x8",
        "kept its weights as the run small-1",
    ]
    assert "those from 0 to 1 are taken as they are; --mean and --std tell it" in out
    Image.new("RGB", (9, 9), (250, 20, 70)).save("a.png")
    told = cli("predict", "small-1", "a.png", "--top", "5", *runs)
    assert told.code == 0 and told.out.count("%") == 5
    assert cli("export", "small-1", "--format", "onnx", "--output", "back.onnx", *runs).code == 0
    back = cli("import", "back.onnx", "-o", "back.toml", "--json", *runs)
    assert json.loads(back.out)["run"] == "small-2" and "note" not in back.err
    states = [read_state(RunFolder(folder / "runs" / f"small-{n}")).weights for n in (1, 2)]
    assert states[0].keys() == states[1].keys()
    for name, array in states[0].items():
        np.testing.assert_array_equal(states[1][name], array)
    assert (folder / "back.toml").read_bytes() == (folder / "small.toml").read_bytes()
    shown = cli("inspect", "small-1", "filters", "--json", *runs)
    assert shown.code == 0


def test_onnxruntime_is_asked_where_it_is_installed(cli, model: Path) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime, to compare with, is not installed")
    out = cli("import", "small.onnx", "--runs-dir", "runs").out
    assert "compared with onnxruntime on random pixels" in out and "differ\n" not in out
    told = cli("import", "small.onnx", "--runs-dir", "runs", "-o", "b.toml", "--json").out
    assert 0 <= json.loads(told)["difference"] < 1e-5


def test_how_pixels_were_normalised_may_be_told(cli, folder: Path, model: Path) -> None:
    means = ("--mean", "0.4,0.5,0.6", "--std", "0.25", "--runs-dir", "runs")
    out = cli("import", "small.onnx", *means).out
    assert "--mean and --std" not in out
    state = read_state(RunFolder(folder / "runs" / "small-1"))
    np.testing.assert_allclose(state.normalizer.mean.ravel(), [0.4, 0.5, 0.6])
    np.testing.assert_allclose(state.normalizer.std.ravel(), [0.25] * 3)
    (folder / "small.toml").unlink()
    for wrong in ("--mean=0.4,0.5", "--std=0"):
        code, out, err = cli("import", "small.onnx", wrong, "--runs-dir", "runs")
        assert (code, out) == (1, "") and err.count("\n") == 1
    assert cli("import", "small.onnx", "--mean", "much").code == 2
    assert not (folder / "small.toml").exists()
    assert [path.name for path in (folder / "runs").iterdir()] == ["small-1"]


def test_an_architecture_alone(cli, folder: Path, model: Path) -> None:
    out = cli("import", "small.onnx", "--architecture-only", "--json", "--runs-dir", "runs").out
    assert json.loads(out)["run"] is None and json.loads(out)["difference"] is None
    assert not (folder / "runs").exists() and (folder / "small.toml").exists()


def test_other_commands_say_how_to_take_such_a_file(cli) -> None:
    for command in ("check", "train"):
        code, _, err = cli(command, "net.py")
        assert code == 1 and "cnn-tui import net.py" in err and err.count("\n") == 1


@pytest.mark.parametrize("named", ["INPUT = (1, 8, 8)", ""], ids=["with its size", "without"])
async def test_the_app_opens_such_a_file(
    make_app: Callable[..., CnnTuiApp], folder: Path, named: str
) -> None:
    (folder / "net.py").write_text(SOURCE + named)
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("o")
        await pilot.pause()
        await type_in(pilot, "net.py")
        await pilot.press("enter")
        if named:
            await until(pilot, lambda: app.builder.report.total_params == 475)
            words = " ".join(note.message for note in app._notifications)
            assert "net" in text(app, "Header")
            assert app.builder.document.source is None and "weights are not imported" in words
        else:
            await until(pilot, lambda: isinstance(app.screen, Prompt))
            # The smallest that fits is suggested; without an answer nothing is opened.
            assert isinstance(app.screen, Prompt) and app.screen.query_one(Input).value == "1x8x8"
            await pilot.press("escape")
            await app.workers.wait_for_complete()
            await pilot.pause()
            assert app.builder.network == SMALL
            assert "size of its images" in " ".join(note.message for note in app._notifications)


@pytest.mark.parametrize("answer", ["w", "a", "escape"])
async def test_the_app_keeps_the_weights_of_a_file_if_that_is_wanted(
    make_app: Callable[..., CnnTuiApp], folder: Path, model: Path, answer: str
) -> None:
    app = make_app()
    app.places.runs = folder / "runs"
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("o")
        await type_in(pilot, "small.onnx")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press(answer)
        await app.workers.wait_for_complete()
        assert (app.builder.network == SMALL) == (answer == "escape")
        assert (folder / "runs").exists() == (answer == "w")
        assert (app.builder.start is not None) == (answer == "w")


async def test_the_app_asks_for_the_size_of_the_images(make_app: Callable[..., CnnTuiApp]) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("o")
        await pilot.pause()
        await type_in(pilot, "net.py")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Prompt))
        await pilot.press("enter")
        await until(pilot, lambda: app.builder.report.total_params == 475)
