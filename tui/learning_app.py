"""What belongs to lessons: one begins, is judged as one works, and leads on to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on, work
from textual.widgets import Input

from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.runs.names import runs_home
from cnn_tui.engine.training.events import RunEvent
from cnn_tui.tui import screens
from cnn_tui.tui.actions import commands, keyed
from cnn_tui.tui.building.document import Moment
from cnn_tui.tui.building.trained import Trained
from cnn_tui.tui.command import key_word
from cnn_tui.tui.lesson_actions import LESSON
from cnn_tui.tui.messages import LessonWanted, ViewShown
from cnn_tui.tui.screens.files import complain
from cnn_tui.tui.screens.mode import ModeScreen
from cnn_tui.tui.starting_app import StartingApp
from cnn_tui.tui.threads import in_thread
from cnn_tui.tui.widgets.layer_form import LayerForm

if TYPE_CHECKING:
    from cnn_tui.engine.lessons.lesson import Lesson
    from cnn_tui.tui.learn.course import Study
    from cnn_tui.tui.learn.desk import Desk
    from cnn_tui.tui.learn.view import LessonView

_NO_LESSON = "No lesson is under way: {app.learn} lists them."
_FIRST_SCREEN = {"build": "build", "train": "train", "inspect": "train"}
"""Where one begins, by what the lesson says: what is looked into is trained before."""


@dataclass(frozen=True)
class Learning:
    """What ``cnn-tui learn`` opens the app with."""

    lesson: Lesson | None = None
    """The lesson to begin; None for the list."""
    fast: bool = False
    runs_dir: Path = field(default_factory=runs_home)
    trouble: str = ""
    """Why the lesson that was named cannot be begun."""


class LearningApp(StartingApp, inherit_bindings=False):
    """The base of the app that has a lesson under way, or none."""

    desk: Desk | None = None
    """The lesson that is under way."""
    lesson_shown: LessonView | None = None
    """What the main screens show of it."""
    _before: tuple[Moment, Trained | None] | None = None
    """What Build had before the first lesson, and the weights of the last run."""
    _told = False
    """Whether it was said that the task is solved."""

    @cached_property
    def study(self) -> Study:
        """The lessons and the person's progress; nobody needs them before the first paint."""
        from cnn_tui.tui.learn.course import Study

        return Study()

    def on_mount(self) -> None:
        self.builder.subscribe(self._network_changed)
        self.training.subscribe(self._run_told)

    @work
    async def learn(self, learning: Learning) -> None:
        """Show the lessons, and begin the one that was named."""
        self.action_mode("learn")
        study = self.study
        await in_thread(self, study.read)
        study.course = replace(study.course, fast=learning.fast)
        if learning.lesson:
            if learning.lesson not in study.course.all_lessons:
                study.course = study.course.with_lesson(learning.lesson)
            await self._begin(learning.lesson)
        elif learning.trouble:
            self.notify(learning.trouble, severity="error", timeout=20)

    @on(LessonWanted)
    @work
    async def _open_lesson(self, event: LessonWanted) -> None:
        if self.desk and self.desk.lesson.name == event.name:
            await self._show_work(self.desk)
            return
        try:
            lesson = await in_thread(self, partial(self.study.open_lesson, event.name))
        except CnnTuiError as error:
            self.action_mode("learn")
            complain(self, error)
            return
        await self._begin(lesson)

    async def _begin(self, lesson: Lesson) -> None:
        """Open the network of a lesson in Build, and show its task on every main screen."""
        from cnn_tui.tui.learn.desk import Desk

        if lesson.trains and self.training.active:
            self.notify("A run is active: stop it with x in Train, then begin the lesson.")
            return
        desk = Desk(lesson, self.study.course.place(lesson), self.study.progress)
        if desk.is_solved_at_start:
            words = f"{lesson.title}: its network solves the task already, so nothing is to do."
            self.notify(words, severity="error", timeout=10)
            return
        is_dirty = self.builder.document.dirty and self._before is None
        self._before = self._before or (self.builder.document.moment, self.builder.latest)
        self.desk, self._told, self.study.latest = desk, False, lesson
        if not self.training.active:
            # Its remedies, weights and differences are about another task.
            self.training.clear()
        self.builder.latest = None
        self.builder.open(lesson.start, None)
        await self._show_work(desk)
        if is_dirty:
            self.notify(
                keyed(
                    "Your network is kept: it comes back when you leave the lesson, {list.undo} "
                    "undoes as well."
                )
            )
        self._warn(desk)

    async def _show_work(self, desk: Desk) -> None:
        await self.switch_mode(_FIRST_SCREEN[desk.lesson.task.where])
        while len(self.screen_stack) > 1:
            await self.pop_screen()
        self.show_lesson()
        self.show()

    def _network_changed(self) -> None:
        if self.desk:
            self.desk.work.network = self.builder.network
            self._judge()

    def _run_told(self, events: Sequence[RunEvent]) -> None:
        desk = self.desk
        if desk and desk.work.note(events, self.training.session.network):
            self._judge()
            if desk.work.ended and not desk.solved:
                desk.note_try()

    @on(ViewShown)
    def _view_shown(self, event: ViewShown) -> None:
        if self.desk and self.desk.work.see(event.run, event.view, event.layers, event.found):
            self._judge()

    def _judge(self) -> None:
        assert self.desk is not None
        self.desk.judge()
        self.show_lesson()
        self.say_if_solved()

    def show_lesson(self) -> None:
        """Show the state of the lesson on what is visible."""
        desk = self.desk
        self.lesson_shown = replace(desk.view, solved=self._onward(desk)) if desk else None
        for screen in self.screen_stack:
            if isinstance(screen, ModeScreen) and screen.is_mounted:
                screen.lesson = self.lesson_shown

    def _onward(self, desk: Desk) -> str:
        """Say what leads on from a solved task."""
        if not desk.solved:
            return ""
        if self._told or self.current_mode == "inspect":
            (check,) = (one for one in commands(LESSON) if one.label == "check")
            return f"{key_word(check)} shows why, and leads on."
        if self._trains(desk):
            return keyed("why is shown when the run ends; {train.stop} in Train stops it.")
        return "enter or esc shows why."

    def _trains(self, desk: Desk) -> bool:
        """Whether a run is active that belongs to the lesson."""
        return desk.lesson.trains and self.training.active

    @on(LayerForm.Opened)
    @on(LayerForm.Left)
    def _field_left(self) -> None:
        self.say_if_solved(typing=False)

    def say_if_solved(self, *, typing: bool | None = None) -> None:
        """Tell it once, when nothing is being typed or trained that it would interrupt.

        What one is to look at in Inspect is not covered: ctrl+g tells it there.
        """
        desk = self.desk
        # Without a screen the app is ending.
        if desk is None or not desk.solved or self._told or not self.screen_stack:
            return
        if typing is None:
            typing = isinstance(self.focused, Input)
        if typing or self._trains(desk) or not isinstance(self.screen, ModeScreen):
            return
        self._told = True
        desk.note_try()
        self._warn(desk)
        self.show_lesson()
        if self.current_mode != "inspect":
            self._tell_why()

    @work
    async def _tell_why(self) -> None:
        from cnn_tui.tui.screens.lesson import Achievement, SolvedDialog

        if self.desk is None:
            return
        lesson = self.desk.lesson
        await in_thread(self, self.study.read)
        self.clear_notifications()
        following = self.study.course.next_after(lesson)
        achieved = Achievement.of(lesson, self.builder.network, following)
        answer = await self.push_screen_wait(SolvedDialog(achieved))
        if answer == "next" and following:
            await self._begin(following)
        elif answer:
            self.end_lesson()
            self.action_mode("learn")

    def action_lesson(self) -> None:
        """Show all that the lesson says."""
        if self.desk is None:
            self.notify(keyed(_NO_LESSON))
        else:
            self.push_screen(screens.LessonDialog(self.desk))

    def action_hint(self) -> None:
        """Show the next hint, in the strip or in the window of the lesson."""
        if self.desk is None:
            self.notify(keyed(_NO_LESSON))
            return
        self.desk.next_hint()
        self._warn(self.desk)
        self._show_hint()

    def _show_hint(self) -> None:
        self.show_lesson()
        if isinstance(self.screen, screens.LessonDialog):
            self.screen.show()

    def action_check_lesson(self) -> None:
        """Show what is not met; if all is, why the task is solved."""
        desk = self.desk
        if desk is None:
            self.notify(keyed(_NO_LESSON))
            return
        desk.judge()
        desk.note_try()
        self._warn(desk)
        self._told = self._told or desk.solved
        self._close_text()
        self.show_lesson()
        if desk.solved:
            self._tell_why()
        else:
            self.push_screen(screens.LessonDialog(desk, at_task=True))

    def action_leave_lesson(self) -> None:
        """Leave the lesson; Build has its network from before again."""
        if self.desk is None:
            self.notify(keyed(_NO_LESSON))
            return
        self._close_text()
        self.end_lesson()
        self.action_mode("learn")
        self.notify("The lesson is left: Build has the network from before it again.")

    def _close_text(self) -> None:
        if isinstance(self.screen, screens.LessonDialog):
            self.pop_screen()

    async def may_leave_lesson(self) -> bool:
        """Leave the lesson before the app is left, after asking if something was done in it."""
        answers = [screens.Answer("y", "leave it and quit; what is solved is kept")]
        question = screens.Question("A lesson is under way", answers)
        solved = self.desk is not None and self.desk.solved
        nothing_lost = solved or not self.builder.document.dirty
        may = nothing_lost or await self.push_screen_wait(question) == "y"
        if may:
            self.end_lesson()
        return may

    def end_lesson(self) -> None:
        """Let Build have the network from before the lesson."""
        self.desk = None
        if self._before is not None:
            moment, self.builder.latest = self._before
            self.builder.come_back(moment)
            self._before = None
        self.show_lesson()

    def _warn(self, desk: Desk) -> None:
        if desk.trouble:
            self.notify(desk.trouble, severity="warning")
