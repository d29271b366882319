"""Small windows over a screen: a question with its answers, and a list to pick from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from cnn_tui.tui.rows import Item


@dataclass(frozen=True)
class Answer:
    """A key and what it means."""

    key: str
    words: str


class Dialog(ModalScreen[str]):
    """A window that gives back a text, empty for escape."""

    CSS_PATH = "dialog.tcss"
    BINDINGS = [Binding("escape", "finish", "cancel", show=False)]

    def action_finish(self, result: str = "") -> None:
        """Close with a result; a second key that was on its way finds the window closed."""
        if self.is_current:
            self.dismiss(result)

    async def on_key(self, event: events.Key) -> None:
        """Keys that come while the window is being made belong to its input."""
        for entry in self.query(Input):
            if entry.has_focus:
                return
            if event.is_printable and event.character:
                entry.insert_text_at_cursor(event.character)
            elif event.key == "enter":
                await entry.action_submit()


class Question(Dialog):
    """Asks; the result is the key of the answer, empty for escape."""

    def __init__(self, question: str, answers: Sequence[Answer]) -> None:
        super().__init__()
        self._question = question
        self._answers = answers

    def compose(self) -> ComposeResult:
        """The question, the answers, the way out."""
        keys = [*((answer.key, answer.words) for answer in self._answers), ("esc", "go back")]
        lines = [Content.assemble((f"{key:>5}", "$accent"), f"  {words}") for key, words in keys]
        with Vertical(classes="window"):
            yield Static(self._question, markup=False)
            yield Static(Content("\n").join(lines), classes="answers")

    def on_click(self, event: events.Click) -> None:
        """A click on an answer takes it."""
        if event.widget is self.query_one(".answers"):
            taken = [*(answer.key for answer in self._answers), ""][event.y :]
            if taken:
                self.action_finish(taken[0])

    async def on_key(self, event: events.Key) -> None:
        """Take an answer."""
        if any(answer.key == event.character for answer in self._answers):
            event.stop()
            self.action_finish(event.character or "")


class Picker(Dialog):
    """A list that typing filters; the result is the key of an item, empty for escape.

    With ``free`` what is typed is a result as well, if it matches no item.
    """

    BINDINGS = [
        Binding("down", "go('cursor_down')", show=False),
        Binding("up", "go('cursor_up')", show=False),
        Binding("pagedown", "go('page_down')", show=False),
        Binding("pageup", "go('page_up')", show=False),
    ]

    def __init__(self, title: str, items: Sequence[Item], free: str = "") -> None:
        super().__init__()
        self._title = title
        self._items = items
        self._free = free

    def compose(self) -> ComposeResult:
        """Title, filter, list."""
        free = f", or {self._free}" if self._free else ""
        hint = f"type to filter{free}; enter takes, esc leaves"
        with Vertical(classes="window picker"):
            yield Static(self._title, classes="title")
            yield Input(placeholder=hint, compact=True)
            yield OptionList(compact=True)
            yield Static(classes="detail")

    def on_mount(self) -> None:
        """Show all items."""
        self.query_one(Input).cursor_blink = False
        self.query_one(OptionList).can_focus = False
        self._fill("")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show the items that match."""
        self._fill(event.value.strip().lower())

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the marked item, or the text."""
        choices = self.query_one(OptionList)
        if choices.highlighted is not None:
            self.action_finish(choices.get_option_at_index(choices.highlighted).id or "")
        elif self._free:
            self.action_finish(event.value.strip())

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take the item that was clicked."""
        self.action_finish(event.option_id or "")

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show the whole of the marked item, which its line may have cut."""
        words = {item.key: item.words for item in self._items}
        self.query_one(".detail", Static).update(Content(words.get(event.option_id or "", "")))

    async def action_go(self, where: str) -> None:
        """Move in the list while the filter keeps the focus."""
        choices = self.query_one(OptionList)
        if choices.size.height:  # Textual cannot turn pages where it has drawn none
            await choices.run_action(where)

    def _fill(self, wanted: str) -> None:
        choices = self.query_one(OptionList)
        choices.clear_options()
        width = max((len(item.key) for item in self._items), default=0)
        for item in _matching(self._items, wanted):
            line = Content.assemble((item.key.ljust(width), "$accent"), "  ", item.words)
            choices.add_option(Option(line, id=item.key))
        choices.highlighted = 0 if choices.option_count else None


def _matching(items: Sequence[Item], wanted: str) -> list[Item]:
    """Those whose key begins with the text first, then those that contain it, then in words."""
    ranks = [
        (0 if item.key.startswith(wanted) else 1 if wanted in item.key else 2, at, item)
        for at, item in enumerate(items)
        if wanted in item.key or wanted in item.words.lower()
    ]
    return [item for _, _, item in sorted(ranks, key=lambda rank: rank[:2])]


class Prompt(Dialog):
    """One line of text, which what is typed replaces; the result is empty for escape."""

    def __init__(self, title: str, value: str) -> None:
        super().__init__()
        self._title = title
        self._value = value

    def compose(self) -> ComposeResult:
        """Title and line."""
        with Vertical(classes="window"):
            yield Static(self._title, classes="title", markup=False)
            yield Input(self._value, compact=True, select_on_focus=True)
            yield Static("enter takes it, esc goes back", classes="hint")

    def on_mount(self) -> None:
        """A cursor that stands still sends nothing."""
        self.query_one(Input).cursor_blink = False

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the text."""
        self.action_finish(event.value.strip())
