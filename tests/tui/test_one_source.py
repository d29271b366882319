"""What is shown is what is held: changes beneath every dialog and screen, against a new drawing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
import pytest
from driving import done, settle, text, typed
from places import cells
from runs_made import until
from scripted import SMALL, Script, batch, ended, started

from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.requests import Request, send
from cnn_tui.engine.specs.layers import Conv, MaxPool
from cnn_tui.engine.specs.network import Network, Recipe
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.engine.training.events import Alert, Remedy
from cnn_tui.tui import screens
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.building.builder import Builder
from cnn_tui.tui.building.document import Document
from cnn_tui.tui.building.trained import Trained
from cnn_tui.tui.dashboard.board import Board
from cnn_tui.tui.session import Session, train
from cnn_tui.tui.training import Places, Training
from cnn_tui.tui.widgets.lines import Lines

MakeApp = Callable[..., CnnTuiApp]
Change = Callable[[Builder], object]

BROKEN = Network(input=(1, 9, 9), layers=(Conv(out_channels=4, kernel_size=3), MaxPool()))

CHANGES: dict[str, Change] = {
    "recipe": lambda builder: builder.set_recipe("lr", 0.5),
    "field": lambda builder: (builder.find("1"), builder.set_field("out_channels", 12)),
    "undo": lambda builder: builder.undo(),
    "redo": lambda builder: builder.redo(),
    "insert": lambda builder: builder.insert("dropout", 10),
    "move": lambda builder: builder.move(1),
    "remedy": lambda builder: builder.rewrite(builder.preview((MaxPool(),)).network),
    "weights": lambda builder: setattr(
        builder, "latest", Trained(RunFolder(Path("small-1")), builder.network)
    ),
    "saved": lambda builder: builder.mark_saved(Path("mine.toml")),
    "broken": lambda builder: builder.open(BROKEN, None),
    "fix": lambda builder: builder.fix(builder.report.issues[0].fixes[0]),
    "import": lambda builder: builder.open(load_preset("lenet5"), None),
    "another": lambda builder: builder.open(load_preset("two-layer"), Path("other.toml")),
}
"""Every way in which the network, its file or its weights change, one after the other."""

COVERS = {
    "nothing": (),
    "form": ("enter",),
    "quick entry": ("slash", "r"),
    "volumes": ("v",),
    "insert": ("i",),
    "open": ("o",),
    "save as": ("S",),
    "pattern": ("p",),
    "help": ("question_mark",),
    "palette": ("ctrl+p",),
    "forecast": ("F",),
    "pre-flight": ("f3",),
    "learning rates": ("f4",),
    "data": ("f6",),
    "baselines": ("f7",),
    "train": ("2",),
    "runs": ("3",),
}


@pytest.fixture(scope="module")
def drawings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str]]:
    """The list of layers and all cells of a new app in each of the states."""

    async def draw(changes: list[Change]) -> tuple[str, str]:
        builder = Builder(Document(SMALL))
        for change in changes:
            change(builder)
        app = CnnTuiApp(builder, Training(Session(Script([])), Places()))
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            return text(app, "#layers"), cells(app)

    made = list(CHANGES.values())
    return {name: asyncio.run(draw(made[:number])) for number, name in enumerate(CHANGES, start=1)}


@pytest.mark.slow
@pytest.mark.parametrize("cover", COVERS)
async def test_a_change_beneath_shows_in_every_cell(
    make_app: MakeApp, drawings: dict[str, tuple[str, str]], tmp_path: Path, cover: str
) -> None:
    app = make_app()
    app.places.runs = tmp_path
    async with app.run_test(size=(80, 24)) as pilot:
        for name, change in CHANGES.items():
            await typed(pilot, *COVERS[cover])
            change(app.builder)
            await done(pilot)
            await pilot.pause()
            if app.screen.is_modal:
                layers = app.screen_stack[0].query_one("#layers", Lines)
                shown = (layers.render_line(y).text for y in range(layers.content_size.height))
                assert "\n".join(shown) == drawings[name][0], (cover, name)
            back = {"train": "1", "runs": "1", "nothing": "f12"}.get(cover, "escape")
            await typed(pilot, back)
            await pilot.pause()
            assert cells(app) == drawings[name][1], (cover, name)


async def test_a_remedy_of_a_failed_run_shows_in_build(make_app: MakeApp) -> None:
    remedy = Remedy("Restart with the learning rate at 0.1.", {"lr": 0.1}, restart=True)
    alert = Alert(code="lr-high", message="It is too high.", step=1, remedy=remedy)
    app = make_app(runner=Script([started(), batch(1), alert, ended("failed", 1)]))
    async with app.run_test(size=(80, 24)) as pilot:
        await typed(pilot, "t", "down", "down", "down", *"10", "escape", "f5")
        await settle(app, pilot)
        await typed(pilot, "r", "1")
        assert app.builder.network.training.lr == 0.1
        assert "lr 0.1," in text(app, "#layers")
        assert "lr              0.1" in text(app, "#form")
        await settle(app, pilot)


def took_over(board: Board, lr: float) -> bool:
    return board.paused and board.settings is not None and board.settings.lr == lr


async def fresh_train(app: CnnTuiApp) -> None:
    """Draw the Train screen anew."""
    await app.switch_mode("build")
    await app.remove_mode("train")
    app.add_mode("train", lambda: screens.TrainScreen(app.training, app.builder))
    app.action_mode("train")


@pytest.mark.slow
async def test_another_terminal_steers_beneath_every_screen(tmp_path: Path) -> None:
    places = Places(tmp_path)
    training = Training(Session(partial(train, runs_dir=tmp_path)), places)
    long = msgspec.structs.replace(SMALL, training=Recipe(epochs=100_000))
    app = CnnTuiApp(Builder(Document(long)), training)
    async with app.run_test(size=(80, 24)) as pilot:
        await typed(pilot, "2", "s")
        await until(pilot, lambda: app.training.board.paused)
        folder = app.training.board.kept
        assert folder
        covers = ((), ("l",), ("question_mark",), ("ctrl+p",), ("x",), ("1",), ("3",), ("f6",))
        for number, keys in enumerate(covers, start=1):
            await typed(pilot, *keys)
            lr = number / 1000
            for request in (Request("lr", lr), Request("resume"), Request("pause")):
                await asyncio.to_thread(send, folder, request, 20)
            board = app.training.board
            await until(pilot, partial(took_over, board, lr))
            await typed(pilot, "2" if keys in (("1",), ("3",)) else "escape" if keys else "f12")
            await pilot.pause()
            app.clear_notifications()
            shown = cells(app)
            assert f"{lr:g}" in shown
            await fresh_train(app)
            await done(pilot)
            await pilot.pause()
            assert shown == cells(app), keys
        app.training.session.stop()
        await until(pilot, lambda: not app.training.active)
