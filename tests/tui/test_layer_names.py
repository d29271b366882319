"""The names of layers inside blocks fit wherever layers are listed."""

from __future__ import annotations

import pytest

from cnn_tui.engine.training.events import LayerHealth
from cnn_tui.tui.dashboard.run_view import RunView
from cnn_tui.tui.inspect.canvas import aligned
from cnn_tui.tui.inspect.charts import named_axis
from cnn_tui.tui.widgets.run_panels import LayerHealthTable
from cnn_tui.tui.words import short_name

DEEP = "repeat5.1.residual1.parallel4.b.conv2"


@pytest.mark.parametrize(
    ("width", "short"),
    [
        (40, DEEP),
        (33, "rep5.1.res1.parallel4.b.conv2"),
        (24, "rep5.1.res1.par4.b.conv2"),
        (20, "r5.1.r1.par4.b.conv2"),
        (16, "5.1.1.p4.b.conv2"),
        (12, "…1.4.b.conv2"),
        (9, "…b.conv2"),
    ],
)
def test_a_name_is_shortened_from_outside(width: int, short: str) -> None:
    assert short_name(DEEP, width) == short


def test_a_name_without_blocks_stays_as_it_is() -> None:
    assert short_name("global_avgpool12", 16) == "global_avgpool12"


def test_names_leave_room_for_the_figures_beside_them() -> None:
    rows = [("conv1", "16", "ok"), (DEEP, "4", "ok")]
    wide = ["".join(text for text, _ in line) for line in aligned(("layer", "filters", ""), rows)]
    assert DEEP in wide[2]
    narrow = aligned(("layer", "filters", ""), rows, width=36)
    lines = ["".join(text for text, _ in line) for line in narrow]
    assert all(len(line) <= 36 for line in lines)
    assert lines[2].split() == ["r5.1.r1.par4.b.conv2", "4", "ok"]


def test_an_axis_labels_layers_in_blocks() -> None:
    assert named_axis(["conv1", "parallel3.b.conv1"], 60).labels == ("conv1", "par3.b.conv1")


def test_the_layers_of_a_run_show_their_whole_names_where_there_is_room() -> None:
    names = ("conv1", "parallel3.b.conv1", DEEP)
    layers = tuple(
        LayerHealth(layer=name, type="conv", gradient_norm=0.5, update_ratio=0.001)
        for name in names
    )
    table = LayerHealthTable()
    table.set_reactive(LayerHealthTable.run, RunView(layers=layers))
    shown = ["".join(text for text, _ in line) for line in table.lines(52, 5)]
    assert "parallel3.b.conv1 " in shown[2]
    assert "r5.1.res1.par4.b.conv2 " in shown[3]
    assert all(len(line) <= 52 for line in shown)


def test_more_layers_than_rows_are_scrolled() -> None:
    layers = tuple(LayerHealth(layer=f"conv{n}", type="conv") for n in range(20))
    table = LayerHealthTable()
    troubled = frozenset(("conv19",))
    table.set_reactive(LayerHealthTable.run, RunView(layers=layers, troubled=troubled))

    def shown() -> list[str]:
        return ["".join(text for text, _ in line).split()[0] for line in table.lines(52, 6)[1:]]

    assert shown() == ["conv0", "conv1", "conv2", "conv3", "conv19"]
    assert table.can_scroll(1) and not table.can_scroll(-1)
    table.scroll_rows(3)
    assert shown() == [f"conv{n}" for n in range(3, 8)]
    table.scroll_rows(100)
    assert shown() == [f"conv{n}" for n in range(15, 20)] and not table.can_scroll(1)
