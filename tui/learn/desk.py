"""The lesson that is under way: what it is judged by, what is noted of it, what is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from cnn_tui.engine.errors import reason_of
from cnn_tui.engine.lessons.documents import JSON, as_json, events_json
from cnn_tui.engine.lessons.judging import Judged, Judgement, State, judge
from cnn_tui.engine.lessons.lesson import HINTS, Lesson, paragraphs
from cnn_tui.engine.lessons.progress import Attempt, LessonProgress
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training.events import (
    BatchCompleted,
    LayersMeasured,
    RunEnded,
    RunEvent,
    RunStarted,
)
from cnn_tui.tui.learn.view import LessonView, Wish

_MOST_EVENTS = 3_000
"""Events of a run that are kept to be judged: the first, and the newest of a long run."""


@dataclass
class Work:
    """The work since the lesson began."""

    network: Network
    events: list[RunEvent] = field(default_factory=list)
    """Events of the last run that was begun."""
    trained: Network | None = None
    """The network of the run."""
    seen: dict[tuple[str, str], JSON] = field(default_factory=dict)
    """The views of that run that were opened in Inspect, by view and layer."""

    def note(self, events: Sequence[RunEvent], network: Network | None) -> bool:
        """Take in events of a network's run; returns whether there is something new to judge."""
        changed = False
        for event in events:
            if isinstance(event, RunStarted) and not event.from_step:
                self.events, self.seen, self.trained = [], {}, network
            elif not self.events or isinstance(event, BatchCompleted | LayersMeasured):
                continue  # a run that began before the lesson, or what no condition is about
            self.events.append(event)
            changed = True
        del self.events[1 : max(1, len(self.events) - _MOST_EVENTS)]
        return changed

    def see(self, run: str, view: str, layers: Sequence[str], found: object) -> bool:
        """Take in what a view of Inspect has shown, if it is of that run."""
        is_own = bool(run) and run == self.run
        if is_own:
            self.seen |= dict.fromkeys(((view, layer) for layer in layers), as_json(found))
        return is_own

    @property
    def run(self) -> str:
        """The name of that run; empty without one."""
        started = [event.run for event in self.events if isinstance(event, RunStarted)]
        return started[0] if started else ""

    @property
    def ended(self) -> bool:
        """Whether that run has ended."""
        return bool(self.events) and isinstance(self.events[-1], RunEnded)

    def state(self) -> State:
        """Return what is judged."""
        return State(
            self.network,
            run=lambda: events_json(self.events) if self.events else None,
            trained=lambda: self.trained,
            view=lambda view, layer: self.seen.get((view, layer)),
        )


class Desk:
    """A lesson with its work; progress is kept at once."""

    def __init__(self, lesson: Lesson, place: str, progress: LessonProgress) -> None:
        self.lesson, self._place, self._progress = lesson, place, progress
        self.work = Work(lesson.start)
        self.trouble = ""
        """Why progress could not be kept; empty if it was."""
        self.attempt = Attempt()
        self._hint, self._hints = 0, 0
        self.solution_shown = False
        self._judgement = judge(lesson, self.work.state())
        self.is_solved_at_start = self._judgement.solved
        if not self.is_solved_at_start:
            self._note(partial(progress.begun, lesson.name))

    @property
    def solved(self) -> bool:
        return self._judgement.solved

    @property
    def view(self) -> LessonView:
        """The lesson as it is shown now."""
        lesson = self.lesson
        return LessonView(
            name=lesson.name,
            title=lesson.title,
            place=self._place,
            text=tuple(paragraphs(lesson.text)),
            task=lesson.task.text,
            wishes=tuple(
                Wish(one.met, _words(one, bool(self.work.run))) for one in self._judgement.judged
            ),
            hints=lesson.hints[: self._hints],
            hints_in_all=HINTS,
            shown_hint=self._hint,
            trouble=self._judgement.trouble,
        )

    def judge(self) -> Judgement:
        """Judge the work as it is now."""
        self._judgement = judge(self.lesson, self.work.state(), self._judgement.kept)
        return self._judgement

    def note_try(self) -> None:
        """Count a try: what was asked for, the end of a training, or the solution."""
        if self.solved or self._judgement.tried:
            self._note(partial(self._progress.tried, self.lesson.name, solved=self.solved))

    def next_hint(self) -> None:
        """Show the next hint; after the last one the task, then the first one again."""
        self._hint = (self._hint + 1) % (HINTS + 1)
        if self._hint > self._hints:
            self._hints = self._hint
            self._note(partial(self._progress.hinted, self.lesson.name, self._hint))

    def show_solution(self) -> None:
        """Show the shipped solution from now on; progress tells that it was seen."""
        self.solution_shown = True
        self._note(partial(self._progress.saw_solution, self.lesson.name))

    def _note(self, keep: Callable[[], Attempt]) -> None:
        try:
            self.attempt = keep()
        except OSError as error:
            self.trouble = f"Progress is not kept: {self._progress.path}: {reason_of(error)}."


def _words(judged: Judged, trained: bool) -> str:
    """What the state says; as long as it says nothing, what is wanted and where it is seen.

    Views of other runs do not count, so one has to train first.
    """
    of = judged.condition.of
    if not judged.pending:
        return judged.words
    layer = f" of {of.layer}" if of.layer else ""
    first = "" if trained else "train, then "
    where = f": {first}open {of.view}{layer} in Inspect" if of.kind == "inspect" else ""
    return f"{judged.condition.text}{where}"
