"""Parts of the views: sheets in pages, files, the table."""

from __future__ import annotations

import re
import shutil
import xml.etree.ElementTree as ET
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnn_tui.engine.errors import InsightError, RunError
from cnn_tui.engine.insight.health import FilterHealth
from cnn_tui.engine.insight.shuffle import ShuffleRow, ShuffleTest
from cnn_tui.engine.insight.verdict import LayerFilters
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.names import DEMO_RUN
from cnn_tui.tui.inspect.canvas import Canvas, aligned, paged
from cnn_tui.tui.inspect.health import HealthSeen
from cnn_tui.tui.inspect.row import overlay, stretched
from cnn_tui.tui.inspect.saved import png, save, svg
from cnn_tui.tui.inspect.sheet import Tile, contact_sheet, draw_sheet
from cnn_tui.tui.inspect.shuffle import ShuffleSeen
from cnn_tui.tui.inspect.source import SavedSource
from cnn_tui.tui.inspect.table import VIEWS, unknown_view
from cnn_tui.tui.rows import Line
from cnn_tui.tui.terminal.half_blocks import Picture
from cnn_tui.tui.terminal.link import Form

SIZES = ((66, 17), (102, 33), (182, 52), (40, 12))


def tiles(count: int, side: int = 5) -> list[Tile]:
    values = np.random.default_rng(0).normal(size=(count, 1, side, side))
    return [Tile(at, Picture(value, "signed", 3.0)) for at, value in enumerate(values)]


def shown(lines: list[Line]) -> list[int]:
    """The numbers below the pictures."""
    return [int(text) for line in lines for text, role in line if role == "strong"]


@pytest.mark.parametrize("form", ["blocks", "glyphs", "ascii"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("count", "side"), [(1, 5), (6, 5), (64, 28), (512, 32), (40, 1)])
def test_every_picture_is_on_a_page_within_the_room(
    count: int, side: int, size: tuple[int, int], form: Form
) -> None:
    width, height = size
    found: list[int] = []
    made = tiles(count, side)
    for page in range(draw_sheet(made, Canvas(width, height, form)).pages):
        drawn = draw_sheet(made, Canvas(width, height, form, page))
        assert len(drawn.lines) <= height
        assert all(sum(len(text) for text, _ in line) <= width for line in drawn.lines)
        found += shown(list(drawn.lines))
    assert found == list(range(count))


def test_few_small_pictures_are_enlarged_by_whole_factors() -> None:
    lines = draw_sheet(tiles(6), Canvas(66, 17)).lines
    widths = {len(text) for text, role in lines[0] if role.startswith("#")}
    assert len(widths) == 1 and widths.pop() > 1


def test_four_in_a_tile_stand_closer_than_tiles() -> None:
    pixels = np.full((1, 4, 4), 200, np.uint8)
    made = [Tile(at, Picture(pixels), four=True) for at in range(6)]
    row = draw_sheet(made, Canvas(66, 17, ground=28)).lines[0]
    within = {len(text) for text, role in row if role.startswith("#1c1c1c/")}
    between = [len(text) for text, role in row if not role][1:]
    assert within == {1} and min(between) > 1


def test_zoom_makes_pictures_larger_and_pages_more() -> None:
    usual, larger = (draw_sheet(tiles(64, 28), Canvas(66, 17, zoom=zoom)) for zoom in (0, 3))
    assert larger.pages > usual.pages


def test_marks_and_the_cursor_are_told_by_glyphs() -> None:
    marked = [tile._replace(mark="dead", words="9.1") for tile in tiles(2)]
    text = [
        "".join(text for text, _ in line)
        for line in draw_sheet(marked, Canvas(66, 17, chosen=1)).lines
    ]
    assert any("0 dead 9.1" in line and ">1 dead 9.1" in line for line in text)


def test_captions_are_whole_below_small_pictures() -> None:
    made = [tile._replace(number=120, words="8>5 1.4") for tile in tiles(6, 8)]
    for size in SIZES:
        told = "".join(text for line in draw_sheet(made, Canvas(*size)).lines for text, _ in line)
        assert told.count("120 8>5 1.4") == 6 and "…" not in told


def test_contact_sheet_is_in_the_order_of_the_numbers() -> None:
    pictures = [Tile(at, Picture(np.full((1, 2, 2), at, np.uint8))) for at in (2, 0, 1)]
    grey = contact_sheet(pictures, 4)[..., 0]
    firsts = grey[3, grey[3] < 3]
    assert firsts.tolist() == sorted(firsts.tolist()) and set(firsts) <= {0, 1, 2}


def test_png_is_read_by_others() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (7, 5, 3), np.uint8)
    np.testing.assert_array_equal(np.asarray(Image.open(BytesIO(png(pixels)))), pixels)


def test_svg_is_well_formed_and_plain() -> None:
    text = svg([((" <a&b> ", "strong"), ("▀▀", "#ff0000/#00ff00")), (("▀", "#0000ff/"),)])
    kinds = {element.tag.rpartition("}")[2] for element in ET.fromstring(text).iter()}
    assert kinds == {"svg", "rect", "text"}
    assert {"#ff0000", "#00ff00", "#0000ff"} <= set(re.findall("#[0-9a-f]{6}", text))


class _Words:
    said = ("All is well.",)
    where = ""

    def drawn(self, canvas: Canvas):
        return paged(aligned(("a", "b"), [("1", "2")]), canvas)

    def to_json(self) -> object:
        return None

    def pixels(self) -> None:
        return None


def test_a_view_without_pictures_is_an_svg_only(tmp_path: Path) -> None:
    save(_Words(), tmp_path / "view.svg", "run")
    assert "All is well." in (tmp_path / "view.svg").read_text()
    for name, words in (("view.png", "no pictures"), ("view.gif", "neither")):
        with pytest.raises(InsightError, match=words):
            save(_Words(), tmp_path / name, "run")
    with pytest.raises(InsightError, match="cannot be written"):
        save(_Words(), tmp_path / "none" / "view.svg", "run")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["view.svg"]


def test_long_tables_are_paged_below_their_heading() -> None:
    table = aligned(("name", "n"), [(f"row{at}", str(at)) for at in range(30)])
    pages = [paged(table, Canvas(40, 11, page=page), head=1) for page in range(4)]
    assert {drawn.pages for drawn in pages} == {3}
    texts = [line[0][0] for drawn in pages[:3] for line in drawn.lines]
    assert texts.count(" name   n") == 3 and len(texts) == 33
    assert pages[3] == pages[2]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_every_view_says_what_it_shows_what_to_look_for_and_its_source(view) -> None:
    assert view.shows.endswith(".") and view.look_for.endswith(".") and view.source
    assert view.about.startswith(view.shows)
    assert callable(view.compute)


def test_unknown_view_is_answered_with_the_nearest() -> None:
    assert "Did you mean filters?" in unknown_view("fliters")
    assert "maps" in unknown_view("zzz")


def test_a_map_is_as_large_as_the_image_that_it_is_about() -> None:
    heat, image = np.arange(6.0).reshape(2, 3), np.zeros((1, 5, 7), np.uint8)
    rows = ((0, 0, 0, 1, 1, 2, 2), (3, 3, 3, 4, 4, 5, 5))
    assert stretched(heat, image).tolist() == [list(rows[at]) for at in (0, 0, 0, 1, 1)]
    assert overlay(image, heat, 5.0).values.shape == (3, 5, 7)


def test_filters_that_are_named_are_not_cut() -> None:
    layer = LayerFilters(
        layer="conv1",
        filters=300,
        dead=(),
        duplicates=(),
        noisy=tuple(range(100, 250, 10)),
        effective_rank=60.0,
        distinct=300,
        verdict="14 like noise",
        largest_cosine=0.0,
        largest_correlation=0.0,
        roughness=(),
        active=(),
    )
    rows = HealthSeen(FilterHealth((layer,), 180)).drawn(Canvas(40, 20)).lines
    told = ["".join(text for text, _ in row) for row in rows]
    assert max(map(len, told[3:])) <= 40 and told[-1].endswith("210 and 3 more are like noise")


def test_a_damaged_state_is_not_taken_for_none(tmp_path: Path) -> None:
    folder = RunFolder(Path(shutil.copytree(DEMO_RUN, tmp_path / "damaged")))
    folder.best_file.write_bytes(b"")
    with pytest.raises(RunError, match=r"is damaged.*cnn-tui reproduce damaged"):
        SavedSource(folder).subject("")


@pytest.mark.parametrize("width", [50, 66, 102])
def test_names_of_runs_stay_within_the_view(width: int) -> None:
    runs = ("digits-convnet-conv1-64-3", "digits-convnet-conv1-64-shuffled-3")
    row = ShuffleRow("digits-convnet-conv1-64", 29_642, 0.981, 0.956, runs)
    lines = ShuffleSeen(ShuffleTest(360, 0, (row,))).drawn(Canvas(width, 20)).lines
    told = ["".join(text for text, _ in line) for line in lines]
    assert max(map(len, told)) <= width
    assert told[-1].endswith("…" if width == 50 else runs[1])
