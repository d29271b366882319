"""A network that will not fit in memory is told before it is tried, and can be mended or tried."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from driving import layers, text
from scripted import SMALL, Script, run_events
from textual.pilot import Pilot

from cnn_tui.engine.errors import MemoryLimitError
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training.control import Control
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.screens.dialog import Question
from cnn_tui.tui.session import Emit, train

pytestmark = pytest.mark.slow

MakeApp = Callable[..., CnnTuiApp]
LARGE = msgspec.structs.replace(
    SMALL, training=msgspec.structs.replace(SMALL.training, batch_size=64)
)


def tight(network: Network, control: Control, emit: Emit) -> None:
    """A machine on which batches of 8 fit and no more."""
    if network.training.batch_size > 8:
        raise MemoryLimitError("Training needs 9 GB and 1 GB are free.", "Batches of 8 fit.", 8)
    Script(run_events())(network, control, emit)


async def asked(app: CnnTuiApp, pilot: Pilot[None]) -> str:
    await pilot.press("f5")
    for _ in range(200):
        app.poll()
        await pilot.pause(0.01)
        if isinstance(app.screen, Question):
            return str(app.screen.query("Static").first().render())
    raise AssertionError("nothing was asked")


async def test_the_batch_that_fits_is_one_key_away(make_app: MakeApp) -> None:
    app = make_app(LARGE, runner=tight)
    async with app.run_test(size=(80, 24)) as pilot:
        assert "1 GB are free. Batches of 8 fit." in await asked(app, pilot)
        await pilot.press("b")
        await pilot.pause()
        assert app.training.session.join(10)
        app.poll()
        assert app.builder.network.training.batch_size == 8
        assert app.training.board.ended
        assert app.training.board.ended.reason == "completed"
        await pilot.press("1", "u")
        assert app.builder.network == LARGE


async def test_whoever_leaves_the_question_has_lost_nothing(make_app: MakeApp) -> None:
    app = make_app(LARGE, runner=tight)
    async with app.run_test(size=(80, 24)) as pilot:
        await asked(app, pilot)
        await pilot.press("escape")
        await pilot.pause()
        assert not app.training.session.active
        assert "needs 9 GB" in text(app, "#log")
        await pilot.press("1")
        await pilot.pause()
        assert layers(app) == ["Conv", "ReLU", "MaxPool", "FC"]


async def test_it_can_be_tried_all_the_same(make_app: MakeApp) -> None:
    app = make_app(LARGE, runner=tight)
    async with app.run_test(size=(80, 24)) as pilot:
        await asked(app, pilot)
        tried = []
        app.training.session.start = lambda network, runner=None: tried.append(runner)  # type: ignore[method-assign]
        await pilot.press("y")
        await pilot.pause()
        (runner,) = tried
        assert runner.func is train
        assert runner.keywords["anyway"] is True
