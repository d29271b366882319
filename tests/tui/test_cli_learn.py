"""``cnn-tui learn``: the list, results, checks of files, and whole lessons in plain text."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from children import start
from own_lesson import FILE
from terminal import Terminal

from cnn_tui.engine.lessons.course import shipped_course
from cnn_tui.engine.lessons.lesson import Lesson
from cnn_tui.engine.lessons.progress import LessonProgress
from cnn_tui.engine.lessons.reading import load_shipped
from cnn_tui.engine.specs.codec import save_network
from cnn_tui.tui.cli.lesson_words import solution_lines

Cli = Callable[..., tuple[int, str, str]]
Learn = Callable[..., list[str]]


@pytest.fixture(autouse=True)
def own_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture
def learn(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Learn:
    """Goes through a conversation; returns what is said."""

    def talk(*words: str, lesson: str = "", options: tuple[str, ...] = ()) -> list[str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in words)))
        code, out, err = cli("learn", *filter(None, (lesson, *options)))
        assert (code, err) == (0, "")
        return out.splitlines()

    return talk


@pytest.fixture(name="begin")
def begin_in_a_terminal(start: Callable[..., Terminal]) -> Callable[..., Terminal]:
    return start


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(FILE)
    return path


def test_a_lesson_is_solved_line_by_line_and_leads_on(learn: Learn, cli: Cli) -> None:
    said = learn(
        "layers: conv 96 11x11 s2 | relu | gap | fc 10",
        "hint",
        "set layers[0].stride 4",
        "",
        "quit",
    )
    assert said[0].startswith("Lesson 1 of 15: The output formula")
    assert "Not met: the output of layer 1 is 96x109x109, wanted is 96x55x55." in said
    assert "Solved: 3 conditions met." in said
    assert "Solution: layers: conv 96 11x11 s4 | relu | global_avgpool | fc 10" in said
    assert any(line.startswith("Lesson 2 of 15") for line in said)
    attempt = LessonProgress().of("output-size")
    assert (attempt.solved, attempt.tries, attempt.hints) == (True, 2, 1)
    _, out, _ = cli("learn", "--list", "--json")
    standings = [one["standing"] for one in json.loads(out)]
    assert standings[:3] == ["solved", "begun", "new"]
    assert learn("quit")[0].startswith("Lesson 2 of 15"), "the next that is not solved"


def test_what_can_be_typed(learn: Learn, tmp_path: Path) -> None:
    solved = tmp_path / "solved.toml"
    solution = load_shipped("fc-as-conv").solution
    assert solution is not None
    save_network(solution, solved)
    said = learn(
        "help",
        "task",
        "layers",
        "hint",
        "hint",
        "hint",
        "hint",
        "hnit",
        "layers: conv 16 3x3 | rellu",
        "set lr",
        "look health",
        "solution",
        "start",
        "check",
        str(solved),
        "next",
        lesson="fc-as-conv",
    )
    assert "layers: conv 32 3x3 | relu: replaces all layers; layers alone lists" in said
    assert "7 fc 64: 64, 8,256 parameters" in said
    assert sum(line.startswith("Hint 3 of 3") for line in said) == 2
    text = " ".join(said)
    assert "'hnit' is neither" in text and "Did you mean hint?" in text
    assert "rellu" in text and "set lr needs a value. Example: set lr 0.01." in text
    assert "There is no run to look into yet. Type train." in said
    assert "1 of 4 conditions met." not in said and "2 of 4 conditions met." in said
    assert "Solved: 4 conditions met." in said
    assert "Lesson 15 of 15" in text
    attempt = LessonProgress().of("fc-as-conv")
    assert attempt.solved and attempt.solution_seen and attempt.hints == 3


def test_a_lesson_of_a_file_and_its_results(learn: Learn, cli: Cli, file: Path) -> None:
    said = learn("layers: fc 20 | fc 10", "layers: fc 10", "next", lesson=str(file))
    assert said[0] == "A smaller network. Mine, 5 minutes."
    assert "Not met: 1,510 parameters, at the start 1,510." in said
    assert "Solved: 1 condition met." in said
    _, out, _ = cli("learn", "--report", "--json")
    report = json.loads(out)
    assert report["solved"] == 0 and report["others"]["small-net"]["tries"] == 2
    _, out, _ = cli("learn", file, "--report", "--json")
    (entry,) = json.loads(out)["lessons"]
    assert entry["solved"] and entry["title"] == "A smaller network"
    _, out, _ = cli("learn", "--report")
    assert "small-net" in out and "overfit-twenty" in out


def test_the_fast_track_asks_one_of_each_chapter(learn: Learn) -> None:
    solution = load_shipped("receptive-field").solution
    assert solution is not None
    four = " | ".join(["conv 16 3x3 pad same | relu"] * 4)
    said = learn(f"layers: {four} | gap | fc 10", "next", options=("--fast",))
    assert said[0].startswith("Lesson 4 of 15")
    assert any(line.startswith("Lesson 9 of 15") for line in said)


def test_nothing_is_left_when_all_is_solved(learn: Learn, cli: Cli) -> None:
    progress = LessonProgress()
    for one in json.loads(cli("learn", "--list", "--json")[1]):
        progress.tried(one["name"], solved=True)
    assert learn() == ["All lessons are solved. cnn-tui learn --list names them."]
    assert "15 of 15 lessons solved" in cli("learn", "--list")[1]


SOLVED = FILE.replace("times_start_at_most = 0.5", "times_start_at_most = 1")
LISTED = FILE.replace('path = "total_params"', 'path = "layers.*.output"')
SUMMED = LISTED.replace('output"', 'output"\ntake = "sum"', 1)
UNSOLVED = FILE.replace("times_start_at_most = 0.5", "times_start_at_most = 0.1")


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (FILE, 0, "small-net: the solution solves it."),
        (SOLVED, 1, "small-net: the task is solved at its start. Give a start"),
        (UNSOLVED, 1, "the solution does not solve it: 650 parameters, at the start 1,510"),
        (
            LISTED,
            1,
            "task.conditions[0]: times_start_at_most cannot compare a list of 1: ",
        ),
        (SUMMED, 1, "solve it: task.conditions[0]: sum takes a list of numbers: "),
        (FILE.partition("[solution]")[0], 0, "the file has no solution, so none was tried"),
        (FILE.replace("half", "\x1b[2J"), 1, "line 14: Illegal"),
    ],
    ids=("right", "solved", "unsolved", "listed", "summed", "without", "escape"),
)
def test_a_file_is_checked(cli: Cli, file: Path, text: str, code: int, said: str) -> None:
    file.write_text(text)
    returned, out, err = cli("learn", "--check", file)
    assert returned == code
    assert said in out + err and err.count("\n") <= 1


def test_every_mistake_of_a_file_is_told(cli: Cli, file: Path) -> None:
    file.write_text(
        FILE.replace("minutes = 5", "minutes = 0").replace("times_start_at_most", "mst")
    )
    code, out, err = cli("learn", "--check", file)
    assert (code, out) == (1, "")
    first, second = err.splitlines()
    assert "minutes: expected a whole number" in first and "unknown setting or operator" in second
    file.write_text('name = "a"\n')
    assert "task: missing. Give a table [task] with a text" in cli("learn", "--check", file)[2]


def test_a_check_as_json(cli: Cli, file: Path) -> None:
    code, out, _ = cli("learn", "--check", file, "--json")
    assert code == 0
    assert json.loads(out) == {
        "name": "small-net",
        "conditions": 1,
        "solved_at_start": False,
        "solved_by_training_the_start": False,
        "solved_by_solution": True,
        "missing": [],
    }


def test_progress_that_cannot_be_kept_is_said_once(
    learn: Learn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    said = learn("hint", "layers: fc 10", lesson="fc-as-conv")
    assert sum(line.startswith("Progress is not kept:") for line in said) == 1
    assert any(line.startswith("Hint 1 of 3") for line in said)


def test_a_lesson_that_is_solved_at_its_start_says_so(learn: Learn, file: Path) -> None:
    file.write_text(SOLVED)
    said = learn("quit", lesson=str(file))
    assert "This task is solved at its start: its file needs another one." in said


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--list", "--report"), "exclude each other"),
        (("--json",), "--json belongs to"),
        (("--check",), "--check needs a lesson"),
        (("--list", "padding"), "--list takes no lesson: --report LESSON shows"),
        (("--check", "/"), "/ is a folder. Give the TOML file of a lesson in it."),
        (("paddin",), "There is no lesson 'paddin'. Did you mean padding?"),
        (("no/such.toml",), "There is no"),
    ],
)
def test_wrong_usage_is_one_line(cli: Cli, args: tuple[str, ...], said: str) -> None:
    code, out, err = cli("learn", *args)
    assert code in (1, 2) and out == ""
    assert said in err and err.count("\n") == 1


THREE_RATES = [line for lr in ("0.0001", "1", "0.01") for line in (f"set lr {lr}", "train")]


@pytest.mark.slow
def test_a_lesson_through_a_pipe(tmp_path: Path) -> None:
    process = start(
        [sys.executable, "-m", "cnn_tui.tui", "learn", "learning-rate"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    out, err = process.communicate("".join(f"{line}\n" for line in THREE_RATES))
    assert (process.returncode, err) == (0, "")
    assert "Solved: 4 conditions met." in out and "Next: Batch norm and dropout." in out
    assert out.isascii() and "\x1b" not in out


def what_solves(lesson: Lesson) -> Iterator[str]:
    """The lines that solve a lesson, as it tells them itself, with the views that it asks for."""
    for number in range(len(lesson.solutions)):
        yield "start"
        mark = f"Solution, run {number + 1} of {len(lesson.solutions)}: "
        for line in solution_lines(lesson):
            if line.startswith((mark, "Solution: ")):
                yield line.partition(": ")[2]
        if lesson.trains:
            yield "train"
        yield from (f"look {view}" for view, *_ in {one.view: one for one in lesson.views}.items())


@pytest.mark.slow
def test_all_lessons_in_a_terminal_one_after_the_other(
    begin: Callable[..., Terminal],
) -> None:
    terminal = begin(PROGRAM)

    def say(line: str) -> None:
        terminal.until(lambda: terminal.raw.endswith(b"\n> "), "prompt")
        terminal.press(f"{line}\n")

    for lesson in shipped_course():
        for line in what_solves(lesson):
            say(line)
        say("")
    say("quit")
    assert terminal.exit_code() == 0
    solved = {name for name, one in LessonProgress().read().items() if one.solved}
    assert solved == {one.name for one in shipped_course()}
    assert b"That was the last one." in terminal.raw


PROGRAM = """
import sys
from cnn_tui.tui.cli.main import main
sys.exit(main(["learn", "--plain"]))
"""


@pytest.mark.slow
def test_a_run_that_was_handed_in_is_judged(learn: Learn, tmp_path: Path) -> None:
    where = ("--runs-dir", str(tmp_path / "runs"))
    learn("set lr 0.01", "train", lesson="learning-rate", options=where)
    said = learn(str(tmp_path / "runs" / "learning-rate-1"), lesson="learning-rate")
    assert "2 of 4 conditions met." in said
    said = learn("run learning-rate-1", "run nothing", lesson="learning-rate", options=where)
    assert "2 of 4 conditions met." in said
    assert any("There is no run 'nothing'" in line for line in said)
