"""The rows of the Learn screen, and what it says of the lesson under the cursor."""

from __future__ import annotations

from collections.abc import Mapping

from cnn_tui.engine.lessons.lesson import Lesson, paragraphs
from cnn_tui.engine.lessons.progress import Attempt
from cnn_tui.tui.learn.course import Course
from cnn_tui.tui.learn.view import filled, heading
from cnn_tui.tui.rows import Column, Line, TableRow
from cnn_tui.tui.words import BETWEEN, clean, count

LESSON_COLUMNS = (Column("[x] done  [.] begun"), Column("min", right=True, rank=1))
_WHERE = {"build": "in Build", "train": "in Train", "inspect": "in Inspect, after a training"}


def lesson_rows(
    course: Course, attempts: Mapping[str, Attempt], under_way: str
) -> tuple[TableRow, ...]:
    """Return a row for each lesson, below one for its chapter, which has no key."""
    rows: list[TableRow] = []
    chapter = ""
    for lesson in course.lessons:
        if lesson.chapter != chapter:
            chapter = lesson.chapter
            rows.append(TableRow("", (clean(chapter), ""), "accent"))
        attempt = attempts.get(lesson.name, Attempt())
        is_now = lesson.name == under_way
        mark = "[>]" if is_now else "[x]" if attempt.solved else "[.]" if attempt.began else "[ ]"
        role = "strong" if is_now else "dim" if attempt.solved else ""
        rows.append(TableRow(lesson.name, (f"{mark} {clean(lesson.title)}", str(lesson.minutes)), role))
    return tuple(rows)


def _state(attempt: Attempt) -> str:
    if attempt.solved:
        return "done"
    return "begun" if attempt.began else ""


def course_words(course: Course, attempts: Mapping[str, Attempt]) -> str:
    """Return how far one is."""
    lessons = course.lessons
    done = [one for one in lessons if attempts.get(one.name, Attempt()).solved]
    left = sum(one.minutes for one in lessons) - sum(one.minutes for one in done)
    parts = [
        f"{len(done)} of {len(lessons)} done",
        f"about {left} minutes left" if left else "all solved",
        *(["fast track: one task a chapter"] if course.fast else []),
    ]
    return f" {BETWEEN.join(parts)}"


def lesson_lines(lesson: Lesson, attempt: Attempt, width: int) -> list[Line]:
    """Return what a lesson says before it is begun."""
    tried = [count(attempt.tries, "try").replace("trys", "tries")] if attempt.tries else []
    hints = [count(attempt.hints, "hint")] if attempt.hints else []
    facts = (_state(attempt), *tried, *hints, f"{lesson.minutes} minutes", _where(lesson))
    return [
        ((f" {clean(lesson.title)}", "strong"),),
        *filled(BETWEEN.join(filter(None, facts)), width, "dim"),
        (),
        *(line for text in paragraphs(lesson.text) for line in (*filled(text, width), ())),
        *heading("task"),
        *filled(lesson.task.text, width, "strong"),
    ]


def _where(lesson: Lesson) -> str:
    return _WHERE[lesson.task.where]
