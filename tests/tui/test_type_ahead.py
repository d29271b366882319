"""Typing ahead: what follows a key that opens something goes into that, on every screen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from driving import done, typed
from inspected import make_runs_to_inspect
from places import WAYS, all_keys, name_of, reach, state
from runs_made import make_runs
from sweeps_made import make_sweep
from textual import events

from cnn_tui.engine.specs.network import Network
from cnn_tui.tui.actions import COMMANDS, INSPECT
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.command import Command
from cnn_tui.tui.screens.build import LayerList
from cnn_tui.tui.screens.dialog import Prompt

MakeApp = Callable[..., CnnTuiApp]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_runs(tmp_path_factory.mktemp("runs"), (), ("--lr", "0.003"))
    make_sweep(root)
    make_sweep(root, "rates")
    return root


@pytest.fixture(scope="module")
def inspected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_runs_to_inspect(tmp_path_factory.mktemp("inspected"))


def test_every_scope_can_be_reached() -> None:
    assert {command.scope for command in COMMANDS} == set(WAYS)


async def test_a_preset_is_opened_by_typing_without_a_pause(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await typed(pilot, *"olenet5", "enter")
        assert app.builder.network.name == "lenet5"
        # Each dialog of a chain gets its keys: the recipe's form, the next list, the question.
        await typed(pilot, "t", "3", "escape", "o", *"vgg16", "enter", "y")
        assert app.builder.network.name == "vgg16"


@pytest.mark.slow
@pytest.mark.parametrize(("command", "key"), all_keys(), ids=name_of)
async def test_fast_and_slow_typing_do_the_same(
    make_app: MakeApp, runs: Path, inspected: Path, command: Command, key: str
) -> None:
    states = []
    for fast in (False, True):
        app = make_app()
        app.places.runs = inspected if command.scope == INSPECT else runs
        async with app.run_test(size=(80, 24)) as pilot:
            await reach(app, pilot, command.scope)
            before = state(app)[:4]
            if fast:
                await typed(pilot, key, "a", "2")
            else:
                await typed(pilot, key)
                if state(app)[:4] == before:
                    return  # it opens nothing
                await typed(pilot, "a")
                await typed(pilot, "2")
            await done(pilot)
            states.append(state(app))
            app.training.session.stop()
    assert states[0] == states[1]


def slow_datasets(app: CnnTuiApp, go: asyncio.Event, answers: list[str], *, opens: bool) -> None:
    """Let F6 open a line when ``go`` is set, or nothing."""

    async def work() -> None:
        await go.wait()
        if opens:
            answers.append(await app.push_screen_wait(Prompt("slow", "")))

    app.action_datasets = partial(app.run_worker, work)  # type: ignore[method-assign]


@pytest.mark.parametrize("opens", [True, False])
async def test_keys_wait_for_a_worker_that_takes_its_time(make_app: MakeApp, opens: bool) -> None:
    app = make_app(Network())
    answers, go = list[str](), asyncio.Event()
    slow_datasets(app, go, answers, opens=opens)
    async with app.run_test(size=(80, 24)) as pilot:
        for key in ("f6", "o", "n", "enter"):
            app.post_message(events.Key(key, key if len(key) == 1 else None))
        for _ in range(5):
            await pilot.pause()
        assert isinstance(app.focused, LayerList)
        go.set()
        await done(pilot)
        if opens:
            assert answers == ["on"]
        else:  # the keys act where one is: o opens the list of networks, n chooses
            assert app.builder.network.name


async def test_a_way_out_is_never_held(make_app: MakeApp) -> None:
    app = make_app()
    slow_datasets(app, asyncio.Event(), [], opens=True)
    async with app.run_test(size=(80, 24)) as pilot:
        for key in ("f6", "x", "ctrl+q"):
            app.post_message(events.Key(key, key if len(key) == 1 else None))
        for _ in range(20):
            await pilot.pause()
    assert app.return_code == 0
