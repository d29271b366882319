"""What training will take, asked before it starts."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from driving import text
from scripted import SMALL

from cnn_tui.engine import profile as probing
from cnn_tui.engine.specs.layers import FC, Conv, GlobalAvgPool, MaxPool
from cnn_tui.engine.specs.network import Network
from cnn_tui.tui.app import CnnTuiApp

pytestmark = pytest.mark.slow

MakeApp = Callable[..., CnnTuiApp]


async def test_time_and_memory_of_a_network(make_app: MakeApp) -> None:
    app = make_app(SMALL)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("F")
        for _ in range(1000):
            if "measured" not in text(app, "Outlook"):
                break
            await pilot.pause(0.01)
        rows = text(app, "Outlook")
        for word in ("epoch", "1,797 images of digits", "memory", "conv1", "forward"):
            assert word in rows
        await pilot.press("escape")
        assert app.screen.query_one("#layers").has_focus


async def test_a_network_that_will_not_fit_is_refused_before_it_is_tried(make_app: MakeApp) -> None:
    layers = (Conv(out_channels=65536, kernel_size=1), GlobalAvgPool(), FC(out_features=10))
    app = make_app(Network(input=(3, 256, 256), layers=layers))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("F")
        for _ in range(1000):
            if "measured" not in text(app, "Outlook"):
                break
            await pilot.pause(0.01)
        shown = " ".join(text(app, "Outlook").split())
        assert "of memory or more" in shown


async def test_leaving_cancels_the_probe(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancelled = threading.Event()

    def endless(network: Network, *, cancelled_by: Callable[[], bool]) -> None:
        while not cancelled_by():
            threading.Event().wait(0.001)
        cancelled.set()

    # No real network is slow enough here for a test to leave in time.
    monkeypatch.setattr(
        probing, "probe", lambda n, *, cancelled: endless(n, cancelled_by=cancelled)
    )
    app = make_app(SMALL)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("F", "escape")
        assert cancelled.wait(5)


async def test_a_broken_network_is_not_measured(make_app: MakeApp) -> None:
    app = make_app(Network(layers=(MaxPool(kernel_size=3), FC(out_features=10))))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("F")
        assert len(app.screen_stack) == 1
        assert app.builder.row.key == "1"
