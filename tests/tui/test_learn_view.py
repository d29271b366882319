"""What is shown of a lesson, without widgets: the strip, its marks, both solutions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from cnn_tui.engine.lessons.progress import LessonProgress
from cnn_tui.engine.lessons.reading import load_shipped
from cnn_tui.engine.specs.layers import FC
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.tui.learn.answer import both
from cnn_tui.tui.learn.course import Course, Study
from cnn_tui.tui.learn.desk import Desk
from cnn_tui.tui.learn.listing import course_words, lesson_rows
from cnn_tui.tui.learn.view import LessonView, Wish, beside, strip, task_row, whole
from cnn_tui.tui.rows import Line

VIEW = LessonView(
    name="tiling",
    title="Does it tile?",
    place="Volumes, 1 of 3",
    text=("A window moves.", "    (W - F)/S + 1\n    again"),
    task="Change the stride of the second layer until its window tiles the input. " * 4,
    wishes=(Wish(True, "one is met"), Wish(False, "the output is 5.5"), Wish(False, "third")),
    hints=("Try 1.",),
)


@pytest.fixture(autouse=True)
def no_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))


def words(rows: list[Line]) -> list[str]:
    return ["".join(text for text, _ in row).rstrip() for row in rows]


def test_a_low_screen_keeps_its_rows_and_shows_what_is_not_met() -> None:
    rows = words(strip(VIEW, 80, low=True))
    assert rows[0].startswith(" Does it tile?  1 of 3 met") and "F2 lesson" in rows[0]
    assert rows[1].startswith(" Change the stride") and rows[3].endswith("…")
    assert rows[4:] == [" [ ] the output is 5.5", " [ ] third"]
    assert max(map(len, rows)) <= 80


def test_a_low_screen_shows_all_of_the_first_condition_that_is_not_met() -> None:
    long = "the last run had at best 92.8% of the validation images right, wanted are 93%"
    view = replace(VIEW, wishes=(Wish(True, "met"), Wish(False, long), Wish(False, "third")))
    rows = words(strip(view, 80, low=True))[4:]
    assert rows == [f" [ ] {long[: long.index('are')]}are", "     93%"]
    first = replace(view, wishes=(Wish(False, "one"), Wish(False, long)))
    rows = words(strip(first, 80, low=True))[4:]
    assert rows[0] == " [ ] one" and len(rows) == 2 and rows[1].endswith("…")
    longer = words(strip(replace(view, wishes=(Wish(False, long * 3),)), 80, low=True))[4:]
    assert len(longer) == 2 and longer[1].endswith("…") and max(map(len, longer)) <= 80


def test_the_task_begins_behind_the_text() -> None:
    rows = words(whole(VIEW, 60))
    assert rows[task_row(VIEW, 60)] == " task: 1 of 3 met"


@pytest.mark.parametrize("width", [80, 120])
def test_a_high_screen_shows_all_conditions(width: int) -> None:
    rows = "\n".join(words(strip(VIEW, width, low=False)))
    assert "[x] one is met" in rows and "[ ] the output is 5.5" in rows and "[ ] third" in rows
    assert rows.count("window") == 4


def test_beside_a_screen_the_text_gives_way_to_the_task() -> None:
    long = replace(VIEW, text=("A window moves. " * 60,), solved="^g shows why.")
    for height in (36, 60):
        rows = words(beside(long, 50, height))
        assert len(rows) <= height
        assert " [ ] third" in rows and any("Solved: ^g" in row for row in rows)
        assert any("shows the rest" in row for row in rows) is (height == 36)


def test_a_hint_and_the_end_take_the_place_of_the_task() -> None:
    hinted = words(strip(replace(VIEW, shown_hint=1), 80, low=True))
    assert hinted[1] == " hint 1 of 3: Try 1."
    solved = words(strip(replace(VIEW, solved="^g shows why."), 80, low=True))
    assert solved[1] == " Solved: ^g shows why." and "solved" in solved[0]


def test_a_formula_keeps_its_lines_and_hostile_text_its_place() -> None:
    rows = words(whole(replace(VIEW, place="a\x1b[2Jb"), 60))
    assert "     (W - F)/S + 1" in rows and "     again" in rows
    assert "\x1b" not in "".join(rows)
    narrow = words(whole(replace(VIEW, text=("    one: 7*7*C*C = 49*C*C weights\n    two",)), 30))
    assert narrow[2:5] == ["     one: 7*7*C*C = 49*C*C", "         weights", "     two"]


def test_both_solutions_are_aligned_and_marked_where_they_differ() -> None:
    shipped = load_preset("two-layer")
    first, *others = shipped.layers
    wider = FC(out_features=123, bias=False)
    own = msgspec.structs.replace(shipped, layers=(wider, first, *others))
    rows = words(both(own, shipped, 80, recipes=True))
    assert "yours" in rows[0] and "the shipped solution" in rows[0]
    (added,) = (row for row in rows if "123" in row)
    assert added.endswith("|")
    same = [row for row in rows if row.startswith(" fc 10 ")]
    assert same and all("|" not in row for row in same)
    assert any(row.startswith(" epochs") for row in rows)
    assert all("|" not in row for row in words(both(own, shipped, 60, recipes=False)))


def test_the_course_leads_on_and_around() -> None:
    study = Study()
    study.read()
    course = study.course
    assert len(course.entries) == 15 and len(lesson_rows(course, "")) == 15 + 4
    fast = replace(course, fast=True)
    assert [one.lesson.fast for one in fast.entries] == [True] * len(fast.entries)
    last = course.all_lessons[-1]
    assert course.next_after(last) is course.all_lessons[0]
    assert course.next_after(course.all_lessons[0]) is course.all_lessons[1]
    assert "0 of 15 done" in course_words(course)
    assert course_words(Course()) == "0 of 0 done   nothing left"


def test_hints_are_noted_and_shown_in_turn() -> None:
    progress = LessonProgress()
    desk = Desk(load_shipped("output-size"), "Volumes", progress)
    for number in (1, 2, 3, 0, 1):
        desk.next_hint()
        assert desk.view.shown_hint == number
    assert len(desk.view.hints) == 3
    assert progress.of("output-size").hints == 3


def test_progress_that_cannot_be_kept_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: LessonProgress, name: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(LessonProgress, "begun", refuse)
    desk = Desk(load_shipped("output-size"), "Volumes", LessonProgress())
    assert "No space left" in desk.trouble
    assert not desk.solved
