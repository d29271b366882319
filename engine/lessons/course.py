"""The lessons in their order, with how far a person has come in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from cnn_tui.engine.lessons.lesson import Lesson
from cnn_tui.engine.lessons.progress import Attempt
from cnn_tui.engine.lessons.reading import load_shipped, shipped_lessons

Standing = Literal["solved", "known", "begun", "new"]
"""``known`` is a lesson not begun whose chapter was shown to be known on the fast track."""


class Entry(NamedTuple):
    """A lesson with the attempt at it."""

    lesson: Lesson
    attempt: Attempt
    standing: Standing


def shipped_course() -> tuple[Lesson, ...]:
    """The lessons of the package, in the order in which they are learned."""
    return tuple(map(load_shipped, shipped_lessons()))


def entries(lessons: Iterable[Lesson], attempts: Mapping[str, Attempt]) -> tuple[Entry, ...]:
    """Each lesson with its attempt, in their order."""
    lessons = tuple(lessons)
    known = {
        one.chapter for one in lessons if one.fast and attempts.get(one.name, Attempt()).solved
    }
    return tuple(
        Entry(one, attempt, _standing(attempt, one.chapter in known))
        for one in lessons
        for attempt in (attempts.get(one.name, Attempt()),)
    )


def _standing(attempt: Attempt, is_known: bool) -> Standing:
    if attempt.solved:
        return "solved"
    if attempt.began:
        return "begun"
    return "known" if is_known else "new"


def next_lesson(
    lessons: Sequence[Lesson],
    attempts: Mapping[str, Attempt],
    after: str = "",
    *,
    fast: bool = False,
) -> Lesson | None:
    """The next lesson: the first after ``after`` that is not solved; None at the end.

    Args:
        lessons: all of them, in their order.
        attempts: by the names of their lessons.
        after: the name of a lesson; all that are not solved come into question if it is empty.
        fast: only those of the fast track.
    """
    names = [one.name for one in lessons]
    begin = names.index(after) + 1 if after in names else 0
    for entry in entries(lessons, attempts)[begin:]:
        if entry.standing != "solved" and (entry.lesson.fast or not fast):
            return entry.lesson
    return None
