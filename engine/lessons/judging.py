"""Decides whether a task is solved, and says what the state of the work says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from functools import lru_cache
from typing import Any, NamedTuple

from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.lessons.documents import JSON, network_json, report_json
from cnn_tui.engine.lessons.lesson import Condition, JSONSource, Lesson
from cnn_tui.engine.lessons.operators import OPERATORS, TAKES
from cnn_tui.engine.lessons.values import AbsentError, percent_words, value_at, value_words
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.wording import show


def _nothing(*of: str) -> None:
    return None


class State:
    """The state of the work: the network, its last run, and the views of that run.

    Args:
        network: as it is in Build.
        run: gives the events of the run as ``documents.events_json`` does, or None before a run.
        trained: gives the network of the run, or None before a run.
        view: gives the JSON of a view of Inspect on that run, by the names of view and layer
            (empty for the first one), or None if it was not looked at; may raise a CnnTuiError.
    """

    def __init__(
        self,
        network: Network,
        run: Callable[[], JSON | None] = _nothing,
        trained: Callable[[], Network | None] = _nothing,
        view: Callable[[str, str], JSON | None] = _nothing,
    ) -> None:
        self.network, self._run, self._trained, self._view = network, run, trained, view
        self._known: dict[JSONSource, JSON | None] = {}

    def document(self, source: JSONSource) -> JSON | None:
        """The JSON that a condition is about, made on first use; None if there is none yet.

        Raises:
            CnnTuiError: if a view cannot be computed.
        """
        if source not in self._known:
            self._known[source] = self._made(source)
        return self._known[source]

    def _made(self, source: JSONSource) -> JSON | None:
        match source.kind:
            case "check":
                return report_json(self.network)
            case "network":
                return network_json(self.network)
            case "train":
                return self._run()
            case "trained":
                trained = self._trained()
                return None if trained is None else network_json(trained)
            case "inspect":
                return self._view(source.view, source.layer)


class Judged(NamedTuple):
    """Whether one condition is met, and what was found."""

    condition: Condition
    met: bool
    words: str
    """The text of the condition if it is met, else what the state has instead."""
    value: JSON = None
    pending: bool = False
    """Whether nothing is known yet: no training, a view that was not opened, or another run."""
    misfit: str = ""
    """Why the condition cannot hold of such a value: a mistake of the lesson, not of the work."""


class Judgement(NamedTuple):
    """Which conditions of a task are met."""

    judged: tuple[Judged, ...]
    trouble: str = ""
    """The first thing that does not fit in the network, if it is not valid."""

    @property
    def solved(self) -> bool:
        """Whether all conditions are met."""
        return all(one.met for one in self.judged)

    @property
    def kept(self) -> frozenset[int]:
        """The positions of the conditions to be handed to the next call of :func:`judge`."""
        missed = {one.condition.once for one in self.judged if not one.met}
        return frozenset(
            number
            for number, one in enumerate(self.judged)
            if one.condition.once and one.condition.once not in missed
        )

    @property
    def tried(self) -> bool:
        """Whether this is a try: the task is solved, or a condition is known not to be met."""
        return self.solved or any(not one.met and not one.pending for one in self.judged)


def judge(lesson: Lesson, state: State, kept: Set[int] = frozenset()) -> Judgement:
    """Compare the state of the work with the conditions of a lesson.

    Args:
        lesson: the lesson.
        state: what there is now; only what the conditions are about is computed.
        kept: :attr:`Judgement.kept` of the judgement before, for what has to be seen only once.
    """
    judged = (
        Judged(one, True, one.text) if number in kept else _found(one, state, lesson.start)
        for number, one in enumerate(lesson.task.conditions)
    )
    return Judgement(tuple(_one_by_one(judged)), _trouble(lesson, state))


def _one_by_one(judged: Iterable[Judged]) -> Iterator[Judged]:
    """Treat conditions that are met together as open from the first open one on.

    They are about the run that the first ones describe, and this is another.
    """
    open_words = set[str]()
    for one in judged:
        word = one.condition.once
        if word in open_words:
            yield one._replace(met=False, words=one.condition.text, pending=True)
            continue
        if word and not one.met:
            open_words.add(word)
        yield one


def is_solved_at_start(lesson: Lesson) -> bool:
    """Whether nothing is left to do: the network that a lesson begins with meets all conditions."""
    return judge(lesson, State(lesson.start)).solved


def _trouble(lesson: Lesson, state: State) -> str:
    if all(one.of.kind == "inspect" for one in lesson.task.conditions):
        return ""
    report = state.document(JSONSource("check"))
    return str(report["issues"][0]["message"]) if report and report["issues"] else ""


def _found(condition: Condition, state: State, start: Network) -> Judged:
    try:
        document = state.document(condition.of)
    except CnnTuiError as error:
        return Judged(condition, False, str(error))
    if document is None:
        return Judged(condition, False, _pending(condition.of), pending=True)
    try:
        value = _taken(document, condition)
    except (AbsentError, TypeError) as error:
        misfit = f"{condition.take} takes a list of numbers" if type(error) is TypeError else ""
        absent = _said(condition, None, None, absent=True)
        return Judged(condition, False, absent, misfit=misfit)
    first = _at_start(condition, start)
    try:
        met = _holds(condition, value, first)
    except TypeError:
        odd = isinstance(value, str | list | dict)
        misfit = f"{condition.operator} cannot compare {show(value)}" if odd else ""
        return Judged(condition, False, _said(condition, value, first), value, misfit=misfit)
    return Judged(condition, met, condition.text if met else _said(condition, value, first), value)


def _taken(document: JSON, condition: Condition) -> JSON:
    value = value_at(document, condition.path)
    if not condition.take:
        return value
    if not isinstance(value, list):
        raise AbsentError
    return TAKES[condition.take](value)


def _at_start(condition: Condition, start: Network) -> JSON:
    if condition.of.kind not in ("check", "network"):
        return None
    try:
        return _taken(_start_document(start, condition.of.kind), condition)
    except (AbsentError, TypeError):
        return None


@lru_cache(maxsize=8)
def _start_document(start: Network, kind: str) -> JSON:
    return State(start).document(JSONSource("network" if kind == "network" else "check"))


def _holds(condition: Condition, value: Any, first: Any) -> bool:
    """Whether a condition holds; of values of another type it is a TypeError."""
    operator, wanted = OPERATORS[condition.operator], condition.wanted
    if operator.at_start:
        wanted = first * wanted
    return operator.holds(value, wanted)


def _pending(source: JSONSource) -> str:
    if source.kind == "inspect":
        of = f" of {source.layer}" if source.layer else ""
        return f"not known yet: train, then look at {source.view}{of} in Inspect"
    return "not known yet: nothing has been trained"


WORDS: Mapping[str, Callable[[JSON, JSON, JSON], str]] = {
    "value": lambda value, wanted, first: value_words(value),
    "percent": lambda value, wanted, first: percent_words(value),
    "wanted": lambda value, wanted, first: value_words(wanted),
    "start": lambda value, wanted, first: value_words(first),
}
"""What stands in braces in an answer: what was found, as it is or in percent, what was wanted, and
what the start network has."""


def _said(condition: Condition, value: JSON, first: JSON, *, absent: bool = False) -> str:
    text = (absent and condition.absent) or condition.answer
    for name, words in WORDS.items():
        text = text.replace(f"{{{name}}}", words(value, condition.wanted, first))
    return text
