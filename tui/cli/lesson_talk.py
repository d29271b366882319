"""A lesson as a conversation in plain text: lines in, lines out, nothing drawn.

For screen readers, pipes and tests. The work is the same as in the app: a network is changed,
trained and looked into, and the state of that work is judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from cnn_tui.engine.errors import CnnTuiError, SpecError, reason_of
from cnn_tui.engine.lessons.course import next_lesson
from cnn_tui.engine.lessons.documents import JSON, VIEWS, events_json
from cnn_tui.engine.lessons.judging import State, judge
from cnn_tui.engine.lessons.lesson import HINTS, Lesson
from cnn_tui.engine.lessons.progress import Attempt, LessonProgress
from cnn_tui.engine.runs.folder import RunFolder, open_run
from cnn_tui.engine.runs.lines import read_events
from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.check import check_with_data
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.paths import find_setting, settings_of, value_words, with_setting
from cnn_tui.engine.specs.presets import resolve
from cnn_tui.engine.specs.quick.parse import parse_quick
from cnn_tui.engine.specs.quick.write import to_quick
from cnn_tui.engine.specs.wording import did_you_mean, listed, show
from cnn_tui.tui.cli.lesson_words import layer_line, say, say_all, solution_lines, tell
from cnn_tui.tui.words import count


class Word(NamedTuple):
    """A word that a line may begin with."""

    example: str
    does: str
    act: Callable[[LessonTalk, str], None]


class LessonTalk:
    """A conversation: a lesson after the other, until the lines end or ``quit``."""

    def __init__(
        self,
        lesson: Lesson,
        course: Sequence[Lesson],
        progress: LessonProgress,
        runs_dir: Path,
        *,
        fast: bool = False,
    ) -> None:
        self._course, self._progress, self._runs, self._fast = course, progress, runs_dir, fast
        self._code: int | None = None
        self._unkept = False
        self._begin(lesson)

    def run(self, lines: Iterable[str]) -> int:
        """Answer each line; returns the exit code."""
        self._introduce()
        for line in lines:
            try:
                self._answer(line)
            except CnnTuiError as error:
                say(str(error))
            if self._code is not None:
                return self._code
        return 0

    def _begin(self, lesson: Lesson) -> None:
        self._lesson, self._network = lesson, lesson.start
        self._run: RunFolder | None = None
        self._seen: dict[tuple[str, str], JSON] = {}
        self._kept: frozenset[int] = frozenset()
        self._hints, self._solved = 0, False

    def _introduce(self) -> None:
        lesson, names = self._lesson, [one.name for one in self._course]
        self._note(partial(self._progress.begun, lesson.name))
        place = (
            f"Lesson {names.index(lesson.name) + 1} of {len(names)}: "
            if lesson in self._course
            else ""
        )
        say(f"{place}{lesson.title}. {lesson.chapter}, {count(lesson.minutes, 'minute')}.")
        self.text()
        if judge(lesson, State(lesson.start)).solved:
            say("This task is solved at its start: its file needs another one.")
        say("Type help for what can be typed.")

    def _answer(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        word, rest = word.rstrip(":").lower(), rest.strip()
        if not word:
            if self._solved:
                self.next()
        elif word in WORDS:
            WORDS[word].act(self, rest)
        elif Path(line).is_dir():
            self._take_run(RunFolder(Path(line)))
        elif Path(line).is_file():
            self.file(line)
        else:
            hint = did_you_mean(word, WORDS, "help lists the words.")
            raise SpecError(
                f"{show(line)} is neither a word of this conversation nor a file.", hint
            )

    def help(self, rest: str = "") -> None:
        for row in WORDS.values():
            say(f"{row.example}: {row.does}.")
        say("The path of an architecture file or of a run's folder is judged as your own work.")

    def text(self, rest: str = "") -> None:
        say_all(self._lesson.text)
        self.task()

    def task(self, rest: str = "") -> None:
        say(f"Task: {self._lesson.task.text}")

    def layers(self, rest: str) -> None:
        """Replace the layers by those of a line of quick entry, or list them."""
        if not rest:
            self._list_layers()
            return
        self._change(msgspec.structs.replace(self._network, layers=parse_quick(rest)))

    def _list_layers(self) -> None:
        report = check_with_data(self._network)
        say(f"input {format_shape(report.input)}, data {self._network.data}")
        for layer in report.layers:
            say(layer_line(layer))
        say(f"{report.total_params:,} parameters, {report.total_macs:,} multiply-adds an image.")
        say(f"layers: {to_quick(self._network.layers)}")

    def set(self, rest: str) -> None:
        """Change a setting of the network, its loss or its recipe, or list those of the recipe."""
        name, _, value = rest.replace("=", " ", 1).partition(" ")
        if not name:
            recipe = settings_of(self._network).items()
            shown = [
                f"{path.removeprefix('training.')} {value_words(value)}"
                for path, value in recipe
                if path.startswith(("training.", "loss."))
            ]
            say(", ".join(shown))
            return
        if not value.strip():
            raise SpecError(f"set {name} needs a value.", "Example: set lr 0.01.")
        path = find_setting(self._network, name)
        self._change(with_setting(self._network, path, value.strip()))

    def _change(self, network: Network) -> None:
        self._network = network
        self._judge(is_result=not self._lesson.trains)

    def file(self, path: str) -> None:
        self._change(resolve(path))

    def start(self, rest: str = "") -> None:
        self._network = self._lesson.start
        say("The network is the one of the start again.")

    def train(self, rest: str = "") -> None:
        from cnn_tui.tui.cli.lesson_state import train_and_tell

        run, code = train_and_tell(self._network, self._runs)
        if code:
            self._code = code
        self._run, self._seen = run, {}
        self._judge()

    def run_named(self, name: str) -> None:
        self._take_run(open_run(self._runs, name))

    def _take_run(self, run: RunFolder) -> None:
        run.info()  # raises for a folder that is none
        self._run, self._network, self._seen = run, run.network(), {}
        if self._lesson.views:
            from cnn_tui.tui.cli.lesson_state import look

            views = [(one.view, one.layer) for one in self._lesson.views]
            self._seen = {(view, layer): look(run, view, layer) for view, layer in views}
        self._judge()

    def look(self, rest: str) -> None:
        """Show a view of Inspect on the last run."""
        from cnn_tui.tui.cli.lesson_state import look_and_tell

        view, _, layer = rest.partition(" ")
        if view not in VIEWS:
            raise SpecError(f"There is no view {show(view)} here.", f"Views: {listed(VIEWS)}.")
        if self._run is None:
            raise CnnTuiError("There is no run to look into yet.", "Type train.")
        # Also as the answer to a condition that names no layer: its path tells which it is about.
        seen = look_and_tell(self._run, view, layer.strip())
        self._seen |= {(view, layer.strip()): seen, (view, ""): seen}
        self._judge()

    def check(self, rest: str = "") -> None:
        self._judge()

    def _judge(self, *, is_result: bool = True) -> None:
        """Judge what there is now, and answer; a change before a training is no result yet."""
        run = self._run
        state = State(
            self._network,
            run=lambda: events_json(read_events(run.events_file)) if run else None,
            trained=lambda: run.network() if run else None,
            view=lambda view, layer: self._seen.get((view, layer)),
        )
        judged = judge(self._lesson, state, self._kept)
        self._kept = judged.kept
        if judged.solved or (is_result and judged.tried):
            self._note(partial(self._progress.tried, self._lesson.name, solved=judged.solved))
        tell(judged, is_result=is_result)
        if judged.solved and not self._solved:
            self._solved = True
            self._finish()

    def _finish(self) -> None:
        say_all(self._lesson.why)
        self._tell_solution()
        following = self._following()
        if following:
            say(f"Next: {following.title}. An empty line or next leads there, quit ends.")
        else:
            say("That was the last one.")

    def _following(self) -> Lesson | None:
        attempts = self._progress.read()
        return next_lesson(self._course, attempts, self._lesson.name, fast=self._fast)

    def hint(self, rest: str = "") -> None:
        self._hints = min(self._hints + 1, HINTS)
        self._note(partial(self._progress.hinted, self._lesson.name, self._hints))
        say(f"Hint {self._hints} of {HINTS}: {self._lesson.hints[self._hints - 1]}")

    def solution(self, rest: str = "") -> None:
        self._note(partial(self._progress.saw_solution, self._lesson.name))
        self._tell_solution()

    def _tell_solution(self) -> None:
        if not self._lesson.solutions:
            say("This lesson has no solution of its own.")
        for line in solution_lines(self._lesson):
            say(line)
        say(f"Yours: layers: {to_quick(self._network.layers)}")

    def next(self, rest: str = "") -> None:
        following = self._following()
        if following is None:
            say("No lesson after this one is left to solve.")
            return
        self._begin(following)
        self._introduce()

    def quit(self, rest: str = "") -> None:
        self._code = 0

    def _note(self, keep: Callable[[], Attempt]) -> None:
        """Keep progress; if that fails it is said once, and the lesson continues."""
        try:
            keep()
        except OSError as error:
            if not self._unkept:
                say(f"Progress is not kept: {self._progress.path}: {reason_of(error)}.")
            self._unkept = True


WORDS: dict[str, Word] = {
    "layers": Word(
        "layers: conv 32 3x3 | relu",
        "replaces all layers; layers alone lists them",
        LessonTalk.layers,
    ),
    "set": Word(
        "set lr 0.01", "changes a setting; set alone lists those of the recipe", LessonTalk.set
    ),
    "train": Word("train", "trains the network", LessonTalk.train),
    "look": Word("look health", "shows a view of Inspect on the last run", LessonTalk.look),
    "run": Word("run NAME", "takes a run that was trained elsewhere", LessonTalk.run_named),
    "check": Word("check", "says what is still to be done", LessonTalk.check),
    "start": Word("start", "takes the network of the start again", LessonTalk.start),
    "hint": Word("hint", "gives a hint; there are three", LessonTalk.hint),
    "text": Word("text", "repeats the text", LessonTalk.text),
    "task": Word("task", "repeats the task", LessonTalk.task),
    "solution": Word("solution", "tells the solution", LessonTalk.solution),
    "next": Word("next", "leads to the next lesson", LessonTalk.next),
    "help": Word("help", "lists these words", LessonTalk.help),
    "quit": Word("quit", "ends; what is solved is kept", LessonTalk.quit),
}
"""Words with which a line may begin."""
