"""What training will take, asked before it starts."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from driving import text
from scripted import SMALL

from cnn_tui.engine import profile as probing
from cnn_tui.engine.profile import LayerTime
from cnn_tui.engine.specs.layers import FC, Conv, GlobalAvgPool, MaxPool
from cnn_tui.engine.specs.network import Network
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.screens.forecast import forecast_lines

pytestmark = pytest.mark.slow

MakeApp = Callable[..., CnnTuiApp]


async def test_time_and_memory_of_a_network(make_app: MakeApp) -> None:
    app = make_app(SMALL)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("F")
        for _ in range(1000):
            if "measuring" not in text(app, "Outlook"):
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
            if "measuring" not in text(app, "Outlook"):
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


def test_a_relu_in_a_batch_norm_and_a_moment_keep_to_their_columns() -> None:
    layers = (LayerTime("repeat1.2.relu3", 0.0, 2e-6, "repeat1.2.bn2"), LayerTime("", 0.5, 0.25))
    forecast = probing.Profile(8, 1, 0.75, layers, probing.MemoryEstimate(1, 2, 3, 4))
    head, *rows = ["".join(words for words, _ in line) for line in forecast_lines(SMALL, forecast)][
        -3:
    ]
    assert head.split() == ["layer", "forward", "backward", "ms", "share"]
    assert rows[0].startswith("loss, optimizer       500.00    250.00 ms  100.0%")
    assert rows[1].rstrip() == "repeat1.2.relu3       in bn2     <0.01 ms    0.0%  ▏"
