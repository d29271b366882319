"""The rows of the Learn screen, and what it says of the lesson under the cursor."""

from __future__ import annotations

from cnn_tui.engine.lessons.course import Entry, Standing
from cnn_tui.engine.lessons.lesson import paragraphs
from cnn_tui.tui.learn.course import Course
from cnn_tui.tui.learn.view import filled, heading
from cnn_tui.tui.rows import Column, Line, TableRow
from cnn_tui.tui.words import BETWEEN, clean, count, packed

LESSON_COLUMNS = (Column("[x] solved  [.] begun  [~] known"), Column("min", right=True, rank=1))
_MARKS: dict[Standing, str] = {"solved": "[x]", "known": "[~]", "begun": "[.]", "new": "[ ]"}
_WORDS: dict[Standing, str] = {
    "solved": "solved",
    "known": "known: the fast track has shown it",
    "begun": "begun",
    "new": "",
}
_WHERE = {"build": "from Build on", "train": "from Train on", "inspect": "Train, then Inspect"}


def lesson_rows(course: Course, under_way: str) -> tuple[TableRow, ...]:
    """Return a row for each lesson, below one for its chapter, which has no key."""
    rows: list[TableRow] = []
    chapter = ""
    for lesson, _, standing in course.entries:
        if lesson.chapter != chapter:
            chapter = lesson.chapter
            rows.append(TableRow("", (clean(chapter), ""), "accent"))
        is_now = lesson.name == under_way
        mark = "[>]" if is_now and standing != "solved" else _MARKS[standing]
        role = "strong" if is_now else "dim" if standing in ("solved", "known") else ""
        cells = (f"{mark} {clean(lesson.title)}", str(lesson.minutes))
        rows.append(TableRow(lesson.name, cells, role))
    return tuple(rows)


def course_words(course: Course) -> str:
    """Return how far one is."""
    asked = course.entries
    ahead = [one for one in asked if one.standing not in ("solved", "known")]
    left = sum(one.lesson.minutes for one in ahead)
    parts = [
        f"{len(asked) - len(ahead)} of {len(asked)} done",
        f"about {left} minutes left" if left else "nothing left",
        *(["fast track: one task a chapter"] if course.fast else []),
    ]
    return BETWEEN.join(parts)


def lesson_lines(entry: Entry, width: int) -> list[Line]:
    """Return what a lesson says before it is begun."""
    lesson, attempt, standing = entry
    tries = f"{attempt.tries} {'try' if attempt.tries == 1 else 'tries'}" if attempt.tries else ""
    hints = count(attempt.hints, "hint") if attempt.hints else ""
    facts = (_WORDS[standing], tries, hints, f"{lesson.minutes} minutes", _WHERE[lesson.task.where])
    return [
        ((f" {clean(lesson.title)}", "strong"),),
        *(((f" {line}", "dim"),) for line in packed(BETWEEN.join(filter(None, facts)), width - 2)),
        (),
        *(line for text in paragraphs(lesson.text) for line in (*filled(text, width), ())),
        *heading("task"),
        *filled(lesson.task.text, width, "strong"),
    ]
