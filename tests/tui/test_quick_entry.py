"""Layers typed in a line: previewed as they are typed, refused in words, completed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from driving import layers, text, type_in
from scripted import SMALL
from textual import events
from textual.widgets import Input

from cnn_tui.engine.specs.layers import FC, Conv, MaxPool, ReLU, Residual
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.screens.build import LayerList
from cnn_tui.tui.widgets.inputs import in_one_line

pytestmark = pytest.mark.slow

MakeApp = Callable[..., CnnTuiApp]
EMPTY = Network()

ALEXNET = (
    "c96 11 s4 r m3 2 c256 5 p2 r m3 2 c384 p1 r c384 p1 r c256 p1 r m3 2 "
    "f4096 r drop f4096 r drop f1000"
)


async def test_alexnet_from_nothing_in_under_120_keystrokes(make_app: MakeApp) -> None:
    app = make_app(Network(data="imagenet"))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter")
        await type_in(pilot, "3 227 227")
        await pilot.press("escape", "slash")
        await type_in(pilot, ALEXNET)
        await pilot.press("enter")
        keystrokes = 1 + len("3 227 227") + 2 + len(ALEXNET) + 1
        assert keystrokes < 120
        assert app.builder.report.valid
        assert app.builder.report.total_params == 62_378_344
        preset = load_preset("alexnet")
        assert [type(one) for one in app.builder.network.layers if type(one).__name__ != "LRN"] == [
            type(one) for one in preset.layers if type(one).__name__ != "LRN"
        ]


async def test_what_is_typed_is_previewed_and_then_inserted(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", "slash")
        await type_in(pilot, "conv 16 pad same | relu")
        assert app.builder.network == SMALL
        rows = text(app, "#layers").splitlines()
        assert rows[3].startswith("+  2 conv")
        assert "16x8x8" in rows[3]
        assert rows[4].startswith(">  3 relu")
        assert "4 issues" not in text(app, "#totals")
        await pilot.press("enter")
        assert layers(app) == ["Conv", "Conv", "ReLU", "ReLU", "MaxPool", "FC"]
        assert isinstance(app.focused, LayerList)
        assert app.builder.row.key == "3"
        await pilot.press("u")
        assert app.builder.network == SMALL


async def test_leaving_inserts_nothing(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("slash")
        await type_in(pilot, "relu")
        assert "+" in text(app, "#layers") or ">  1 relu" in text(app, "#layers")
        await pilot.press("escape")
        assert app.builder.network == SMALL
        assert ">  0 input" in text(app, "#layers")
        assert app.screen.query_one("#doctor").display
        await pilot.press("slash", "enter")
        assert app.builder.network == SMALL
        assert isinstance(app.focused, LayerList)


async def test_an_error_stands_under_its_word_and_is_not_inserted(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("slash")
        await type_in(pilot, "relu | conv 8 3y3 | relu")
        await pilot.press("enter")
        _, carets, *words = text(app, "#entry").splitlines()
        assert carets.strip() == "^^^"
        assert carets.index("^") == len("/ relu | conv 8 ")
        assert "cannot be '3y3'" in " ".join(words)
        assert app.builder.network == SMALL
        assert isinstance(app.focused, Input)


async def test_words_are_completed(make_app: MakeApp) -> None:
    app = make_app(EMPTY)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("slash", "c", "tab")
        entry = app.focused
        assert isinstance(entry, Input)
        assert entry.value == "conv "
        await pilot.press("8", "space", "p", "a", "tab", "s", "tab")
        assert entry.value == "conv 8 pad same "
        await type_in(pilot, "| r")
        await pilot.press("down", "down", "tab")
        assert entry.value == "conv 8 pad same | residual "
        await pilot.press(*["backspace"] * len("residual "), "r", "tab", "enter")
        assert app.builder.network.layers == (Conv(out_channels=8, padding="same"), ReLU())


async def test_a_selection_is_copied_as_text_that_reads_back(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", "shift+down", "shift+down", "y")
        assert app.clipboard == "conv 8 3x3 p1 | relu | maxpool 2x2"
        await pilot.press("end", "slash")
        await type_in(pilot, app.clipboard)
        await pilot.press("enter")
        assert app.builder.network.layers[4:] == SMALL.layers[:3]


async def test_a_block_is_typed_with_its_branch(make_app: MakeApp) -> None:
    app = make_app(EMPTY)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("slash")
        await type_in(pilot, "res { conv 16 pad same } proj | fc 10")
        await pilot.press("enter")
        assert app.builder.network.layers == (
            Residual(branch=(Conv(out_channels=16, padding="same"),), shortcut="projection"),
            FC(out_features=10),
        )
        assert app.builder.report.valid


async def test_several_layers_are_deleted_moved_and_duplicated(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", "shift+down", "D")
        assert layers(app) == ["Conv", "ReLU", "Conv", "ReLU", "MaxPool", "FC"]
        assert text(app, "#layers").count("+") == 1
        await pilot.press("J")
        assert layers(app) == ["Conv", "ReLU", "MaxPool", "Conv", "ReLU", "FC"]
        await pilot.press("K", "K", "K", "K", "x")
        assert app.builder.network.layers == (*SMALL.layers[:2], MaxPool(), FC(out_features=10))
        await pilot.press("home", "shift+down", "shift+down", "x")
        assert layers(app) == ["MaxPool", "FC"]
        await pilot.press("u", "u", "u", "u", "u", "u", "u")
        assert app.builder.network == SMALL


async def test_keys_that_come_in_a_burst_are_text(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await type_in(pilot, "/conv 16 pad same | pool")
        await pilot.press("enter")
        assert app.builder.network.layers[:2] == (
            Conv(out_channels=16, padding="same"),
            MaxPool(),
        )
        assert len(app.screen_stack) == 1


@pytest.mark.parametrize(
    ("pasted", "line"),
    [
        ("conv 8\nfoo 3\n\nrelu", "conv 8 | foo 3 | relu"),
        ("Conv2d(3, 8, 3,\n  padding=1),\nReLU()", "Conv2d(3, 8, 3, padding=1), ReLU()"),
        ("par {\n conv 8\n bn\n}\n{ }\n| fc 10", "par { conv 8 | bn } { } | fc 10"),
    ],
)
def test_a_pasted_line_ends_a_layer(pasted: str, line: str) -> None:
    assert in_one_line(pasted) == line


async def test_lines_of_other_programs_are_pasted_as_they_are(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("home", "slash")
        pasted = "nn.Sequential(\n    nn.Conv2d(1, 4, 3),\n    nn.ReLU(),\n    nn.Flatten(),\n)\n"
        app.screen.query_one(Input).post_message(events.Paste(pasted))
        await pilot.pause()
        assert "2 layers; flatten is passed over" in text(app, "#entry")
        await pilot.press("enter")
        assert layers(app)[:2] == ["Conv", "ReLU"]
        await pilot.press("slash")
        await type_in(pilot, "Conv2d(3, 4, 3)")
        assert "declares 3 input channels, but receives 4" in text(app, "#entry")


async def test_layers_pasted_into_the_list_are_offered_in_the_line(make_app: MakeApp) -> None:
    app = make_app(Network(input=(1, 8, 8), data="digits"))
    async with app.run_test(size=(80, 24)) as pilot:
        assert app.focused is not None
        app.focused.post_message(events.Paste("conv 4 3x3 same\nrelu\nfc 10\n"))
        await pilot.pause()
        assert isinstance(app.focused, Input)
        assert app.focused.value == "conv 4 3x3 same | relu | fc 10"
        assert not app.builder.network.layers
        await pilot.press("enter")
        await pilot.pause()
        assert len(app.builder.network.layers) == 3
