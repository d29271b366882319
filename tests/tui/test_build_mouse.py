"""The builder with the mouse: rows, fields, volumes, dialogs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from driving import text
from scripted import SMALL
from textual.events import MouseScrollDown, MouseScrollUp
from textual.widget import Widget
from textual.widgets import Input, OptionList

from cnn_tui.engine.specs.layers import FC, Conv
from cnn_tui.engine.specs.network import Network
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.screens.dialog import Question
from cnn_tui.tui.widgets.layer_form import LABEL_WIDTH, LayerForm

pytestmark = pytest.mark.slow

MakeApp = Callable[..., CnnTuiApp]


def turn(widget: Widget, kind: type[MouseScrollDown | MouseScrollUp]) -> None:
    """The wheel, over a widget, as the terminal tells it; the pilot has none."""
    x, y = widget.region.x + 1, widget.region.y + 1
    keys = {"button": 0, "shift": False, "meta": False, "ctrl": False}
    widget.app.post_message(kind(None, x, y, 0, 1, **keys))


async def test_rows_are_chosen_by_clicks_and_the_wheel(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.click("#layers", offset=(5, 2))
        assert app.builder.row.key == "1"
        await pilot.click("#layers", offset=(5, 4), shift=True)
        assert len(app.builder.selected) == 3
        await pilot.press("x")
        assert len(app.builder.network.layers) == 1
        await pilot.press("u")
        layers = app.screen.query_one("#layers")
        for kind, row in ((MouseScrollDown, "2"), (MouseScrollDown, "3"), (MouseScrollUp, "2")):
            app.builder.find(row)
            before = app.builder.cursor
            app.screen.present()  # type: ignore[attr-defined]
            turn(layers, kind)
            await pilot.pause()
            assert app.builder.cursor - before == (1 if kind is MouseScrollDown else -1)


async def test_a_field_is_edited_where_it_was_clicked(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.click("#layers", offset=(5, 2))
        await pilot.click("#form", offset=(LABEL_WIDTH + 2, 2))
        assert app.screen.query_one(LayerForm).has_focus_within
        await pilot.press("5")
        assert app.builder.network.layers[0] == Conv(out_channels=8, kernel_size=5, padding=1)


async def test_the_wheel_shows_all_fields_of_a_form(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("t", "escape")
        form = app.screen.query_one(LayerForm)
        assert "more below" in text(app, "#form") and "threads" not in text(app, "#form")
        for _ in range(40):
            turn(form, MouseScrollDown)
        await pilot.pause()
        assert "epochs  " not in text(app, "#form") and "more below" not in text(app, "#form")
        await pilot.click("#form", offset=(LABEL_WIDTH + 2, 2))
        fields = [field.name for field, _ in form.form.lines] if form.form else []
        assert fields.index(form.active) > 5
        turn(form, MouseScrollUp)
        before = form.active
        await pilot.pause()
        assert fields.index(form.active) == fields.index(before) - 1


async def test_volumes_are_chosen_by_clicks_and_the_wheel(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("v")
        await pilot.click("#picture", offset=(4, 3))
        assert app.builder.row.key == "1"
        assert "conv" in text(app, "#picture")
        turn(app.screen.query_one("#picture"), MouseScrollDown)
        await pilot.pause()
        assert app.builder.row.key == "2"
        await pilot.click("#picture", offset=(1, 3))
        assert app.builder.row.key == "input"


async def test_dialogs_are_answered_by_clicks(make_app: MakeApp) -> None:
    app = make_app(Network(input=(1, 8, 8), layers=(FC(out_features=10),)))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", "D", "n")
        await pilot.pause()
        assert isinstance(app.screen, Question)
        await pilot.click("Answers", offset=(4, 2))
        await pilot.pause()
        assert len(app.builder.network.layers) == 2
        await pilot.press("n")
        await pilot.pause()
        await pilot.click("Answers", offset=(4, 0))
        await pilot.pause()
        assert app.builder.network.layers == ()
        await pilot.press("i")
        await pilot.pause()
        await pilot.click(OptionList, offset=(3, 0))
        await pilot.pause()
        assert [type(one) for one in app.builder.network.layers] == [Conv]


async def test_a_transformation_is_taken_by_two_clicks(make_app: MakeApp) -> None:
    app = make_app(Network(input=(1, 8, 8), layers=(FC(out_features=10),)))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", "T")
        for _ in range(400):
            if "the same" in text(app, "CandidateList"):
                break
            await pilot.pause(0.01)
        await pilot.click("CandidateList", offset=(4, 0), times=2)
        await pilot.pause()
        assert app.builder.network.layers == (Conv(out_channels=10, kernel_size=8),)


async def test_the_key_bar_and_the_tabs_are_clicked(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down")
        bar = text(app, "KeyBar")
        await pilot.click("KeyBar", offset=(bar.index("quick"), 0))
        await pilot.pause()
        assert isinstance(app.focused, Input)
        await pilot.press("escape")
        await pilot.click("Header", offset=(text(app, "Header").index("3 Runs"), 0))
        await pilot.pause()
        assert app.current_mode == "runs"
        assert app.builder.network == SMALL
