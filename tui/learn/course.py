"""The lessons of the package and those that were opened from files, in their order."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.lessons.lesson import Lesson
from cnn_tui.engine.lessons.progress import Attempt, LessonProgress
from cnn_tui.engine.lessons.reading import load_lesson, load_shipped, shipped_lessons


@dataclass(frozen=True)
class Course:
    """Lessons in the order in which they are learned."""

    all_lessons: tuple[Lesson, ...] = ()
    fast: bool = False
    """Whether only one task a chapter is asked."""
    troubles: tuple[str, ...] = ()
    """Why lessons of the package were left out."""

    @property
    def lessons(self) -> tuple[Lesson, ...]:
        """Those that are asked: all, or one of each chapter."""
        if not self.fast:
            return self.all_lessons
        return tuple(self._one_a_chapter())

    def _one_a_chapter(self) -> Iterator[Lesson]:
        for chapter in dict.fromkeys(lesson.chapter for lesson in self.all_lessons):
            of_it = [lesson for lesson in self.all_lessons if lesson.chapter == chapter]
            yield next((lesson for lesson in of_it if lesson.fast), of_it[-1])

    def named(self, name: str) -> Lesson | None:
        """Return a lesson by its name."""
        return next((lesson for lesson in self.all_lessons if lesson.name == name), None)

    def place(self, lesson: Lesson) -> str:
        """Say which of how many it is."""
        asked = self.lessons
        number = f", {asked.index(lesson) + 1} of {len(asked)}" if lesson in asked else ""
        return f"{lesson.chapter}{number}"

    def next_after(self, lesson: Lesson, solved: Collection[str]) -> Lesson | None:
        """Return the next lesson that is not solved yet, from the beginning if it was the last."""
        asked = self.lessons
        at = asked.index(lesson) + 1 if lesson in asked else 0
        return next((one for one in (*asked[at:], *asked[:at]) if one.name not in solved), None)

    def with_lesson(self, lesson: Lesson) -> Course:
        """Return the course with a lesson from a file before all others."""
        others = [one for one in self.all_lessons if one.name != lesson.name]
        return replace(self, all_lessons=(lesson, *others))


def read_course() -> Course:
    """Read the lessons of the package; one that cannot be read is left out."""
    lessons: list[Lesson] = []
    troubles: list[str] = []
    for name in shipped_lessons():
        try:
            lessons.append(load_shipped(name))
        except CnnTuiError as error:
            troubles.append(str(error))
    return Course(tuple(lessons), troubles=tuple(troubles))


class Study:
    """The course with the person's progress, as far as they were read."""

    def __init__(self) -> None:
        self.progress = LessonProgress()
        self.course: Course | None = None
        self.attempts: Mapping[str, Attempt] = {}

    def read(self) -> None:
        """Read lessons, once, and progress; to be called on a thread."""
        if self.course is None:
            self.course = read_course()
        self.attempts = self.progress.read()

    def open_lesson(self, name: str) -> Lesson:
        """Read a lesson by its name or from a file, which then stands before all others.

        Raises:
            CnnTuiError: it cannot be read.
        """
        self.read()
        assert self.course is not None
        lesson = self.course.named(name) or load_lesson(name)
        if lesson not in self.course.all_lessons:
            self.course = self.course.with_lesson(lesson)
        return lesson

    def turn_fast(self) -> None:
        """Ask one task a chapter, or all of them."""
        if self.course is not None:
            self.course = replace(self.course, fast=not self.course.fast)

    @property
    def solved(self) -> frozenset[str]:
        """The names of the lessons that are solved."""
        return frozenset(name for name, attempt in self.attempts.items() if attempt.solved)
