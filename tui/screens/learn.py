"""The Learn screen: the lessons with one's progress, and the text of the chosen one."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal

from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.lessons.course import Entry
from cnn_tui.engine.lessons.lesson import Lesson
from cnn_tui.engine.lessons.reading import load_lesson
from cnn_tui.tui import screens
from cnn_tui.tui.bindings import bindings
from cnn_tui.tui.learn.course import Study
from cnn_tui.tui.learn.listing import LESSON_COLUMNS, course_words, lesson_lines, lesson_rows
from cnn_tui.tui.learn.view import LessonView
from cnn_tui.tui.lesson_actions import LEARN
from cnn_tui.tui.messages import LessonWanted
from cnn_tui.tui.screens.files import complain
from cnn_tui.tui.screens.mode import ModeScreen
from cnn_tui.tui.threads import in_thread
from cnn_tui.tui.widgets.lesson_list import LessonList, ReadingPane
from cnn_tui.tui.widgets.lines import TextLines
from cnn_tui.tui.widgets.table import Table


class LearnScreen(ModeScreen):
    """Lists the lessons by chapter; enter begins the one whose text is beside the list."""

    CSS_PATH = "learn.tcss"
    MODE = "learn"
    SCOPES = (LEARN,)
    BINDINGS = bindings(LEARN)
    AUTO_FOCUS = "LessonList"

    def __init__(self, study: Study) -> None:
        super().__init__()
        self._study = study
        self._followed: Lesson | None = None
        """The lesson under way to which the cursor went last."""

    def compose_body(self) -> ComposeResult:
        with Horizontal(id="course"):
            yield LessonList(LESSON_COLUMNS, id="lessons")
            yield ReadingPane(id="text")
        yield TextLines(id="listing")

    def _compose_lesson(self) -> ComposeResult:
        """Nothing: its task is shown where it is done."""
        yield from ()

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(LessonList).border_title = "lessons"
        self.query_one(ReadingPane).border_title = "text"
        self._look()

    def present(self) -> None:
        self._look()

    @work(exclusive=True)
    async def _look(self) -> None:
        """Read lessons and progress while keys wait: there is nothing yet that they act on."""
        table = self.query_one(LessonList)
        table.empty = "reading..."
        try:
            await in_thread(self, self._study.read)
        except CnnTuiError as error:
            complain(self.app, error)
        for trouble in self._study.troubles:
            self.notify(trouble, severity="error", timeout=10)
        self._show()

    def watch_lesson(self, lesson: LessonView | None) -> None:
        """Mark the lesson that is under way."""
        if self.is_mounted:
            self._show()

    def _show(self) -> None:
        if not self.is_mounted:
            return
        study, table = self._study, self.query_one(LessonList)
        course = study.course
        table.empty, was_empty = "no lesson can be read", not table.records
        before = table.chosen
        table.records = lesson_rows(course, self.lesson.name if self.lesson else "")
        if was_empty or self._followed != study.latest:
            self._followed = study.latest
            table.choose(course.onward(study.latest))
        elif table.chosen != before:  # a track without that lesson
            table.choose(course.onward())
        table.choose_first()
        self.query_one("#listing", TextLines).rows = (((course_words(course), ""),),)
        self._show_text()

    @on(Table.Highlighted)
    def _show_text(self) -> None:
        entry = self._entry
        if entry is not None:
            self.query_one(ReadingPane).make = partial(lesson_lines, entry)
        self.refresh_bindings()

    @property
    def _entry(self) -> Entry | None:
        name = self.query_one(LessonList).chosen
        return next((one for one in self._study.course.entries if one.lesson.name == name), None)

    @on(Table.Chosen)
    def action_begin(self) -> None:
        if self._entry:
            self.post_message(LessonWanted(self._entry.lesson.name))

    def action_fast_track(self) -> None:
        self._study.turn_fast()
        self._show()

    def action_scroll(self, by: int) -> None:
        if not self.query_one(ReadingPane).scrolled(by):
            self.notify("There is nothing more to scroll to.")

    @work
    async def action_open_lesson(self) -> None:
        """Ask for the file of a lesson and begin it."""
        prompt = screens.PathPrompt(
            "Open a lesson", _title_of, suffixes=(".toml",), example="~/lessons/half.toml"
        )
        path = await self.app.push_screen_wait(prompt)
        if path:
            self.post_message(LessonWanted(path))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("begin", "fast_track") and self.is_mounted:
            return self._entry is not None
        return super().check_action(action, parameters)


def _title_of(path: Path) -> str:
    return load_lesson(str(path)).title
