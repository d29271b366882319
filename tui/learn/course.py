"""The lessons of the package and those that were opened from files, with one's progress."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.lessons.course import Entry, entries, next_lesson
from cnn_tui.engine.lessons.lesson import Lesson
from cnn_tui.engine.lessons.progress import Attempt, LessonProgress
from cnn_tui.engine.lessons.reading import load_lesson, load_shipped, shipped_lessons


@dataclass(frozen=True)
class Course:
    """Lessons in the order in which they are learned, and how far one has come."""

    all_lessons: tuple[Lesson, ...] = ()
    attempts: Mapping[str, Attempt] | None = None
    fast: bool = False
    """Whether only one task a chapter is asked."""

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The lessons in question: all, or those of the fast track."""
        known = entries(self.all_lessons, self.attempts or {})
        return tuple(one for one in known if one.lesson.fast or not self.fast)

    def named(self, name: str) -> Lesson | None:
        """Return a lesson by its name."""
        return next((lesson for lesson in self.all_lessons if lesson.name == name), None)

    def place(self, lesson: Lesson) -> str:
        """Say its chapter, and which of how many it is."""
        names = [one.lesson.name for one in self.entries]
        number = f", {names.index(lesson.name) + 1} of {len(names)}" if lesson.name in names else ""
        return f"{lesson.chapter}{number}"

    def next_after(self, lesson: Lesson | None = None) -> Lesson | None:
        """Return the next lesson that is not solved, from the beginning if none follows."""
        attempts, after = self.attempts or {}, lesson.name if lesson else ""
        behind = next_lesson(self.all_lessons, attempts, after, fast=self.fast)
        return behind or next_lesson(self.all_lessons, attempts, fast=self.fast)

    def onward(self, lesson: Lesson | None = None) -> str:
        """Return the name of the lesson to go on with: one that is not solved, else the next."""
        ahead = [one.lesson.name for one in self.entries if one.standing != "solved"]
        if lesson and lesson.name in ahead:
            return lesson.name
        following = self.next_after(lesson)
        return following.name if following else ""

    def with_lesson(self, lesson: Lesson) -> Course:
        """Return the course with a lesson from a file before all others."""
        others = [one for one in self.all_lessons if one.name != lesson.name]
        return replace(self, all_lessons=(lesson, *others))


class Study:
    """The course as it was read last."""

    def __init__(self) -> None:
        self.progress = LessonProgress()
        self.course = Course()
        self.latest: Lesson | None = None
        """The lesson that was begun last."""
        self.troubles: tuple[str, ...] = ()
        """Why lessons of the package are left out."""

    def read(self) -> None:
        """Read lessons, once, and progress; to be called on a thread."""
        course, attempts = self.course, self.progress.read()
        if course.attempts is None:
            course = replace(course, all_lessons=(*course.all_lessons, *self._shipped()))
        self.course = replace(course, attempts=attempts)

    def _shipped(self) -> list[Lesson]:
        lessons: list[Lesson] = []
        for name in shipped_lessons():
            try:
                lessons.append(load_shipped(name))
            except CnnTuiError as error:
                self.troubles += (str(error),)
        return lessons

    def open_lesson(self, name: str) -> Lesson:
        """Read a lesson by its name or from a file, which then stands before all others.

        Raises:
            CnnTuiError: it cannot be read.
        """
        self.read()
        lesson = self.course.named(name) or load_lesson(name)
        if lesson not in self.course.all_lessons:
            self.course = self.course.with_lesson(lesson)
        return lesson

    def turn_fast(self) -> None:
        """Ask one task a chapter, or all of them."""
        self.course = replace(self.course, fast=not self.course.fast)
