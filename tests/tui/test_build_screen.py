"""The builder by keyboard and mouse, key by key, as a person meets it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from driving import layers, text, type_in
from scripted import SMALL
from textual.widgets import Input, OptionList

from cnn_tui.engine.specs.layers import FC, LAYER_TYPES, Conv, Dropout, MaxPool, Residual
from cnn_tui.engine.specs.network import SVM, Network
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.screens.build import LayerList
from cnn_tui.tui.widgets.layer_form import LayerForm
from cnn_tui.tui.widgets.lines import Lines

pytestmark = pytest.mark.slow

MakeApp = Callable[..., CnnTuiApp]
EMPTY = Network()


async def test_a_network_from_nothing_by_keyboard(make_app: MakeApp) -> None:
    app = make_app(EMPTY)
    async with app.run_test(size=(80, 24)) as pilot:
        assert "o opens a preset" in text(app, "#doctor")
        for kind, back in (("conv", True), ("relu", False), ("maxpool", True), ("fc", True)):
            await pilot.press("i")
            await type_in(pilot, kind)
            await pilot.press("enter")
            # A layer with settings is edited at once.
            assert app.screen.query_one(LayerForm).has_focus_within is back
            await pilot.press(*["escape"] * back)
        assert layers(app) == ["Conv", "ReLU", "MaxPool", "FC"]
        assert app.builder.report.valid
        assert "16x4x4" in text(app, "#layers")
        assert "fits   2,730 parameters" in text(app, "#totals")


async def test_a_wrong_stride_is_refused_with_its_reason_and_mended(make_app: MakeApp) -> None:
    app = make_app(Network(input=(1, 28, 28), data="mnist", layers=SMALL.layers))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", "enter", "down")
        await type_in(pilot, "5")
        await pilot.press("down")
        await type_in(pilot, "2")
        assert "(28 - 5 + 2*1)/2 + 1 = 13.5" in text(app, "#doctor")
        assert "! 13.5x13.5" in text(app, "#layers")
        assert "13.5" in text(app, "#form")
        assert "issue" in text(app, "#totals")
        await pilot.press("escape", "a")
        assert app.builder.report.valid
        assert "fits" in text(app, "#totals")
        await pilot.press("u")
        assert not app.builder.report.valid


async def test_every_keystroke_in_a_field_counts(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", "enter")
        await pilot.press("1")
        assert app.builder.network.layers[0] == Conv(out_channels=1, kernel_size=3, padding=1)
        await pilot.press("2", "8")
        assert "128x8x8" in text(app, "#layers")
        await pilot.press("x")
        assert app.builder.network == SMALL, "a wrong text counts as none"
        assert "needs a whole number" in text(app, "#form")
        await pilot.press("escape", "enter")
        assert "needs" not in text(app, "#form")
        focused = app.focused
        assert isinstance(focused, Input)
        assert focused.value == "8"


async def test_fast_typing_is_not_undone_by_its_own_echo(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("t")
        await pilot.pause()
        for digit in "12345":
            app.simulate_key(digit)
        await pilot.pause()
        for _ in range(20):
            await pilot.pause(0.01)
        assert app.builder.network.training.epochs == 12345
        focused = app.focused
        assert isinstance(focused, Input)
        assert focused.value == "12345"


async def test_undo_reaches_the_field_that_is_being_typed_in(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", "enter", "3", "2", "ctrl+z")
        await pilot.pause()
        focused = app.focused
        assert isinstance(focused, Input)
        assert (app.builder.network, focused.value) == (SMALL, "8")
        await pilot.press("ctrl+y")
        await pilot.pause()
        assert focused.value == "32"


async def test_insert_delete_duplicate_and_move(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", "D")
        assert layers(app) == ["Conv", "Conv", "ReLU", "MaxPool", "FC"]
        await pilot.press("J")
        assert layers(app) == ["Conv", "ReLU", "Conv", "MaxPool", "FC"]
        await pilot.press("K")
        assert layers(app) == ["Conv", "Conv", "ReLU", "MaxPool", "FC"]
        await pilot.press("x", "x")
        assert layers(app) == ["Conv", "MaxPool", "FC"]
        await pilot.press("u", "u", "u", "u", "u")
        assert app.builder.network == SMALL
        await pilot.press("U")
        assert layers(app) == ["Conv", "Conv", "ReLU", "MaxPool", "FC"]


async def test_nothing_happens_where_there_is_nothing_to_edit(make_app: MakeApp) -> None:
    app = make_app(EMPTY)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("x", "D", "J", "K", "u", "U", "a", "b", "end", "x", "D", "home", "up")
        assert app.builder.network == EMPTY


async def test_the_picker_filters_and_can_be_left(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("i", "d", "r")
        choices = app.screen.query_one(OptionList)
        assert [option.id for option in choices.options] == ["dropout"]
        await pilot.press("escape")
        assert app.builder.network == SMALL
        relu = [*LAYER_TYPES].index("relu")
        await pilot.press("i", *["down"] * (relu + 1), "up", "enter")
        assert layers(app)[0] == "ReLU"
        await pilot.press("i", "z", "z", "enter", "escape")
        assert len(layers(app)) == 5


async def test_a_choice_is_made_with_arrows_space_or_a_letter(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("t", "down", "down", "down", "up")
        for key, optimizer in (("right", "nesterov"), ("left", "momentum"), ("r", "rmsprop")):
            await pilot.press(key)
            await pilot.pause()
            assert app.builder.network.training.optimizer == optimizer
        await pilot.press("space", "backspace", "z")
        await pilot.pause()
        assert app.builder.network.training.optimizer == "adam"


async def test_the_loss_and_the_input_have_forms(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("end", "up", "enter", "s")
        await pilot.pause()
        assert app.builder.network.loss == SVM()
        await pilot.press("down", "5")
        await pilot.pause()
        assert app.builder.network.loss == SVM(delta=5.0)
        await pilot.press("escape", "home", "enter")
        await type_in(pilot, "3x16x16")
        await pilot.pause()
        assert app.builder.network.input == (3, 16, 16)
        assert "8x16x16" in text(app, "#layers")


async def test_enter_walks_through_the_form_and_back_to_the_list(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("end", "up", "enter", "enter", "enter")
        assert isinstance(app.focused, LayerList)


async def test_a_block_is_edited_from_the_inside(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", "i")
        await type_in(pilot, "residual")
        await pilot.press("enter", "escape", "down", "down", "i")
        await type_in(pilot, "dropout")
        await pilot.press("enter")
        block = app.builder.network.layers[1]
        assert isinstance(block, Residual)
        assert isinstance(block.branch[2], Dropout)
        assert "2.3" in text(app, "#layers")
        assert app.builder.report.valid


async def test_the_mouse_works_too(make_app: MakeApp) -> None:
    app = make_app(Network(layers=(MaxPool(kernel_size=3), FC(out_features=10))))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.click("#layers", offset=(5, 3))
        assert app.builder.row.key == "2"
        await pilot.click("#layers", offset=(5, 2), times=2)
        assert app.builder.row.key == "1"
        assert app.screen.query_one(LayerForm).has_focus_within
        await pilot.click("#doctor", offset=(8, 2))
        assert app.builder.report.valid
        await pilot.click("#layers", offset=(5, 20))
        await pilot.click("Header", offset=(13, 0))
        await pilot.pause()
        assert app.current_mode == "train"


@pytest.mark.parametrize("size", [(60, 18), (60, 20), (80, 24), (120, 40), (200, 60)])
async def test_every_row_ends_inside_its_widget(make_app: MakeApp, size: tuple[int, int]) -> None:
    app = make_app(Network(input=(1, 28, 28), layers=(MaxPool(kernel_size=3), *SMALL.layers)))
    async with app.run_test(size=size) as pilot:
        await pilot.press("end", "home", "down")
        for widget in app.screen.query(Lines).results(Lines):
            for y in range(widget.content_size.height):
                assert widget.render_line(y).cell_length == widget.content_size.width


@pytest.mark.parametrize("size", [(59, 24), (80, 17), (20, 5), (3, 2), (1, 1)])
async def test_a_window_too_small_says_so_and_can_be_left(
    make_app: MakeApp, size: tuple[int, int]
) -> None:
    app = make_app()
    async with app.run_test(size=size) as pilot:
        assert app.screen.query_one("TooSmall").display
        assert not app.screen.query_one("#body").display
        if size[0] > 40:
            assert "cnn-tui needs 60x18" in text(app, "TooSmall")
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert app.screen.query_one("#body").display
        await pilot.press("down", "D")
        assert len(layers(app)) == 5


async def test_choosing_data_sets_the_input_and_the_scores(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter", "down")
        await type_in(pilot, "cifar100")
        assert app.builder.network.input == (3, 32, 32)
        assert app.builder.network.layers[-1].out_features == 100
        assert "3x32x32" in text(app, "#form")
        await pilot.press("escape", "u")
        assert app.builder.network == SMALL, "one step of undo"


async def test_an_input_in_another_order_is_told_with_the_right_one(make_app: MakeApp) -> None:
    app = make_app(load_preset("lenet5"))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter")
        await type_in(pilot, "28x28x1")
        assert "is height x width x channels" in text(app, "#doctor")
        assert "!" in text(app, "#layers").splitlines()[1]
        await pilot.press("escape", "a")
        assert app.builder.network.input == (1, 28, 28)
        assert app.builder.report.valid


async def test_every_setting_of_the_recipe_is_reached_and_seen(make_app: MakeApp) -> None:
    """There are more than fit on a low screen: the form follows the one being edited."""
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("t")
        assert "more below" in text(app, "#form")
        form = app.screen.query_one(LayerForm)
        assert form.form is not None
        names = [field.name for field, _ in form.form.lines]
        for name in names:
            assert form.active == name
            label = name.replace("_", " ")
            shown = text(app, "#form").splitlines()
            assert any(line.strip().startswith(label) for line in shown), label
            entry = app.screen.query_one("ValueInput", Input)
            row = entry.region.y - form.content_region.y
            assert shown[row].strip().startswith(label), "the entry is beside its name"
            if name == "rotate":
                assert "degrees" in text(app, "#doctor")
            await pilot.press("tab")
        assert form.active == names[0]
        await pilot.press("shift+tab")
        assert form.active == "engine" and "more below" not in text(app, "#form")
        await pilot.press("shift+tab")
        assert form.active == "mixup"
        await type_in(pilot, "0.2")
        await pilot.press("escape")
        assert app.builder.network.training.mixup == 0.2
        assert "everything but network" in text(app, "#doctor")
