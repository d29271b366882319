"""The windows of a lesson: all that it says, and what is shown when it is solved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.widgets import Static

from cnn_tui.engine.lessons.lesson import Lesson
from cnn_tui.engine.lessons.lesson import paragraphs as texts_of
from cnn_tui.engine.specs.network import Network
from cnn_tui.tui.actions import commands
from cnn_tui.tui.command import key_word
from cnn_tui.tui.learn.answer import both
from cnn_tui.tui.learn.desk import Desk
from cnn_tui.tui.learn.view import paragraphs, task_row, whole
from cnn_tui.tui.lesson_actions import LESSON
from cnn_tui.tui.rows import Line
from cnn_tui.tui.screens.dialog import TextDialog, TitledWindow
from cnn_tui.tui.widgets.scrolled import ScrolledLines
from cnn_tui.tui.words import clean


class KeyLine(Static):
    """Keys of a window and what they do."""

    def __init__(self, *keys: tuple[str, str]) -> None:
        parts = (part for key, words in keys for part in ((key, "$accent"), f" {words}   "))
        super().__init__(Content.assemble(*parts), classes="hint")


class LessonText(ScrolledLines):
    """All of a lesson, as it is now."""

    def __init__(self, desk: Desk, *, at_task: bool) -> None:
        super().__init__()
        self._desk, self._at_task = desk, at_task

    def lines(self, width: int, height: int) -> Sequence[Line]:
        if self._at_task:
            self._at_task, self._top = False, task_row(self._desk.view, width)
        return super().lines(width, height)

    def all_lines(self, width: int) -> Sequence[Line]:
        desk, solution = self._desk, self._desk.lesson.solution
        rows = whole(desk.view, width)
        if desk.solution_shown and solution:
            rows += [(), *both(desk.work.network, solution, width, recipes=desk.lesson.trains)]
        return rows


class LessonDialog(TextDialog):
    """The text of a lesson, its task with the state, and the hints that were taken."""

    BINDINGS = [
        Binding("enter,q,space", "finish", show=False),
        Binding("s", "solution", show=False),
        *(
            Binding(key, "finish" if command.label == "lesson" else command.action, show=False)
            for command in commands(LESSON)
            for key in command.keys.split(",")
        ),
    ]

    def __init__(self, desk: Desk, *, at_task: bool = False) -> None:
        """With ``at_task`` the task is shown first, not the text above it."""
        super().__init__()
        self._desk, self._at_task = desk, at_task

    def compose(self) -> ComposeResult:
        own = {command.label: key_word(command) for command in commands(LESSON)}
        solution = [("s", "the solution")] if self._desk.lesson.solution else []
        with TitledWindow(self._desk.lesson.title, classes="lesson"):
            yield LessonText(self._desk, at_task=self._at_task)
            yield KeyLine(
                (own["hint"], "next hint"),
                *solution,
                (own["check"], "check"),
                (own["leave"], "leave the lesson"),
                ("esc", "go on"),
            )

    def action_solution(self) -> None:
        """Show the shipped solution beside what there is."""
        self._desk.show_solution()
        self.show()

    def show(self) -> None:
        """Draw what has changed, and the end of it: there stands what was asked for."""
        text = self.query_one(LessonText)
        text.refresh(layout=True)
        text.action_scroll_rows(len(text.all_lines(text.content_size.width)))


@dataclass(frozen=True)
class Achievement:
    """A task that was solved."""

    title: str
    why: tuple[str, ...]
    own: Network
    shipped: Network | None
    trains: bool
    following: str
    """The title of the next lesson; empty if all are solved."""

    @classmethod
    def of(cls, lesson: Lesson, own: Network, following: Lesson | None) -> Achievement:
        """Return the text on a lesson that ``own`` has solved."""
        return cls(
            lesson.title,
            tuple(texts_of(lesson.why)),
            own,
            lesson.solution,
            lesson.trains,
            following.title if following else "",
        )


class OutcomeText(ScrolledLines):
    """Why it is right, and both solutions."""

    def __init__(self, outcome: Achievement) -> None:
        super().__init__()
        self._outcome = outcome

    def all_lines(self, width: int) -> Sequence[Line]:
        outcome = self._outcome
        compared: Sequence[Line] = ()
        if outcome.shipped is not None:
            compared = both(outcome.own, outcome.shipped, width, recipes=outcome.trains)
        return [*paragraphs(outcome.why, width), *compared]


class SolvedDialog(TextDialog):
    """Says why a task is solved; the result is ``next``, ``list``, or empty to stay."""

    BINDINGS = [
        Binding("enter,space", "finish('next')", show=False),
        Binding("l,6", "finish('list')", show=False),
    ]

    def __init__(self, outcome: Achievement) -> None:
        super().__init__()
        self._outcome = outcome

    def compose(self) -> ComposeResult:
        outcome = self._outcome
        onward = clean(outcome.following) or "the list"
        with TitledWindow(f"Solved: {outcome.title}", classes="lesson"):
            yield OutcomeText(outcome)
            yield KeyLine(("enter", onward), ("l", "all lessons"), ("esc", "stay here"))
