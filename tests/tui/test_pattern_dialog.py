"""The pattern of the notes, from its dialog into the network."""

from __future__ import annotations

from collections.abc import Callable

from driving import layers, text, type_in
from scripted import SMALL
from textual.widgets import Input

from cnn_tui.engine.specs.network import Network
from cnn_tui.tui.app import CnnTuiApp

MakeApp = Callable[..., CnnTuiApp]
CIFAR = Network(input=(3, 32, 32), data="cifar10")


async def test_the_pattern_is_previewed_changed_and_inserted(make_app: MakeApp) -> None:
    app = make_app(CIFAR)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("p")
        await pilot.pause()
        assert "18 layers" in text(app, "#options")
        assert "16x32x32" in text(app, "#expanded")
        assert "cifar10" in text(app, "#expanded").splitlines()[1]
        await pilot.press("tab", "1", "down", "2", "escape", "enter")
        assert layers(app) == ["Conv", "ReLU", "MaxPool"] * 2 + ["FC", "ReLU", "FC"]
        assert app.builder.report.valid
        assert app.builder.row.key == "9"
        await pilot.press("u")
        assert app.builder.network == CIFAR


async def test_unusual_counts_are_warned_of_under_their_letter(make_app: MakeApp) -> None:
    app = make_app(CIFAR)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("p", "tab", "4")
        await pilot.pause()
        caret, words, *_ = text(app, "Remarks").splitlines()
        assert caret.index("^") == "INPUT -> [[CONV -> RELU]*".__len__()
        assert "usually at most 3" in words


async def test_a_pattern_that_does_not_read_is_not_taken(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("p")
        entry = app.focused
        assert isinstance(entry, Input)
        await type_in(pilot, " -> XYZ")
        assert "'XYZ'" in text(app, "Remarks")
        assert "18 layers" in text(app, "#options")
        await pilot.press("enter")
        assert app.builder.network == SMALL
        await pilot.press("escape")
        assert app.builder.network == SMALL
        assert app.screen.query_one("#layers").has_focus
