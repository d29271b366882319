"""The screen suits the link: its rates, its colours, its glyphs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from driving import settle
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color

from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.terminal.filters import Ascii, ColorsOff, filters_for, to_ascii
from cnn_tui.tui.terminal.link import Link, link_for, prepare

MakeApp = Callable[..., CnnTuiApp]
BLACK = Color(0, 0, 0)


def test_a_terminal_that_can_do_everything_gets_everything() -> None:
    assert link_for({"TERM": "xterm-256color"}, "utf-8") == Link()


def test_over_ssh_less_is_sent_unless_more_is_asked_for() -> None:
    environ = {"SSH_CONNECTION": "a 1 b 2"}
    link = link_for(environ, "utf-8")
    assert (link.fps, link.remote) == (2.0, True)
    assert link_for(environ, "utf-8", fps=10).fps == 10
    told = dict[str, str]()
    prepare(link, told)
    assert (told["TEXTUAL_FPS"], told["TEXTUAL_ANIMATIONS"]) == ("15", "none")


@pytest.mark.parametrize(
    ("environ", "encoding", "ascii"),
    [
        ({}, "utf-8", False),
        ({}, "UTF8", False),
        ({}, "latin-1", True),
        ({}, "", True),
        ({"TERM": "linux"}, "utf-8", True),
    ],
)
def test_ascii_where_nothing_else_can_be_shown(
    environ: dict[str, str], encoding: str, ascii: bool
) -> None:
    assert link_for(environ, encoding).ascii is ascii


def test_no_color_is_heeded_unless_colours_are_asked_for() -> None:
    environ = {"NO_COLOR": "1"}
    assert link_for(environ, "utf-8").color == "none"
    assert link_for(environ, "utf-8", color="256").color == "256"
    assert link_for({"NO_COLOR": ""}, "utf-8").color == "auto"


@pytest.mark.parametrize(
    ("color", "system"), [("16", "standard"), ("256", "256"), ("truecolor", "truecolor")]
)
def test_colours_are_told_to_textual(color: str, system: str) -> None:
    told = {"NO_COLOR": "1"}
    prepare(Link(color=color), told)  # type: ignore[arg-type]
    assert told["TEXTUAL_COLOR_SYSTEM"] == system
    assert "NO_COLOR" not in told


def test_ascii_keeps_the_width_of_every_character() -> None:
    braille = "".join(map(chr, range(0x2800, 0x2900)))
    for text in (braille, "━─│┌┐…×·→█▀░", "naïve 漢字"):
        changed = to_ascii(text)
        assert changed.isascii()
        assert cell_len(changed) == cell_len(text)
    assert to_ascii("⠀⣀⠉⢸⡇") == " _'||"


def test_ascii_leaves_styles_and_plain_text_alone() -> None:
    plain, drawn = Segment("loss", Style(bold=True)), Segment("━", Style(color="red"))
    assert Ascii().apply([plain, drawn], BLACK) == [plain, Segment("=", Style(color="red"))]


def test_without_colours_a_marked_row_is_reversed() -> None:
    cursor = Segment("x", Style(color="#ffffff", bgcolor="#005f87"))
    grey = Segment("x", Style(color="#5fafd7", bgcolor="#303030", bold=True))
    marked, calm = ColorsOff().apply([cursor, grey], BLACK)
    assert marked.style == Style(reverse=True)
    assert calm.style == Style(bold=True)


def test_a_link_that_can_do_everything_needs_no_filter() -> None:
    assert filters_for(Link()) == []


async def test_a_whole_run_in_plain_ascii_without_colours(make_app: MakeApp) -> None:
    app = make_app(link=Link(color="none", ascii=True))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f5")
        await settle(app, pilot)
        for key in ("1", "question_mark"):
            await pilot.press(key)
            await pilot.pause()
            lines = app.screen._compositor.render_strips()
            assert all(strip.text.isascii() for strip in lines)
            styles = [segment.style for strip in lines for segment in strip if segment.style]
            assert not any(style.color or style.bgcolor for style in styles)
