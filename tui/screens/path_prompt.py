"""A line for the path of data, which completes paths and tells what it found there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.tui.building.paths import complete_path
from cnn_tui.tui.screens.dialog import TextDialog, TitledWindow
from cnn_tui.tui.threads import run_in_thread
from cnn_tui.tui.widgets.inputs import EntryInput
from cnn_tui.tui.words import clean

_KEYS = "tab completes, up/down choose, enter accepts, esc goes back"


class PathEntry(EntryInput):
    """A line in which tab completes the path."""

    BINDINGS = [Binding("tab", "screen.complete", "complete", show=False)]


class PathPrompt(TextDialog):
    """Asks for a path until one can be read; the result is the whole path, empty for escape.

    Args:
        title: What is asked for.
        check: Returns what a path holds, in words, on a thread of its own; raises ``CnnTuiError``.
        recent: Paths to choose from before anything is typed.
        example: A path such as the one that is asked for.
        suffixes: The endings of files that may be given in place of a folder.
    """

    BINDINGS = [
        Binding("down", "go(1)", show=False),
        Binding("up", "go(-1)", show=False),
    ]

    def __init__(
        self,
        title: str,
        check: Callable[[Path], str],
        recent: Sequence[Path] = (),
        suffixes: Sequence[str] = (),
        *,
        example: str = "~/data/pictures",
    ) -> None:
        super().__init__()
        self._title, self._check = title, check
        self._recent, self._suffixes = tuple(map(str, recent)), tuple(suffixes)
        self._wanted = "folder or file" if suffixes else "folder"
        self._example = example
        self._reading = ""
        """The path that is being read."""
        self.found = ""
        """What the accepted path holds, in words."""

    def compose(self) -> ComposeResult:
        choices = OptionList(compact=True)
        choices.can_focus = False
        with TitledWindow(self._title, classes="paths"):
            placeholder = f"path of a {self._wanted}, such as {self._example}"
            yield PathEntry(placeholder=placeholder, compact=True)
            yield Static(classes="detail", markup=False)
            yield choices
            yield Static(_KEYS, classes="hint")

    def on_mount(self) -> None:
        self._offer(self._recent, "recent:" if self._recent else "")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        if not event.value:
            self._offer(self._recent, "recent:" if self._recent else "")
            return
        found = complete_path(event.value, self._suffixes)
        self._offer(found.choices, "" if found.choices else self._nothing(event.value))

    def _nothing(self, text: str) -> str:
        if Path(text).expanduser().exists():
            return ""
        return f"No {self._wanted} begins like this."

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        """Read the chosen path, else the typed one."""
        choices = self.query_one(OptionList)
        option = choices.highlighted_option
        text = str(option.id) if option and option.id else event.value.strip()
        if not text or self._reading:
            return
        self._reading = text
        self._say(f"reading {clean(text)} ...")
        path = Path(text).expanduser().absolute()
        run_in_thread(self, lambda: self._check(path), partial(self._accept, path), self._refuse)

    def _accept(self, path: Path, found: str) -> None:
        self.found = found
        self.action_finish(str(path))

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        self._take(event.option_id or "")

    def _refuse(self, error: CnnTuiError) -> None:
        """Show why a path cannot be used; what was typed stays."""
        text, self._reading = self._reading, ""
        if not self.is_mounted:
            return
        self.query_one(PathEntry).value = text
        self._say(clean(str(error)), "$error")

    def action_complete(self) -> None:
        """Complete the typed path as far as it is certain, or take the chosen one."""
        choices, entry = self.query_one(OptionList), self.query_one(PathEntry)
        option = choices.highlighted_option
        text = option.id if option and option.id else ""
        self._take(text or complete_path(entry.value, self._suffixes).text)

    def action_go(self, by: int) -> None:
        """Choose the next path, or none above the first one."""
        choices = self.query_one(OptionList)
        at = -1 if choices.highlighted is None else choices.highlighted
        at = min(at + by, choices.option_count - 1)
        choices.highlighted = at if at >= 0 else None

    def _take(self, text: str) -> None:
        entry = self.query_one(PathEntry)
        entry.value, entry.cursor_position = text, len(text)
        entry.focus()

    def _offer(self, paths: Sequence[str], words: str) -> None:
        choices = self.query_one(OptionList)
        choices.set_options(Option(Content(clean(path)), id=path) for path in paths)
        choices.highlighted = None
        self._say(words)

    def _say(self, words: str, style: str = "$text-muted") -> None:
        self.query_one(".detail", Static).update(Content.assemble((words, style)))
