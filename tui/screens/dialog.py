"""Small windows over a screen: a question with its answers, a list to pick from, a line to type."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option, OptionDoesNotExist

from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.tui.rows import Item
from cnn_tui.tui.widgets.answers import Answers
from cnn_tui.tui.widgets.inputs import EntryInput
from cnn_tui.tui.words import clean

Result = TypeVar("Result")


class Dialog(ModalScreen[Result], Generic[Result]):
    """The base of all windows: each returns a result, ``escaped`` if it is closed without one."""

    CSS_PATH = "dialog.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-small"), (100, "-large"), (160, "-huge")]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (36, "-tall")]
    BINDINGS = [
        Binding("escape", "finish", "cancel", show=False),
        Binding("ctrl+c", "app.say_how_to_quit", show=False),
        Binding("ctrl+q", "app.leave", show=False),
    ]
    escaped: ClassVar[Any] = None

    def action_finish(self, result: Result | None = None) -> None:
        # A second key that was on its way finds the window closed.
        if self.is_current:
            self.dismiss(self.escaped if result is None else result)


class TextDialog(Dialog[str]):
    """A dialog that returns a text, empty for escape."""

    escaped = ""


class TitledWindow(Vertical):
    """The frame of a dialog, with its title in the border, as panels have theirs."""

    def __init__(self, title: str, *, classes: str = "") -> None:
        super().__init__(classes=f"window {classes}")
        self.border_title = Content(clean(title))


class AskingDialog(TextDialog):
    """The base of short questions: a title, and below it what there is to say."""

    def __init__(self, title: str, about: str = "") -> None:
        super().__init__()
        self._title, self.words = title, about

    def said(self) -> Iterator[Static]:
        """Yield what there is to say, after the title where the border has no room for it."""
        room = min(_ASKING, self.app.size.width) - _CORNERS
        whole = self._title if len(self._title) > room else ""
        if text := "\n".join(filter(None, (whole, self.words))):
            yield Static(text, classes="asked", markup=False)


_ASKING, _CORNERS = 76, 8
"""Columns of a question (dialog.tcss), and of what is beside its title in the border."""


@dataclass(frozen=True)
class Answer:
    """A key and what it means."""

    key: str
    text: str


class Question(AskingDialog):
    """A question; the result is the key of the answer, empty for escape."""

    def __init__(self, title: str, answers: Sequence[Answer], about: str = "") -> None:
        super().__init__(title, about)
        self._answers = answers

    def compose(self) -> ComposeResult:
        with TitledWindow(self._title):
            yield from self.said()
            answers = [(answer.key, answer.text) for answer in self._answers]
            yield Answers([*answers, ("esc", "go back")])

    @on(Answers.Given)
    def _clicked(self, event: Answers.Given) -> None:
        self.action_finish("" if event.key == "esc" else event.key)

    async def on_key(self, event: events.Key) -> None:
        if any(answer.key == event.character for answer in self._answers):
            event.stop()
            self.action_finish(event.character)
        elif event.is_printable or event.key == "enter":
            keys = ", ".join(answer.key for answer in self._answers)
            self.notify(f"The keys here are {keys} and esc.")


class Picker(TextDialog):
    """A list that typing filters; the result is the key of an item, empty for escape.

    With ``free``, which says what else may be typed, a text that matches no item is a result too,
    unless ``check`` raises ``CnnTuiError``: the text then stays, with the message below the list.
    """

    BINDINGS = [
        Binding(key, f"go('{action}')", show=False)
        for key, action in (
            ("down", "cursor_down"),
            ("up", "cursor_up"),
            ("pagedown", "page_down"),
            ("pageup", "page_up"),
            ("ctrl+home", "first"),
            ("ctrl+end", "last"),
        )
    ]
    _lit: tuple[str, Content] | None = None
    """The highlighted option, and how it is drawn otherwise."""
    KEYS = ""
    """The last line, if there is more to say than the placeholder has room for."""

    def __init__(
        self,
        title: str,
        items: Sequence[Item],
        free: str = "",
        check: Callable[[str], object] | None = None,
    ) -> None:
        super().__init__()
        self._title, self._items, self._free, self._check = title, items, free, check
        self.placeholder = (
            f"type to filter{f', or {free}' if free else ''}; enter selects, esc goes back"
        )

    def compose(self) -> ComposeResult:
        choices = OptionList(compact=True)
        choices.can_focus = False
        self._make_room()
        with TitledWindow(self._title, classes="picker"):
            yield EntryInput(placeholder=self.placeholder, compact=True)
            yield choices
            yield Static(classes="detail")
            if self.KEYS:
                yield Static(self.KEYS, classes="hint")

    def on_mount(self) -> None:
        self.filter("")

    def on_resize(self) -> None:
        self._make_room()

    def _make_room(self) -> None:
        """Keep no rows to repeat an item below the list if none is cut in its line."""
        width = self.app.size.width
        room = min(_WIDTH, width if width < _WIDTH else width * 9 // 10) - _FRAME
        longest = max((len(item.text) for item in self._items), default=room)
        self.set_class(self._key_width(self._items) + 2 + longest <= room, "-brief")

    def on_input_changed(self, event: Input.Changed) -> None:
        self.filter(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.submit(event.value.strip())

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.pick(event.option_id or "")

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        self._light(event.option)
        self.highlight(event.option_id or "")

    def _light(self, option: Option) -> None:
        """Draw the highlighted line in one colour: others cannot be read on its ground."""
        if self._lit is not None:
            with suppress(OptionDoesNotExist):
                self.choices.replace_option_prompt(*self._lit)
            self._lit = None
        if option.id and isinstance(option.prompt, Content):
            self._lit = (option.id, option.prompt)
            with suppress(OptionDoesNotExist):
                self.choices.replace_option_prompt(option.id, Content(option.prompt.plain))

    def filter(self, text: str) -> None:
        """Show the items that match a text."""
        text = text.strip().lower()
        self.fill(_matching(self.offered(text), text), highlight=True)

    def offered(self, text: str) -> Sequence[Item]:
        """Return the items from which a text chooses."""
        return self._items

    def submit(self, text: str) -> None:
        """Return the highlighted item, or the text."""
        if self.highlighted:
            self.pick(self.highlighted)
        elif self._free:
            try:
                if text and self._check:
                    self._check(text)
            except CnnTuiError as error:
                self.query_one(".detail", Static).update(_refused(str(error)))
            else:
                self.action_finish(text)

    def pick(self, key: str) -> None:
        """Return an item."""
        self.action_finish(key)

    def highlight(self, key: str) -> None:
        """Show the whole text of an item, which its line may have cut."""
        shown = () if self.has_class("-brief") else self._items
        texts = {item.key: item.text for item in shown}
        self.query_one(".detail", Static).update(Content(texts.get(key, "")))

    @property
    def choices(self) -> OptionList:
        """The list."""
        return self.query_one(OptionList)

    @property
    def highlighted(self) -> str:
        """The key of the highlighted item; empty if there is none."""
        option = self.choices.highlighted_option
        return (option.id or "") if option else ""

    async def action_go(self, action: str) -> None:
        """Move in the list while the input keeps the focus."""
        if self.choices.size.height:  # Textual cannot turn pages where it has drawn none
            await self.choices.run_action(action)

    def fill(self, items: Sequence[Item], *, highlight: bool) -> None:
        """Show these items; the first is highlighted if so asked."""
        choices = self.choices
        choices.clear_options()
        width = self._key_width(self._items or items)
        for item in items:
            line = Content.assemble((item.key.ljust(width), "$accent"), "  ", item.text)
            choices.add_option(Option(line, id=item.key))
        choices.highlighted = 0 if highlight and items else None
        if not items:
            free = f" Enter takes it as {self._free}." if self._free else ""
            self.query_one(".detail", Static).update(f"Nothing in this list matches.{free}")

    @staticmethod
    def _key_width(items: Sequence[Item]) -> int:
        return max((len(item.key) for item in items), default=0)


_WIDTH, _FRAME = 100, 5
"""Columns of a list whose lines fit (dialog.tcss), and of its frame with the scroll bar."""


def _matching(items: Sequence[Item], text: str) -> list[Item]:
    """Items whose key begins with the text, then those whose key, then whose text contains it."""
    ranks = [
        (0 if item.key.startswith(text) else 1 if text in item.key else 2, position, item)
        for position, item in enumerate(items)
        if text in item.key or text in item.text.lower()
    ]
    return [item for _, _, item in sorted(ranks, key=lambda rank: rank[:2])]


class Prompt(AskingDialog):
    """One line of text, which typing replaces; the result is empty for escape.

    ``about`` says what may be typed. ``check`` raises ``CnnTuiError``, or ``ValueError`` with what
    a wrong text needs; the text then stays in the line, with the message below it.
    """

    def __init__(
        self,
        title: str,
        value: str,
        check: Callable[[str], object] | None = None,
        about: str = "",
    ) -> None:
        super().__init__(title, about)
        self._value, self._check = value, check

    def compose(self) -> ComposeResult:
        with TitledWindow(self._title):
            yield from self.said()
            yield EntryInput(self._value, compact=True, select_on_focus=True)
            yield Static("enter accepts, esc goes back", classes="hint")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        try:
            if text and self._check:
                self._check(text)
        except CnnTuiError as error:
            self._complain(str(error))
        except ValueError as error:
            self._complain(f"{text} {error}")
        else:
            self.action_finish(text)

    def _complain(self, words: str) -> None:
        self.query_one(".hint", Static).update(_refused(words))


def _refused(words: str) -> Content:
    return Content.assemble((f"! {clean(words)}", "$error"))
