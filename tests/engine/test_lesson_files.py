"""Lessons of teachers: strictly read, hostile ones refused in a line, conditions of every kind."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from own_lesson import FILE

from cnn_tui.engine.errors import InsightError, SpecError
from cnn_tui.engine.lessons.documents import EVENTS, VIEWS, as_json
from cnn_tui.engine.lessons.judging import State, is_solved_at_start, judge
from cnn_tui.engine.lessons.lesson import paragraphs
from cnn_tui.engine.lessons.mistakes import LessonError
from cnn_tui.engine.lessons.operators import OPERATORS, TAKES
from cnn_tui.engine.lessons.reading import load_lesson, loads_lesson
from cnn_tui.engine.lessons.values import AbsentError, percent_words, value_at, value_words
from cnn_tui.engine.specs.network import Network, Softmax
from cnn_tui.engine.specs.quick.parse import parse_quick
from cnn_tui.engine.training.events import RunEnded

ROOT = Path(__file__).parents[2]


def condition(lines: str, head: str = "") -> str:
    """The file with one condition in place of its own."""
    begin, _, rest = FILE.partition("[[task.conditions]]")
    return f"{head}{begin}[[task.conditions]]\n{lines}\n[solution]{rest.partition('[solution]')[2]}"


MEANT = 'text = "t"\nelse = "{value}"\n'


def test_a_file_is_read() -> None:
    lesson = loads_lesson(FILE, "mine.toml")
    assert (lesson.name, lesson.minutes, lesson.task.where) == ("small-net", 5, "build")
    assert lesson.start.name == "small-net"
    assert not is_solved_at_start(lesson)
    (one,) = judge(lesson, State(lesson.start)).judged
    assert one.words == "1,510 parameters, at the start 1,510"
    (solution,) = lesson.solutions
    assert judge(lesson, State(solution)).solved


def test_an_answer_names_what_the_start_has_whatever_is_compared() -> None:
    lines = MEANT.replace("{value}", "{start}") + 'of = "check"\npath = "total_params"\nat_most = 9'
    lesson = loads_lesson(condition(lines), "mine.toml")
    assert [one.words for one in judge(lesson, State(lesson.start)).judged] == ["1,510"]


def test_all_mistakes_are_told_at_once() -> None:
    text = FILE.replace("minutes = 5", "minutes = 0").replace('"relu"', '"rellu"')
    text = text.replace("at_most = 0.5", "at_moot = 0.5").replace('"total_params"', '"total"')
    text = text.replace('"check"', '"chek"\ntake = "some"').replace('"Three."', "3")
    text = text.replace("out_features = 10 }]", 'out_features = -1 }]\ndata = "tigits"')
    with pytest.raises(LessonError, match=r"minutes: .* received 0 \(and 7 more\)\.$") as caught:
        loads_lesson(text, "mine.toml")
    places = [str(one).removeprefix("mine.toml: ").split(": ")[:2] for one in caught.value.mistakes]
    assert [place for place, _ in places] == [
        "minutes",
        "start",
        "start",
        "task.conditions[0]",
        "task.conditions[0].of",
        "task.conditions[0].take",
        "hints",
        "solution",
    ]
    assert places[2][1] == "layers[2].out_features"


MISTAKES = [
    (FILE.replace('title = "A', 'titel = "A'), "titel: unknown setting. Did you mean title?"),
    (FILE.replace('name = "small-net"', ""), "name: missing"),
    (FILE.replace('"small-net"', '"../x"'), "name: expected a name"),
    (FILE.replace("minutes = 5", "minutes = 0"), "minutes: expected a whole number"),
    (FILE.replace('text = "Make it smaller."', 'text = ""'), "text: expected text"),
    (FILE.replace('"One.", ', ""), "hints: expected three texts"),
    (FILE.replace('"One."', "1"), "hints: expected three texts"),
    (FILE.replace("[task]\n", '[task]\nwhere = "built"\n'), "Did you mean build?"),
    (FILE.replace("[task]\n", '[task]\ntxt = "a"\n'), "task: unknown setting 'txt'"),
    (FILE.replace('type = "relu"', 'type = "rellu"'), "start: layers[1].type: unknown type"),
    (FILE.replace('base = "start"', 'base = "lenet6"'), "solution: There is no preset"),
    (FILE.replace('[solution]\nbase = "start"', "[solution]\nbase = 5"), "solution: There is no"),
    (FILE.partition("[[task")[0], "at least one condition"),
    (condition(MEANT + 'of = "chek"\npath = "valid"\nis = true'), "Did you mean check?"),
    (condition(MEANT + 'of = "inspect helth"\npath = "images"\nis = 1'), "Did you mean health?"),
    (condition(MEANT + 'of = "check now"\npath = "valid"\nis = true'), "only inspect has views"),
    (condition(MEANT + 'of = "check"\npath = "layer.0.output"\nis = 1'), "Did you mean layers?"),
    (condition(MEANT + 'of = "train"\npath = "event=epoch.0.lr"\nis = 1'), "event 'epoch'"),
    (
        condition(MEANT + 'of = "train"\npath = "event=run_ended.0.val_loss"\nis = 1'),
        "train has no 'val_loss'. Did you mean test_loss?",
    ),
    (condition(MEANT + 'of = "check"\npath = "valid"\nat_leest = 1'), "Did you mean at_least?"),
    (condition(MEANT + 'of = "check"\npath = "valid"'), "expected one operator, received none"),
    (
        condition(MEANT + 'of = "check"\npath = "valid"\nis = 1\nis_not = 2'),
        "expected one operator, received is and is_not",
    ),
    (condition(MEANT + 'of = "check"\npath = "total_macs"\nat_least = "9"'), "expected a number"),
    (condition(MEANT + 'of = "check"\npath = "total_macs"\nbetween = [1]'), "two numbers"),
    (condition(MEANT + 'of = "check"\npath = "name"\none_of = "x"'), "expected a list"),
    (condition(MEANT + 'of = "check"\npath = "total_macs"\nat_least = nan'), "expected a number"),
    (
        condition(MEANT + 'of = "train"\npath = "event=run_ended.0.step"\ntimes_start_at_most = 1'),
        "the start has no train",
    ),
    (condition(MEANT + 'of = "check"\npath = "layers"\nis = 1\ntake = "cuont"'), "mean count?"),
    (condition('text = "t"\nof = "check"\npath = "valid"\nis = 1'), ".else: missing"),
    (
        condition('text = "t"\nelse = "{valeu}"\nof = "check"\npath = "valid"\nis = 1'),
        "unknown word in braces 'valeu'. Did you mean value?",
    ),
    (condition(MEANT + 'of = "check"\npath = "valid"\nis = true\nonce = 1'), "once: expected true"),
    (condition(MEANT + f'of = "check"\npath = "{"a." * 20}b"\nis = 1'), "more than 16 parts"),
    (condition(MEANT + f'of = "check"\npath = "{"x" * 400}"\nis = 1'), "at most 300 characters"),
    ("x = [" + "[" * 2000 + "]" * 2000 + "]", "nested"),
    (FILE + "#" * 300_000, "larger than 256 KB"),
    ("name = ", "line 1"),
]


@pytest.mark.parametrize(("text", "said"), MISTAKES, ids=[said for _, said in MISTAKES])
def test_a_mistake_is_one_line_that_names_it(text: str, said: str) -> None:
    with pytest.raises(SpecError) as refused:
        loads_lesson(text, "mine.toml")
    error = refused.value
    each = list(map(str, error.mistakes if isinstance(error, LessonError) else [error]))
    assert said in "\n".join(each)
    for line in (str(error), *each):
        assert line.startswith("mine.toml") and line.isprintable() and len(line) < 600


def test_hostile_text_is_cleaned_and_braces_are_no_format() -> None:
    text = FILE.replace("Make it smaller.", r"Red \u001b[31m and \u202e.")
    text = text.replace('else = "{value}', r'else = "\u001b]0;x\u0007 {value}')
    lesson = loads_lesson(text, "mine.toml")
    (one,) = judge(lesson, State(lesson.start)).judged
    assert lesson.text.isprintable() and one.words.isprintable()
    assert r"\x1b[31m" in lesson.text
    other = loads_lesson(FILE.replace("{value}", "{value.__class__}"), "mine.toml")
    assert judge(other, State(other.start)).judged[0].words.startswith("{value.__class__}")


def test_one_s_own_lesson_may_not_bear_the_name_of_another(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(FILE.replace("small-net", "padding"))
    with pytest.raises(SpecError, match=r"padding is a lesson of cnn-tui\. Choose another"):
        load_lesson(str(tmp_path / "mine"))


@pytest.mark.parametrize("name", ["paddin", "\x1b[2J", "a" * 5000, "no/such.toml", "\0"])
def test_a_lesson_that_is_not_there(name: str) -> None:
    with pytest.raises(SpecError) as refused:
        load_lesson(name)
    assert str(refused.value).isprintable()


def test_the_names_of_views_are_those_of_the_documented_json() -> None:
    page = (ROOT / "docs" / "json.md").read_text()
    for view, names in VIEWS.items():
        (row,) = re.findall(rf"^\| `{view}` \| `(\{{.*?\}})`", page, re.MULTILINE)
        assert re.findall(r"\w+", row) == names.split(), view


def test_the_page_lists_operators_events_and_takes() -> None:
    page = (ROOT / "docs" / "lessons.md").read_text()
    for name, row in OPERATORS.items():
        assert f"| `{name}` | {row.wants} | {row.means} |" in page
    assert all(f"`{name}`" in page for name in TAKES)
    assert "event=epoch_completed" in page and "epoch_completed" in EVENTS


REPORT = {
    "name": "x",
    "layers": [
        {"type": "conv", "name": "conv1", "params": 10, "output": [8, 4, 4]},
        {"type": "residual", "name": "r", "params": 7, "branch": [{"type": "conv", "params": 3}]},
        {"type": "fc", "name": "fc3", "params": 5, "output": None},
    ],
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("layers.0.output", [8, 4, 4]),
        ("layers.-1.name", "fc3"),
        ("layers.type=fc.0.params", 5),
        ("layers.type=conv", REPORT["layers"][:1]),
        ("layers.*.params", [10, 7, 5]),
        ("layers.**.params", [10, 7, 3, 5]),
        ("layers.**.type=conv.params", [10, 3]),
        ("layers.*.output.*", [8, 4, 4]),
        ("layers.type=relu", []),
        ("layers.2.output", None),
    ],
)
def test_a_path_leads_to_a_value(path: str, value: object) -> None:
    assert value_at(REPORT, path.split(".")) == value


@pytest.mark.parametrize("path", ["layers.3.name", "layers.x", "nmae", "name.0", "name.*", "x=1"])
def test_a_path_may_lead_nowhere(path: str) -> None:
    with pytest.raises(AbsentError):
        value_at(REPORT, path.split("."))


@pytest.mark.parametrize(
    ("operator", "wanted", "met", "missed"),
    [
        ("is", [1, 2], [1, 2], [1, 3]),
        ("is_not", 3, 4, 3),
        ("at_least", 0.5, 0.5, 0.4),
        ("at_most", 3, 3, 4),
        ("between", [1, 2], 2, 3),
        ("one_of", ["a", "b"], "b", "c"),
        ("contains", "a", ["a"], ["b"]),
        ("lacks", "a", [], ["a"]),
        ("contains_any", ["a", "b"], ["b", "c"], ["c"]),
        ("contains_none", ["a", "b"], ["c"], ["b"]),
        ("times_start_at_least", 10, 20, 5),
        ("times_start_at_most", 10, 5, 20),
    ],
)
def test_operators(operator: str, wanted: Any, met: Any, missed: Any) -> None:
    holds = OPERATORS[operator].holds
    assert holds(met, wanted) and not holds(missed, wanted)


def test_every_operator_is_tried() -> None:
    (mark,) = test_operators.pytestmark
    assert {row[0] for row in mark.args[1]} == set(OPERATORS)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([96, 55, 55], "96x55x55"),
        (34848, "34,848"),
        (True, "yes"),
        (0.98712, "0.9871"),
        (None, "unknown"),
        ([], "none"),
        (["a", "b"], "a and b"),
        (list(range(9)), "0, 1, 2, 3, 4, 5 and 3 more"),
        ("\x1b[2J", r"\x1b[2J"),
        ({}, "a table"),
    ],
)
def test_values_in_words(value: object, words: str) -> None:
    assert value_words(value) == words


def test_a_share_in_percent() -> None:
    assert percent_words(0.983) == "98.3%" and percent_words(None) == "unknown"


def test_numbers_that_are_not_finite_are_null() -> None:
    ended = RunEnded(reason="failed", step=1, epoch=1, seconds=1.0, test_loss=float("nan"))
    assert as_json(ended)["test_loss"] is None


TWO = condition(
    MEANT + 'of = "trained"\npath = "loss.type"\nis = "svm"\nonce = "svm"\n'
    '[[task.conditions]]\ntext = "90%"\nelse = "{percent}"\nabsent = "not ended"\nof = "train"\n'
    'path = "event=run_ended.-1.best_val_accuracy"\nat_least = 0.9\nonce = "svm"\n'
    '[[task.conditions]]\ntext = "health"\nelse = "{value} dead"\nof = "inspect health"\n'
    'path = "layers.*.dead.*"\ntake = "count"\nis = 0'
)


def run_state(loss: object, accuracy: float | None, dead: object = None) -> State:
    """A state after a run, made up."""
    network = Network(layers=parse_quick("fc 10"), loss=loss)  # type: ignore[arg-type]
    events = [] if accuracy is None else [{"event": "run_ended", "best_val_accuracy": accuracy}]

    def view(name: str, layer: str) -> object:
        if dead == "error":
            raise InsightError("There is no data.")
        return dead

    return State(network, run=lambda: events, trained=lambda: network, view=view)


def test_what_was_met_together_once_stays_met_and_only_then() -> None:
    lesson = loads_lesson(TWO, "mine.toml")
    svm = parse_loss("svm")
    judged = judge(lesson, run_state(svm, 0.8))
    assert [one.met for one in judged.judged] == [True, False, False]
    assert judged.kept == frozenset(), "the other one of its word is not met"
    judged = judge(lesson, run_state(Softmax(), 0.95))
    assert judged.kept == frozenset()
    assert [one.met for one in judged.judged] == [False, False, False], "90% of another run"
    assert judged.judged[1].words == "90%" and judged.judged[1].pending
    judged = judge(lesson, run_state(svm, 0.9))
    assert judged.kept == {0, 1}
    judged = judge(lesson, run_state(Softmax(), None, {"layers": [{"dead": []}]}), judged.kept)
    assert judged.solved


def parse_loss(name: str) -> object:
    from cnn_tui.engine.specs.network import LOSS_TYPES

    return LOSS_TYPES[name]()


def test_what_is_not_known_yet_is_no_wrong_try() -> None:
    lesson = loads_lesson(TWO, "mine.toml")
    judged = judge(lesson, State(lesson.start))
    assert not judged.tried and all(one.pending for one in judged.judged)
    assert "look at health" in judged.judged[2].words
    assert judge(lesson, run_state(parse_loss("svm"), None)).judged[1].words == "not ended"


def test_a_view_that_cannot_be_computed_says_why() -> None:
    judged = judge(loads_lesson(TWO, "mine.toml"), run_state(Softmax(), 0.9, "error"))
    assert judged.judged[2].words == "There is no data."
    dead = judge(
        loads_lesson(TWO, "mine.toml"), run_state(Softmax(), 0.9, {"layers": [{"dead": [1]}]})
    )
    assert dead.judged[2].words == "1 dead"


def test_paragraphs_are_joined_and_formulas_are_not() -> None:
    assert paragraphs("One\ntwo.\n\n    a =\n    b\n\n\nThree.\n") == [
        "One two.",
        "    a =\n    b",
        "Three.",
    ]
