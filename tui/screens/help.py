"""The help screen: every key, from the table of commands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from cnn_tui.tui.actions import APP, TRAIN, commands, title_of
from cnn_tui.tui.build_actions import BUILD, LIST
from cnn_tui.tui.command import key_words
from cnn_tui.tui.lesson_actions import LESSON
from cnn_tui.tui.screens.dialog import Dialog

_COLUMN, _MOST, _FRAME, _GAP, _KEY = 36, 3, 6, 2, 9
"""Columns of text at least and their number at most; their frame, their gap, and of the keys."""
_LIST_KEYS = (("up/down", "Choose a row"), ("a-e", "Apply a fix"))
_FORM_KEYS = (
    ("tab", "Next field; shift+tab, back"),
    ("space", "Next choice; so does a letter"),
    ("esc", "Back to the list"),
)
_MODES = ((LIST, BUILD), (TRAIN,))
"""The modes whose help shows the keys of the other as well: where people begin."""
Keys = Sequence[tuple[str, str]]


class HelpScreen(Dialog[None]):
    """Columns of keys by the place where they work, those of the present screen first."""

    BINDINGS = [Binding("q,question_mark,f1,enter,space", "finish", "close", show=False)]

    def __init__(self, *scopes: str, about: str = "") -> None:
        """Show the keys of ``scopes``, the present screen's, first; above them what is seen."""
        super().__init__()
        self._scopes, self._about = scopes, about

    def compose(self) -> ComposeResult:
        window = min(self.app.size.width, _MOST * (_COLUMN + _GAP) + _FRAME)
        count = max(1, (window - _FRAME) // (_COLUMN + _GAP - 1))
        room = (window - _FRAME) // count - _GAP
        groups = [_lines(title, keys, room) for title, keys in _groups(self._scopes)]
        with VerticalScroll(classes="window help") as frame:
            frame.border_title = "Help"
            frame.border_subtitle = "up/down scroll, esc closes"
            if self._about:
                yield Static(f"{self._about}\n", markup=False)
            with Horizontal():
                for column in _columns(groups, count):
                    yield Static(Content("\n").join(column))


def _groups(scopes: Sequence[str]) -> Iterator[tuple[str, Keys]]:
    """Yield places with their keys: a lesson, this screen, what works everywhere, other modes."""
    own = tuple(scope for scope in scopes if scope not in (APP, LESSON)) or (LIST, BUILD)
    if LESSON in scopes:
        yield from _places((LESSON,))
    yield from _places(own)
    yield "Everywhere", _keys(APP)
    for mode in _MODES:
        if own in _MODES and mode != own:
            yield from _places(mode)


def _places(scopes: Sequence[str]) -> Iterator[tuple[str, Keys]]:
    listed = [*(_LIST_KEYS if LIST in scopes else ()), *_keys(*scopes)]
    yield title_of(scopes[0]), listed
    if LIST in scopes:
        yield "In a form", _FORM_KEYS


def _keys(*scopes: str) -> Keys:
    return [(key_words(command), command.help) for command in commands(*scopes) if command.help]


def _lines(title: str, keys: Keys, room: int) -> list[Content]:
    """Return a title and a row for each key; long texts are wrapped and indented."""
    rows = [Content.styled(title, "bold")]
    for key, words in keys:
        first, *rest = wrap(words, max(8, room - _KEY - 1))
        rows.append(Content.assemble((f"{key:<{_KEY}}", "$accent"), f" {first}"))
        rows += [Content(f"{'':{_KEY}} {line}") for line in rest]
    return [*rows, Content()]


def _columns(groups: Sequence[list[Content]], count: int) -> list[list[Content]]:
    """Fill columns of about equal height, group after group."""
    height = sum(map(len, groups)) / count
    columns: list[list[Content]] = [[] for _ in range(count)]
    at = 0
    for group in groups:
        over = len(columns[at]) + len(group) / 2 > height
        if columns[at] and over and at + 1 < count:
            at += 1
        columns[at] += group
    return columns
