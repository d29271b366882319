"""Networks for ImageNet train from a bare install: what is offered in place of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from driving import text
from PIL import Image
from runs_made import until
from textual.pilot import Pilot

from cnn_tui.engine.data import built_in
from cnn_tui.engine.specs.layers import FC, AvgPool
from cnn_tui.engine.specs.network import Network, Recipe
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.screens.baselines import BaselinesScreen
from cnn_tui.tui.screens.datasets import DataScreen
from cnn_tui.tui.screens.dialog import Question
from cnn_tui.tui.screens.path_prompt import PathPrompt
from cnn_tui.tui.screens.preflight import PreflightDialog
from cnn_tui.tui.session import train

pytestmark = pytest.mark.slow

MakeApp = Callable[..., CnnTuiApp]
LARGE = Network(
    name="large",
    input=(3, 64, 64),
    data="imagenet",
    layers=(AvgPool(kernel_size=8), FC(out_features=1000)),
    training=Recipe(epochs=90, batch_size=256, lr=0.1),
)


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without data, on which shapes are drawn quickly."""
    for name in ("DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(built_in, "_MOST", 1000)


async def asked(app: CnnTuiApp, pilot: Pilot[None], key: str) -> str:
    await pilot.press(key)
    await until(pilot, lambda: isinstance(app.screen, Question))
    assert isinstance(app.screen, Question)
    return app.screen.words


async def test_two_keys_train_on_shapes_of_its_own_size(make_app: MakeApp) -> None:
    app = make_app(LARGE, runner=train)
    async with app.run_test(size=(80, 24)) as pilot:
        assert "ImageNet" in await asked(app, pilot, "f5")
        await pilot.press("s")
        await until(pilot, lambda: app.training.board.started is not None)
        started = app.training.board.started
        assert started and started.data == "shapes" and started.train_images == 800
        network = app.builder.network
        assert (network.input, network.layers[-1]) == ((3, 64, 64), FC(out_features=10))
        recipe = network.training
        assert (recipe.epochs, recipe.batch_size, recipe.lr) == (10, 32, pytest.approx(0.01))
        await pilot.press("1", "u")
        assert app.builder.network == LARGE, "it is one edit, which u undoes"
        await app.training.stop()


async def test_esc_in_the_prompt_leads_back_to_the_question(make_app: MakeApp) -> None:
    app = make_app(LARGE)
    async with app.run_test(size=(80, 24)) as pilot:
        await asked(app, pilot, "f5")
        await pilot.press("o")
        assert isinstance(app.screen, PathPrompt)
        await pilot.press("escape")
        assert isinstance(app.screen, Question)
        await pilot.press("escape")
        assert len(app.screen_stack) == 1 and app.builder.network == LARGE


async def test_pre_flight_and_baselines_offer_the_same(make_app: MakeApp) -> None:
    app = make_app(load_preset("resnet18"))
    async with app.run_test(size=(120, 40)) as pilot:
        for key, screen in (("f3", PreflightDialog), ("f7", BaselinesScreen)):
            assert "ImageNet" in await asked(app, pilot, key)
            await pilot.press("s")
            await until(pilot, lambda kind=screen: isinstance(app.screen, kind))
            assert app.builder.network.data == "shapes"
            await pilot.press("escape")
            await pilot.pause()
            await pilot.press("u")
            assert app.builder.network.data == "imagenet"


async def test_imagenette_is_downloaded_or_used_at_once(make_app: MakeApp) -> None:
    app = make_app(LARGE)
    async with app.run_test(size=(80, 24)) as pilot:
        await asked(app, pilot, "f5")
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, DataScreen))
        assert app.builder.network.data == "imagenette"
        await pilot.press("escape", "u")
        app.places.given["imagenette"] = Path.cwd()
        await asked(app, pilot, "f5")
        await pilot.press("i")
        await until(pilot, lambda: app.current_mode == "train")
        assert app.builder.network.data == "imagenette"


async def test_a_folder_of_ones_own_stays_imagenet(make_app: MakeApp) -> None:
    for name in ("n01440764", "n02102040"):
        for number in range(6):
            place = Path("mine", "train", name, f"{number}.JPEG")
            place.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (70, 80), (number, 9, 9)).save(place)
    two = msgspec.structs.replace(LARGE, layers=(AvgPool(kernel_size=8), FC(out_features=2)))
    app = make_app(two, runner=train)
    app.places.runs = Path.cwd() / "runs"
    async with app.run_test(size=(80, 24)) as pilot:
        await asked(app, pilot, "f5")
        await pilot.press("o")
        await until(pilot, lambda: isinstance(app.screen, PathPrompt))
        await pilot.press(*"mine", "enter")
        await until(pilot, lambda: app.places.lacks("imagenet") is None)
        assert app.places.data_of("ImageNet") == Path.cwd() / "mine"
        assert app.builder.network == two


async def test_damaged_pictures_are_named_and_can_be_left_out(make_app: MakeApp) -> None:
    for name in "ab":
        Path("mine", name).mkdir(parents=True)
        for number in range(10):
            Image.new("RGB", (70, 80), (number, 9, 9)).save(Path("mine", name, f"{number}.png"))
    Path("mine", "a", "bad.png").write_bytes(b"no picture")
    two = msgspec.structs.replace(
        LARGE, data="mine", layers=(AvgPool(kernel_size=8), FC(out_features=2))
    )
    app = make_app(two, runner=train)
    app.places.runs = Path.cwd() / "runs"
    async with app.run_test(size=(80, 24)) as pilot:
        assert "mine/a/bad.png: it is not a picture" in await asked(app, pilot, "f5")
        await pilot.press("w")
        await until(pilot, lambda: app.training.board.started is not None)
        started = app.training.board.started
        assert started and started.train_images + started.val_images + started.test_images == 20
        await app.training.stop()


async def test_what_is_done_first_is_told_and_can_be_stopped(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawing = built_in.draw
    app = make_app(LARGE, runner=train)

    def slow(labels: np.ndarray, *how: object) -> np.ndarray:
        app.training.session._control._stopping.wait(0.2)
        return drawing(labels, *how)

    monkeypatch.setattr(built_in, "draw", slow)
    async with app.run_test(size=(80, 24)) as pilot:
        await asked(app, pilot, "f5")
        await pilot.press("s")
        await until(pilot, lambda: "drawing shapes" in text(app, "#status"))
        app.training.session.stop()
        await until(pilot, lambda: "stopped: Stopped before the first step" in text(app, "#status"))


def test_the_command_says_what_can_be_done(cli, tmp_path: Path) -> None:
    code, out, err = cli("train", "alexnet")
    assert (code, out) == (1, "") and err.count("\n") == 1
    for words in ("--data shapes", "--data imagenette", "--data-dir DIR"):
        assert words in err
    code, out, err = cli("train", "resnet18", "--data", "shapes", "--epochs", "-1")
    assert code == 2, "options are still checked before anything slow is done"


def test_the_command_trains_on_shapes(cli, tmp_path: Path) -> None:
    file = tmp_path / "large.toml"
    file.write_text(
        'input = [3, 64, 64]\ndata = "imagenet"\n'
        'layers = [{ type = "avgpool", kernel_size = 8 }, { type = "fc", out_features = 1000 }]\n'
        "[training]\nlr = 0.1\nbatch_size = 256\n"
    )
    code, out, err = cli("train", file, "--data", "shapes", "--epochs", 2)
    assert code == 0 and "2 x 25 batches of 32" in out
    assert "10 scores, batch size 32 and lr 0.01" in err


async def test_the_baselines_tell_what_is_drawn_and_give_it_up_when_closed(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    go_on = threading.Event()
    drawing = built_in.draw

    def slow(labels: np.ndarray, *how: object) -> np.ndarray:
        go_on.wait(0.2)
        return drawing(labels, *how)

    monkeypatch.setattr(built_in, "draw", slow)
    app = make_app(LARGE)
    async with app.run_test(size=(80, 24)) as pilot:
        await asked(app, pilot, "f7")
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, BaselinesScreen))
        await until(pilot, lambda: "drawing shapes" in text(app, "#climb"))
        screen = app.screen
        assert isinstance(screen, BaselinesScreen)
        await pilot.press("escape")
        go_on.set()
        await until(pilot, lambda: screen._climb.closed)
        assert not list((tmp_path / "home" / "cnn-tui").glob("shapes-*"))
