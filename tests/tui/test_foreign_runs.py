"""Runs of other programs on the screens that are made for our own."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from driving import text
from runs_made import until

from cnn_tui.engine import record
from cnn_tui.engine.recording.log_tables import TableLog
from cnn_tui.engine.recording.run import RecordedRun
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.tui.dashboard.board import Board, read_board
from cnn_tui.tui.dashboard.further import stem_of
from cnn_tui.tui.dashboard.pictures import KINDS, picture, views_of, x_axis
from cnn_tui.tui.dashboard.run_view import view_of
from cnn_tui.tui.dashboard.ticks import value_axis
from cnn_tui.tui.dashboard.viewport import Viewport
from cnn_tui.tui.screens.dialog import Picker
from cnn_tui.tui.screens.watch import WatchScreen

MakeApp = Callable[..., object]


def made(root: Path, name: str, *, accuracy: bool, **config: int) -> RecordedRun:
    with record(name, config={"model": "net", **config}, runs_dir=root) as run:
        for _ in range(3):
            for step in range(4):
                shares = {"accuracy": 0.5} if accuracy else {}
                run.batch(loss=1 / (1 + step), lr=0.1, grad_norm=2.0, **shares)
            run.epoch(val_loss=0.5, val_f1=0.25, **({"val_accuracy": 0.5} if accuracy else {}))
    return run


def board_of(run: RecordedRun) -> Board:
    assert run.path is not None
    return read_board(RunFolder(run.path))


def test_positions_are_steps_where_epochs_have_no_known_length(tmp_path: Path) -> None:
    board = board_of(made(tmp_path, "a", accuracy=False))
    assert board.by_steps and board.val_loss.points() == ((4, 0.5), (8, 0.5), (12, 0.5))
    assert x_axis(board, Viewport()).name == "step" and x_axis(board, Viewport()).high == 12
    known = board_of(made(tmp_path, "b", accuracy=True, batches=4, epochs=3))
    assert not known.by_steps and known.val_loss.points()[-1] == (3.0, 0.5)
    assert known.progress == 1.0


def test_every_further_figure_has_a_chart(tmp_path: Path) -> None:
    board = board_of(made(tmp_path, "a", accuracy=True))
    assert views_of(board) == [
        ("accuracy", ""), ("accuracy", "grad_norm"), ("accuracy", "f1"), ("lr", ""),
    ]  # fmt: skip
    drawn = picture("accuracy", board, 10, Viewport(further="f1"))
    assert drawn.plot and "f1" in "".join(words for words, _ in drawn.titles[0])
    without = board_of(made(tmp_path, "b", accuracy=False))
    assert views_of(without)[0] == ("accuracy", "grad_norm")
    for kind in KINDS:
        for log in (False, True):
            picture(kind, without, 10, Viewport(log=log))


def test_what_is_not_told_is_not_shown(tmp_path: Path) -> None:
    view = view_of(
        board_of(made(tmp_path, "a", accuracy=False)), active=False, pausing=False, stopping=False
    )
    assert (view.train_accuracy, view.val_accuracy, view.l2_loss) == (None, None, None)
    assert view.best == "0.5000, epoch 1"
    assert not any("nan" in words for _, words in view.log)


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("val_f1", ("f1", True)),
        ("eval/f1", ("f1", True)),
        ("f1/val", ("f1", True)),
        ("train/f1", ("f1", False)),
        ("interval_f1", ("interval_f1", False)),
        ("val_", ("val_", False)),
    ],
)
def test_splits_share_a_chart(name: str, stem: tuple[str, bool]) -> None:
    assert stem_of(name) == stem


def test_an_axis_holds_its_values() -> None:
    source = random.Random(0)
    for _ in range(300):
        size = 10.0 ** source.uniform(-8, 8)
        values = [source.uniform(-1, 1) * size + source.choice((0, 0, 5)) * size for _ in range(3)]
        axis = value_axis(values, source.choice((2, 3, 4, 5)))
        slack = (axis.high - axis.low) * 1e-6
        assert axis.low - slack <= min(values) and max(values) <= axis.high + slack
        assert math.isfinite(axis.low) and axis.low < axis.high
    assert value_axis([], 4).low == 0
    assert value_axis([-1.0, -1.0], 4).high >= 0


async def test_a_watched_run_says_what_it_lacks(make_app: Callable, tmp_path: Path) -> None:
    run = made(tmp_path, "a", accuracy=False)
    assert run.path is not None
    app = make_app()
    async with app.run_test(size=(100, 30)) as pilot:
        app.push_screen(WatchScreen(RunFolder(run.path)))
        await until(pilot, lambda: bool(app.screen.query("#status")))
        await until(pilot, lambda: "done" in text(app, "#status"))
        assert "trained by Py" in text(app, "#log")  # PyTorch, if another test has imported it
        assert "look inside" not in text(app, "#status")
        await pilot.press("R")
        told = app._notifications
        await until(pilot, lambda: any("no network of cnn-tui" in one.message for one in told))


async def test_another_recorded_run_is_drawn_beside_it(make_app: Callable, tmp_path: Path) -> None:
    made(tmp_path, "other", accuracy=True, batches=4, epochs=3)
    run = made(tmp_path, "own", accuracy=True)
    assert run.path is not None
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        app.push_screen(WatchScreen(RunFolder(run.path)))
        await until(pilot, lambda: bool(app.screen.query("#status")))
        await until(pilot, lambda: "done" in text(app, "#status"))
        await pilot.press("B")
        await until(pilot, lambda: isinstance(app.screen, Picker))
        await pilot.press("enter")
        await until(pilot, lambda: "other-1" in text(app, "#loss"))


def test_its_figures_are_exported_and_a_network_it_has_not(cli: Callable, tmp_path: Path) -> None:
    made(tmp_path, "a", accuracy=True)
    here = ("--runs-dir", tmp_path)
    header, *rows = cli("export", "a-1", "--steps", *here).out.splitlines()
    assert {"loss", "lr", "grad_norm"} <= set(header.split(",")) and len(rows) == 12
    epochs = json.loads(cli("export", "a-1", "--format", "json", *here).out)
    assert [epoch["scalars"]["val_f1"] for epoch in epochs] == [0.25] * 3
    boards = ("--format", "tensorboard", "--output", tmp_path / "boards")
    assert cli("export", "a-1", *boards, *here).code == 0
    assert list((tmp_path / "boards" / "a-1").iterdir())
    for kind in ("onnx", "pytorch", "safetensors"):
        code, out, err = cli("export", "a-1", "--format", kind, *here)
        assert (code, out) == (1, "") and "no network of cnn-tui" in err and err.count("\n") == 1


async def test_a_log_is_followed_and_only_read(make_app: Callable, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("epoch,loss,val_loss\n1,2.0,1.5\n")
    app = make_app()
    async with app.run_test(size=(100, 30)) as pilot:
        app.push_screen(WatchScreen(TableLog(path, "csv")))
        await until(pilot, lambda: bool(app.screen.query("#status")))
        await until(pilot, lambda: "epoch 1 train 2.000 val 1.500" in text(app, "#log"))
        with path.open("a") as file:
            file.write("2,1.0,0.5\n")
        await until(pilot, lambda: "epoch 2 train 1.000 val 0.500" in text(app, "#log"))
        for key in ("space", "x", "l", "R", "e", "i"):
            await pilot.press(key)
        assert app.screen.query("#status")  # no dialog, no other screen
        path.unlink()
        await until(pilot, lambda: "gone" in text(app, "#status"))
