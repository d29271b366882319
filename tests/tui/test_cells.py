"""A terminal that is sent only what changed shows the same as one that is sent everything."""

from __future__ import annotations

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnn_tui.tui.terminal.cells import Cells

WIDTH, HEIGHT = 24, 6
LOOKS = ("", "31", "1;38;5;251;48;5;234", "38;5;74;48;5;234", "7", "48;2;1;2;3", "4;92;101")


def span(y: int, x: int, look: str, text: str) -> str:
    styled = f"\x1b[{look}m{text}\x1b[0m" if look else text
    return f"\x1b[{y};{x}H{styled}"


spans = st.builds(
    span,
    st.integers(1, HEIGHT),
    st.integers(1, WIDTH // 2),
    st.sampled_from(LOOKS),
    st.text("ab ⠿━é", min_size=1, max_size=WIDTH // 2),
)
frames = st.lists(spans, min_size=1, max_size=8).map("".join)


class Screen:
    """An emulator and what it was sent."""

    def __init__(self) -> None:
        self.screen = pyte.Screen(WIDTH, HEIGHT)
        self.stream = pyte.Stream(self.screen)

    def shows(self, data: str) -> list[list[object]]:
        self.stream.feed(data)
        buffer = self.screen.buffer
        return [[buffer[y][x] for x in range(WIDTH)] for y in range(HEIGHT)]

    @property
    def cursor(self) -> tuple[int, int]:
        return self.screen.cursor.y, self.screen.cursor.x


@given(st.lists(frames, min_size=1, max_size=6))
def test_less_shows_the_same(drawn: list[str]) -> None:
    whole, thrifty, cells = Screen(), Screen(), Cells()
    for frame in drawn:
        assert thrifty.shows(cells.reduce(frame)) == whole.shows(frame)
        assert thrifty.cursor == whole.cursor


@given(frames)
def test_the_same_once_more_sends_nothing(frame: str) -> None:
    cells = Cells()
    # Where spans of a frame lie over each other only the last is kept, then and now.
    cells.reduce(frame)
    assert cells.reduce(frame) == ""


def test_one_changed_dot_is_one_character() -> None:
    cells = Cells()
    look = "38;5;74;48;5;234"
    cells.reduce(span(3, 1, look, "⠿" * 20) + "\x1b[1;1H")
    sent = cells.reduce(span(3, 1, look, "⠿" * 10 + "⡿" + "⠿" * 9) + "\x1b[1;1H")
    assert sent == f"\x1b[3;11H\x1b[{look}m⡿\x1b[m\x1b[1;1H"


def test_of_a_look_only_what_changes_is_sent() -> None:
    cells = Cells()
    sent = cells.reduce(span(1, 1, "38;5;1;48;5;9", "a") + span(1, 2, "38;5;2;48;5;9", "b"))
    assert sent == "\x1b[1;1H\x1b[38;5;1;48;5;9ma\x1b[38;5;2mb\x1b[m"


@pytest.mark.parametrize(
    "other", ["\x1b[?25l", "\x1b[?2026$p", "\x1b[>1u", "\x1b[<u", "\x1b]0;title\x07", "\x1b7", "\a"]
)
def test_what_is_no_text_is_passed_on_in_its_place(other: str) -> None:
    cells = Cells()
    assert cells.reduce("\x1b[1;1Ha" + other + "b") == "\x1b[1;1Ha" + other + "b"


@pytest.mark.parametrize("forgets", ["\x1b[?1049h", "\x1b[?1049l", "\x1b[2J"])
def test_another_screen_is_drawn_in_full(forgets: str) -> None:
    cells = Cells()
    frame = span(1, 1, "31", "abc")
    assert cells.reduce(frame)
    assert "abc" in cells.reduce(forgets + frame)


def test_wide_characters_are_never_cut_in_half() -> None:
    whole, thrifty, cells = Screen(), Screen(), Cells()
    for frame in (span(1, 1, "", "漢字ab"), span(1, 1, "", "a漢字b"), span(1, 1, "", "漢b字a")):
        assert thrifty.shows(cells.reduce(frame)) == whole.shows(frame)


def test_accents_that_are_characters_of_their_own_stay_with_their_letter() -> None:
    cells = Cells()
    assert cells.reduce("\x1b[1;1He\u0301x") == "\x1b[1;1He\u0301x"
    assert cells.reduce("\x1b[1;1He\u0301y") == "\x1b[1;2Hy"
