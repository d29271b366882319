"""Build where there is room: the window of a layer, samples, bars, and a colour for each kind."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from driving import text
from runs_made import until
from textual.geometry import Size

from cnn_tui.engine.specs.layers import FC, LAYER_TYPES, Conv, DWConv, MaxPool, ReLU
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.building.kinds import role_of
from cnn_tui.tui.building.window_lines import window_lines
from cnn_tui.tui.rows import block_bar
from cnn_tui.tui.widgets.aside import Aside, arranged
from cnn_tui.tui.widgets.layer_table import LayerTable

MakeApp = Callable[..., CnnTuiApp]


def drawing(layer: Conv | DWConv | MaxPool | FC | ReLU, shape: tuple[int, ...]) -> list[str]:
    return ["".join(run for run, _ in line).rstrip() for line in window_lines(layer, shape, 40, 12)]


def test_the_window_is_drawn_to_the_pixel() -> None:
    assert drawing(Conv(out_channels=2, kernel_size=2, stride=2, padding=1), (1, 4, 4))[:6] == [
        "████▒▒▒▒p p",
        "████▒▒▒▒· p",
        "p · · · · p",
        "p · · · · p",
        "p · · · · p",
        "p p p p p p",
    ]


def test_dilation_leaves_holes_and_the_caption_counts() -> None:
    rows = drawing(Conv(out_channels=2, kernel_size=2, dilation=2), (1, 5, 5))
    assert rows[0] == "██▒▒██▒▒·"
    assert rows[1] == "· · · · ·"
    assert rows[-1] == "5x5: 3x3 places"


def test_of_a_large_input_the_corner_is_drawn() -> None:
    rows = drawing(MaxPool(kernel_size=3, stride=2), (3, 224, 224))
    assert len(rows) == 12 and all(len(row) <= 40 for row in rows)
    assert rows[-1] == "corner of 224x224: 111x111 places"


def test_a_depthwise_convolution_has_a_window() -> None:
    assert drawing(DWConv(kernel_size=2, stride=2), (3, 4, 4))[0] == "████▒▒▒▒"


async def test_long_names_leave_room_for_settings(make_app: MakeApp) -> None:
    app = make_app(load_preset("shufflenet_v2_x1_0"))
    async with app.run_test(size=(120, 40)):
        assert " conv        24 3x3 s2 p1 floor n… " in text(app, "#layers")


def test_a_layer_without_a_window_says_so() -> None:
    assert drawing(FC(out_features=10), (6, 5, 5)) == [
        "No window: every output reads all 150",
        "values of 6x5x5.",
    ]
    assert drawing(ReLU(), (6, 5, 5)) == ["No window: each of the 150 values by", "itself."]
    assert drawing(Conv(out_channels=1, kernel_size=9), (1, 5, 5)) == []


def test_every_type_of_layer_has_a_colour() -> None:
    assert {name for name in LAYER_TYPES if not role_of(name)} == set()
    assert role_of("input") == ""


@pytest.mark.parametrize(
    ("share", "bar"), [(0.0, "    "), (1e-9, "▏   "), (0.5, "██  "), (1.0, "████"), (2.0, "████")]
)
def test_bars_are_exact_to_an_eighth(share: float, bar: str) -> None:
    assert block_bar(share, 4) == bar


async def test_at_120_columns_all_of_it_is_there(make_app: MakeApp) -> None:
    app = make_app(load_preset("digits-convnet"))
    async with app.run_test(size=(120, 40)) as pilot:
        aside = app.screen.query_one(Aside)
        await until(pilot, lambda: aside.samples is not None)
        await pilot.press("down")
        await pilot.pause()
        assert "█" in text(app, "#aside") and "place" in text(app, "#aside")
        assert "height: pixels" in text(app, "#picture")
        assert re.search(r"[█▏▎▍▌▋▊▉]", text(app, "#layers"))
        rows = app.screen.query_one(LayerTable)._rows
        assert ("conv", "conv") in {(run.strip(), role) for row in rows[3:] for run, role in row}


async def test_at_200_columns_no_setting_is_cut(make_app: MakeApp) -> None:
    app = make_app(load_preset("resnet18"))
    async with app.run_test(size=(200, 60)):
        assert "64 7x7 s2 p3 floor no bias" in text(app, "#layers")
        assert "…" not in text(app, "#layers")


@pytest.mark.parametrize(
    ("size", "wanted"), [((33, 10), (2, 15)), ((48, 19), (3, 15)), ((33, 5), (3, 8))]
)
def test_samples_are_as_large_as_the_panel_allows(
    size: tuple[int, int], wanted: tuple[int, int]
) -> None:
    assert arranged(Size(*size)) == wanted


async def test_at_80_columns_the_list_has_all_the_room(make_app: MakeApp) -> None:
    app = make_app(Network(layers=(Conv(out_channels=8, kernel_size=3), FC(out_features=10))))
    async with app.run_test(size=(80, 24)):
        assert not app.screen.query_one("#aside").region
        assert not app.screen.query_one("#picture").region
        assert "█" not in text(app, "#layers")
