"""``import`` in this process, and foreign files given to the app."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from driving import text, type_in
from runs_made import until
from scripted import SMALL
from textual.widgets import Input

from cnn_tui.engine.specs.codec import load_network
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.screens.dialog import Prompt

SOURCE = """
from torch import nn
model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3), nn.Softmax(1))
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(SOURCE)
    return tmp_path


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
