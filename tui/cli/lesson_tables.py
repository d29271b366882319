"""Tables of ``cnn-tui learn``: the list, the results, the check of a file."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path

import msgspec

from cnn_tui.engine.lessons.course import Entry, Standing, entries, shipped_course
from cnn_tui.engine.lessons.judging import Judgement, State, is_solved_at_start, judge
from cnn_tui.engine.lessons.lesson import Lesson, Where
from cnn_tui.engine.lessons.mistakes import LessonError
from cnn_tui.engine.lessons.progress import Attempt
from cnn_tui.engine.lessons.reading import load_lesson
from cnn_tui.tui.cli.output import print_error, print_json, print_line, print_note, print_table
from cnn_tui.tui.words import count


class LessonEntry(msgspec.Struct, frozen=True):
    """An entry of ``learn --list --json`` and of the results."""

    name: str
    title: str
    chapter: str
    minutes: int
    fast: bool
    where: Where
    standing: Standing
    solved: bool
    tries: int
    hints: int
    solution_seen: bool
    began: str
    solved_at: str


class LessonResults(msgspec.Struct, frozen=True):
    """``learn --report --json``; ``others`` are the lessons of files, of which the name is kept."""

    solved: int
    lessons: tuple[LessonEntry, ...]
    others: dict[str, Attempt]


class LessonCheck(msgspec.Struct, frozen=True):
    """``learn --check --json``."""

    name: str
    conditions: int
    solved_at_start: bool
    solved_by_training_the_start: bool
    """False as well if the task needs no training."""
    solved_by_solution: bool | None
    """None if the file has no solution."""
    missing: tuple[str, ...]
    """Conditions that the solution does not meet."""


def print_lessons(attempts: Mapping[str, Attempt], *, as_json: bool) -> None:
    """List the lessons of the package, and how far each of them is."""
    found = entries(shipped_course(), attempts)
    if as_json:
        print_json([_entry(one) for one in found])
        return
    rows: list[tuple[str, ...]] = []
    for chapter, of_chapter in groupby(found, lambda one: one.lesson.chapter):
        rows += [(f"{chapter}:", "", "", "", ""), *map(_row, of_chapter)]
    styles = ["bold" if row[0].endswith(":") else "" for row in rows]
    header = ("lesson", "title", "min", "track", "state")
    print_table(header, rows, right=("min",), wrap=("title",), styles=styles)
    solved = sum(one.attempt.solved for one in found)
    print_line(f"{solved} of {count(len(found), 'lesson')} solved. cnn-tui learn continues.")


def _row(one: Entry) -> tuple[str, ...]:
    lesson = one.lesson
    state = "" if one.standing == "new" else one.standing
    fast = "fast" if lesson.fast else ""
    return lesson.name, lesson.title, str(lesson.minutes), fast, state


def print_report(lesson: Lesson | None, attempts: Mapping[str, Attempt], *, as_json: bool) -> None:
    """Print the results of all lessons, or of one."""
    course = shipped_course()
    found = entries(course if lesson is None else (lesson,), attempts)
    names = {one.name for one in course}
    others = {} if lesson else {name: one for name, one in attempts.items() if name not in names}
    if as_json:
        solved = sum(one.attempt.solved for one in found)
        print_json(LessonResults(solved, tuple(map(_entry, found)), others))
        return
    rows = [(one.lesson.name, *_results(one.attempt)) for one in found]
    rows += [(name, *_results(attempt)) for name, attempt in others.items()]
    header = ("lesson", "solved", "tries", "hints", "solution")
    print_table(header, rows, right=("tries", "hints"))


def check_lesson(name: str, *, as_json: bool) -> int:
    """Check a lesson: its file, that the start does not solve it, and that the solution does.

    Every mistake is a line on standard error; returns 1 if there is one, else 0.

    Raises:
        CnnTuiError: if there is no such lesson, or its solution cannot be trained.
    """
    try:
        lesson = load_lesson(name)
    except LessonError as error:
        for mistake in error.mistakes:
            print_error(str(mistake))
        return 1
    result = _checked(lesson)
    if as_json:
        print_json(result)
    if result.solved_at_start:
        print_error(
            f"{lesson.name}: the task is solved at its start. Give a start that does not meet all "
            "conditions."
        )
    for words in result.missing:
        print_error(f"{lesson.name}: the solution does not solve it: {words}.")
    if result.solved_at_start or result.solved_by_solution is False:
        return 1
    if not as_json:
        _print_check(result)
    return 0


def _print_check(result: LessonCheck) -> None:
    conditions = count(result.conditions, "condition")
    print_line(f"{result.name}: {conditions}, not solved at its start.")
    if result.solved_by_solution is None:
        print_note("the file has no solution, so none was tried.")
    else:
        print_line(f"{result.name}: the solution solves it.")
    if result.solved_by_training_the_start:
        print_note("to train the start as it is solves the task already.")


def _checked(lesson: Lesson) -> LessonCheck:
    at_start = is_solved_at_start(lesson)
    with tempfile.TemporaryDirectory(prefix="cnn-tui-") as folder:
        by_training, last = _tried(lesson, Path(folder))
    missing = [
        f"task.conditions[{at}]: {one.misfit}: {one.words}" if one.misfit else one.words
        for at, one in enumerate(last.judged if last else ())
        if not one.met
    ]
    return LessonCheck(
        name=lesson.name,
        conditions=len(lesson.task.conditions),
        solved_at_start=at_start,
        solved_by_training_the_start=by_training,
        solved_by_solution=last.solved if last else None,
        missing=tuple(missing),
    )


def _tried(lesson: Lesson, root: Path) -> tuple[bool, Judgement | None]:
    """Whether training the start solves the task, and the judgement of the solution."""
    if not lesson.trains:
        solution = lesson.solution
        return False, judge(lesson, State(solution)) if solution else None
    from cnn_tui.engine.lessons.solving import judge_solutions, state_of_run, train_run
    from cnn_tui.engine.specs.check import check_with_data
    from cnn_tui.tui.cli.lesson_state import look

    by_training = False
    if check_with_data(lesson.start).valid:
        run = train_run(lesson.start, root)
        by_training = judge(lesson, state_of_run(run, look)).solved
    judged = [*judge_solutions(lesson, root, look)]
    return by_training, judged[-1] if judged else None


def _entry(one: Entry) -> LessonEntry:
    lesson, attempt = one.lesson, one.attempt
    return LessonEntry(
        name=lesson.name,
        title=lesson.title,
        chapter=lesson.chapter,
        minutes=lesson.minutes,
        fast=lesson.fast,
        where=lesson.task.where,
        standing=one.standing,
        solved=attempt.solved,
        tries=attempt.tries,
        hints=attempt.hints,
        solution_seen=attempt.solution_seen,
        began=attempt.began,
        solved_at=attempt.solved_at,
    )


def _results(attempt: Attempt) -> tuple[str, ...]:
    return (
        attempt.solved_at[:10] if attempt.solved else "no",
        str(attempt.tries),
        str(attempt.hints),
        "seen" if attempt.solution_seen else "",
    )
