"""What the Train screen says besides its charts: which run it is, and what is next."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from driving import settle, text
from scripted import SMALL, Script, batch, ended, run_events, started, validation

from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training.events import (
    Alert,
    AlertCleared,
    CheckpointSaved,
    LayerHealth,
    LayersMeasured,
    RunEvent,
    RunPaused,
    RunResumed,
    SettingChanged,
)
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.building.differences import difference_words
from cnn_tui.tui.dashboard.board import Board
from cnn_tui.tui.dashboard.run_view import view_of

MakeApp = Callable[..., CnnTuiApp]


def with_lr(network: Network, lr: float) -> Network:
    recipe = msgspec.structs.replace(network.training, lr=lr)
    return msgspec.structs.replace(network, training=recipe)


def log_of(*events: RunEvent) -> list[str]:
    board = Board()
    for event in (started(), *events):
        board.apply(event)
    return [words for _, words in board.log][1:]


def test_a_difference_is_said_with_both_values() -> None:
    assert difference_words(SMALL, SMALL) == ""
    assert difference_words(SMALL, with_lr(SMALL, 10.0)) == ("Build differs: lr 10, not 0.01")
    fewer = msgspec.structs.replace(SMALL, layers=SMALL.layers[:1] + SMALL.layers[2:])
    assert difference_words(SMALL, fewer) == "Build differs: layer 2 none, not relu"
    renamed = msgspec.structs.replace(SMALL, name="other")
    assert difference_words(SMALL, renamed) == ""


async def test_build_takes_over_what_was_changed_in_the_run_and_undoes_it(
    make_app: MakeApp,
) -> None:
    events = run_events()
    changed = SettingChanged(step=4, name="lr", old=0.01, new=0.5)
    app = make_app(runner=Script([*events[:5], changed, *events[5:]]))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f5")
        await settle(app, pilot)
        assert "lr 0.5" in text(app, "Header")
        assert "Build differs: lr 0.01, not 0.5" in text(app, "#verdict")
        await pilot.press("k")
        await pilot.pause()
        assert app.builder.network.training.lr == 0.5
        assert text(app, "#verdict").strip() == ""
        await pilot.press("1", "u")
        assert app.builder.network == SMALL
        await pilot.press("2")
        await pilot.pause()
        assert "Build differs" in text(app, "#verdict")


def test_the_weights_that_were_tested_are_named_if_they_are_not_the_best() -> None:
    board = Board()
    for event in (started(), validation(10, 1, 0.5), validation(20, 2, 1.0)):
        board.apply(event)
    board.apply(ended("completed", 20, 2))
    still = {"active": False, "pausing": False, "stopping": False}
    assert view_of(board, **still).detail == (
        f"test 98.1% with the last weights, best val {1 - 0.5 / 2.6:.1%} in epoch 1"
    )
    kept = view_of(board, **still, keep_best=True).detail
    assert kept == "test 98.1% with the weights of epoch 1, the best"


async def test_status_and_verdict_do_not_say_the_same(make_app: MakeApp) -> None:
    words = "The loss became infinite in conv1."
    alert = Alert(code="not-finite", message=words, step=2, severity="fatal")
    failed = [started(), batch(1), alert, ended("failed", 2, message=words)]
    app = make_app(runner=Script(failed))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f5")
        await settle(app, pilot)
        assert "failed: in epoch 1, step 2" in text(app, "#status")
        assert words in text(app, "#verdict")


@pytest.mark.parametrize("first", ["checkpoint", "paused"])
def test_a_single_step_is_one_line_of_the_log(first: str) -> None:
    saved, paused = CheckpointSaved(step=6, path="x", seconds=0.1), RunPaused(step=6)
    ends = (saved, paused) if first == "checkpoint" else (paused, saved)
    words = log_of(RunPaused(step=5), RunResumed(step=5), batch(6), *ends)
    assert words == ["paused at step 5", "paused at step 6, with a checkpoint"]


def test_what_is_no_single_step_keeps_its_lines() -> None:
    saved = [CheckpointSaved(step=step, path="x", seconds=0.1) for step in (6, 7)]
    words = log_of(RunPaused(step=5), RunResumed(step=5), *saved)
    assert words == [
        "paused at step 5",
        "resumed at step 5",
        "checkpoint at step 6",
        "checkpoint at step 7",
    ]


def test_an_alert_that_is_over_is_named_by_its_words() -> None:
    alert = Alert(code="lr-high", message="The learning rate 10 is too high: a step is 3.", step=1)
    words = log_of(alert, AlertCleared(code="lr-high", step=2))
    assert words[-1] == "no longer: The learning rate 10 is too high"


async def test_the_log_scrolls_and_stays_while_lines_are_added(make_app: MakeApp) -> None:
    app = make_app(runner=Script(run_events(epochs=30)))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f5")
        await settle(app, pilot)
        assert "done" in text(app, "#log")
        await pilot.press("ctrl+home")
        await pilot.pause()
        first = text(app, "#log")
        assert "small on digits" in first and "more below" in first
        app.training.board.log_print("something")
        app.training.poll()
        app.show()
        await pilot.pause()
        assert text(app, "#log").split("\n")[0] == first.split("\n")[0]
        await pilot.press("pagedown")
        await pilot.pause()
        assert "epoch  5" in text(app, "#log") and "small on digits" not in text(app, "#log")
        await pilot.press("ctrl+end")
        await pilot.pause()
        assert "something" in text(app, "#log")


async def test_a_key_without_effect_says_why(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("f5")
        await settle(app, pilot)
        await pilot.press("v", "k")
        await pilot.pause()
        said = [note.message for note in app._notifications]
        assert any("layers are beside the log" in words for words in said)
        assert any("Build has this network" in words for words in said)


async def test_a_layer_far_from_well_is_not_ok(make_app: MakeApp) -> None:
    layers = tuple(
        LayerHealth(layer=name, type="conv", gradient_norm=0.02, update_ratio=ratio)
        for name, ratio in (("conv1", 3.9e3), ("conv2", 1e-3), ("conv3", 1e-9))
    )
    measured = LayersMeasured(
        step=1,
        epoch=1,
        layers=layers,
        images=64,
        input_mean=0.0,
        input_std=1.0,
        score_range=2.0,
        commonest_class=1,
        commonest_share=0.1,
    )
    events = run_events()
    app = make_app(runner=Script([*events[:3], measured, *events[3:]]))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("f5")
        await settle(app, pilot)
        _, *rows = text(app, "#layers").split("\n")
        assert [row.split()[-1] for row in rows[:3]] == ["high", "ok", "low"]
