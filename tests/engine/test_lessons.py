"""The lessons of the package: solved by their solutions only, and true in what they say."""

from __future__ import annotations

import math
import re
from pathlib import Path

import msgspec
import pytest
from own_lesson import look

from cnn_tui.engine.lessons.course import entries, next_lesson, shipped_course
from cnn_tui.engine.lessons.judging import State, is_solved_at_start, judge
from cnn_tui.engine.lessons.lesson import HINTS, Lesson, paragraphs
from cnn_tui.engine.lessons.progress import Attempt
from cnn_tui.engine.lessons.reading import load_shipped, shipped_lessons
from cnn_tui.engine.lessons.solving import judge_solutions, state_of_run, train_run
from cnn_tui.engine.specs.check import check, check_with_data
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.quick.parse import parse_quick

COURSE = shipped_course()
BUILT = [one for one in COURSE if not one.trains]
TRAINED = [one for one in COURSE if one.trains]


def changed(name: str, layers: str = "", **values: object) -> Network:
    """The start of a lesson with other layers, in quick entry, or other values."""
    start = load_shipped(name).start
    layers_given = {"layers": parse_quick(layers)} if layers else {}
    return msgspec.structs.replace(start, **layers_given, **values)


def test_there_are_fifteen_in_the_order_of_their_chapters() -> None:
    chapters = [one.chapter for one in COURSE]
    assert len(COURSE) == 15
    assert chapters == sorted(chapters, key=chapters.index)
    assert list(shipped_lessons()) == [one.name for one in COURSE]


def test_one_of_each_chapter_is_on_the_fast_track() -> None:
    fast = [one.chapter for one in COURSE if one.fast]
    assert fast == list(dict.fromkeys(one.chapter for one in COURSE))


@pytest.mark.parametrize("lesson", COURSE, ids=lambda one: one.name)
def test_a_lesson_is_whole(lesson: Lesson) -> None:
    assert 5 <= lesson.minutes <= 10
    assert len(lesson.title) <= 36, "fits beside its text at 120 columns"
    assert len(set(lesson.hints)) == HINTS
    assert lesson.solution is not None
    assert 80 <= len(lesson.text.split()) <= 260, "five to ten minutes, with the task"
    assert all(len(one.text) <= 60 for one in lesson.task.conditions)
    formulas = (
        line for one in paragraphs(lesson.text) if one[0] == " " for line in one.split("\n")
    )
    assert all(len(line) <= 60 for line in formulas)
    assert not re.search("!(?!=)|please", f"{lesson.text}{lesson.why}{lesson.task.text}")


@pytest.mark.parametrize("lesson", COURSE, ids=lambda one: one.name)
def test_it_is_not_solved_at_its_start(lesson: Lesson) -> None:
    assert not is_solved_at_start(lesson)


@pytest.mark.parametrize("lesson", BUILT, ids=lambda one: one.name)
def test_what_is_built_is_solved_by_its_solution(lesson: Lesson, tmp_path: Path) -> None:
    (judged,) = judge_solutions(lesson, tmp_path, look)
    assert judged.solved, [one.words for one in judged.judged if not one.met]
    assert not any(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("lesson", TRAINED, ids=lambda one: one.name)
def test_what_is_trained_is_solved_by_its_solution_and_not_by_its_start(
    lesson: Lesson, tmp_path: Path
) -> None:
    untouched = judge(lesson, state_of_run(train_run(lesson.start, tmp_path), look))
    assert not untouched.solved and untouched.tried
    *_, judged = judge_solutions(lesson, tmp_path, look)
    assert judged.solved, [one.words for one in judged.judged if not one.met]


@pytest.mark.slow
def test_what_the_trained_lessons_say_of_their_starts_is_so(tmp_path: Path) -> None:
    def values(name: str) -> list[object]:
        lesson = load_shipped(name)
        run = train_run(lesson.start, tmp_path)
        return [one.value for one in judge(lesson, state_of_run(run, look)).judged]

    dead, _, filters, rank, _ = values("dead-filters")
    assert filters == 16 and 7 <= rank <= 9, "about 8"
    assert 13 <= dead <= 28, "about two thirds of 32"
    *_, roughness, _ = values("reading-filters")
    assert 0.85 <= roughness <= 0.99, "about 0.9"
    still = msgspec.structs.replace(load_shipped("initial-loss").start.training, lr=1e-6, epochs=1)
    lesson = load_shipped("initial-loss")
    run = train_run(msgspec.structs.replace(lesson.start, training=still), tmp_path)
    assert 3.0 <= judge(lesson, state_of_run(run, look)).judged[1].value <= 3.25, "about 3.1"


FIGURES = {
    "output-size": [f"{96 * 55 * 55:,}", "(227 - 7 + 0)/2 + 1 = 111", "13x13 with padding 1"],
    "parameters": [
        f"{11 * 11 * 3 * 96:,}",
        f"{96 * 55 * 55 * (11 * 11 * 3 + 1):,}",
        f"{5 * 5 * 16 * 32:,} weights",
        f"32*8*8*10 = {32 * 8 * 8 * 10:,}",
        f"32*4*4*10 = {32 * 4 * 4 * 10:,}",
    ],
    "padding": [
        f"4 + 1 = {(224 - 11) / 4 + 1}",
        f"P = 1 gives {(224 - 11 + 2) / 4 + 1}, P = 2 gives {(224 - 11 + 4) / 4 + 1}",
        f"(55 - 3)/2 + 1 = {(55 - 3) // 2 + 1}",
    ],
    "receptive-field": [
        f"3*(3*3*16*16 + 16) = {3 * (3 * 3 * 16 * 16 + 16):,}",
        f"7*7*16*16 + 16 = {7 * 7 * 16 * 16 + 16:,}",
        f"7*7*3*16 = {7 * 7 * 3 * 16:,}",
        f"= {3 * 3 * 3 * 16 + 2 * 3 * 3 * 16 * 16:,}",
        f"{4 * 16 * 32 * 32:,} more activations",
    ],
    "pool-or-stride": [f"(8 - 3 + 2)/2 + 1 = {(8 - 3 + 2) / 2 + 1}"],
    "two-losses": [f"ln 10 = {math.log(10):.3f}", f"SVM loss at {10 - 1}"],
    "initial-loss": [f"ln 10 = {math.log(10):.3f}", f"sqrt(2/64) = {math.sqrt(2 / 64):.2f}"],
    "batchnorm-dropout": [f"= {2 * (16 + 16 + 32 + 32 + 32)} parameters"],
    "fc-as-conv": [f"32*2*2*64 = {32 * 2 * 2 * 64:,}"],
    "lenet-to-resnet": [f"{120 * 65 + 84 * 121 + 10 * 85:,} of them", f"the ResNet {32 * 10 + 10}"],
}
"""Figures of the texts, worked out here."""


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_right(name: str) -> None:
    lesson = load_shipped(name)
    text = " ".join(f"{lesson.text} {lesson.why}".split())
    for figure in FIGURES[name]:
        assert figure in text


def test_totals_of_start_and_solution_are_those_of_the_check() -> None:
    for name in ("receptive-field", "pool-or-stride", "fc-as-conv", "lenet-to-resnet"):
        lesson = load_shipped(name)
        assert lesson.solution is not None
        before, after = check(lesson.start), check(lesson.solution)
        said = lesson.why + lesson.text
        assert f"{after.total_params:,} " in said
        assert f"{before.total_params:,}" in said
    lesson = load_shipped("pool-or-stride")
    assert lesson.solution is not None
    for network in (lesson.start, lesson.solution):
        assert f"{check(network).total_macs:,}" in lesson.why


def test_the_overfitted_network_has_the_parameters_that_are_said() -> None:
    lesson = load_shipped("overfit-twenty")
    assert f"{check(lesson.start).total_params:,} parameters" in lesson.text


def test_the_other_window_that_is_named_fits_as_well() -> None:
    layers = "conv 96 13x13 s4 pad 1 | relu | gap | fc 10"
    assert judge(load_shipped("output-size"), State(changed("output-size", layers))).solved


WRONG = [
    ("output-size", {"layers": "conv 96 11x11 s2 | relu | gap | fc 10"}, "is 96x109x109"),
    ("output-size", {"layers": "conv 64 11x11 s4 | relu | gap | fc 10"}, "is 64x55x55"),
    ("output-size", {"layers": "relu | gap | fc 10"}, "layer 1 is a relu"),
    ("output-size", {"input": (3, 231, 231)}, "the input is 3x231x231"),
    ("parameters", {"layers": "c16 3 pad same r m2 c32 3 pad same r m2 fc 10"}, "4,608 weights"),
    ("parameters", {"layers": "c16 3 pad same r m2 c32 5 pad same r m2 fc 10"}, "20,480 weights"),
    ("padding", {"input": (3, 227, 227)}, "the input is 3x227x227"),
    (
        "padding",
        {"layers": "conv 96 11 s4 p2 floor r m3 2 c256 5 p2 r gap fc 10"},
        "a layer rounds its size",
    ),
    ("receptive-field", {"layers": "c16 3 p1 r c16 3 p1 r c16 3 p1 r gap fc 10"}, "7x7 pixels"),
    ("receptive-field", {"layers": "c16 3 p1 c16 3 p1 c16 3 p1 c16 3 p1 gap fc 10"}, "0 ReLUs"),
    ("pool-or-stride", {"layers": "c16 2 s2 r c32 4 r fc 10"}, "320 weights"),
    ("fc-as-conv", {"layers": "c16 3 p1 r m2 c32 3 p1 r m2 c64 1 r c10 2"}, "the network has 9,"),
    ("lenet-to-resnet", {"layers": "c16 3 p1 bn r gap fc 10"}, "batch norms: 1, wanted are 5"),
]


@pytest.mark.parametrize(("name", "work", "said"), WRONG)
def test_a_wrong_try_is_answered_with_what_the_state_says(
    name: str, work: dict[str, str], said: str
) -> None:
    judged = judge(load_shipped(name), State(changed(name, **work)))
    assert not judged.solved and judged.tried
    assert any(said in one.words for one in judged.judged if not one.met)


def test_a_network_that_does_not_fit_is_answered_by_the_doctor() -> None:
    judged = judge(load_shipped("padding"), State(load_shipped("padding").start))
    assert "54.25, not a whole number" in judged.trouble
    assert any(
        one.words.startswith("the output of the first convolution is unknown")
        for one in judged.judged
    )


def test_starts_that_should_be_valid_are_valid() -> None:
    invalid = [one.name for one in COURSE if not check_with_data(one.start).valid]
    assert invalid == ["padding"], "which is about that"


def test_the_way_through_the_lessons() -> None:
    names = [one.name for one in COURSE]
    first = next_lesson(COURSE, {})
    assert first is not None and first.name == names[0]
    attempts = {names[0]: Attempt(solved=True), names[1]: Attempt(began="now")}
    following = next_lesson(COURSE, attempts, names[0])
    assert following is not None and following.name == names[1]
    assert next_lesson(COURSE, {}, names[-1]) is None
    fast = next_lesson(COURSE, {}, fast=True)
    assert fast is not None and fast.name == "receptive-field"


def test_a_chapter_is_known_by_its_task_on_the_fast_track() -> None:
    begun = Attempt(began="2026-01-01T00:00:00Z")
    found = entries(COURSE, {"receptive-field": Attempt(solved=True), "padding": begun})
    standings = {one.lesson.name: one.standing for one in found}
    assert standings["receptive-field"] == "solved"
    assert standings["output-size"] == "known" and standings["two-losses"] == "new"
    assert standings["padding"] == "begun", "one goes through all of them"
