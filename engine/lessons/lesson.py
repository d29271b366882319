"""The parts of a lesson; :mod:`reading` reads them from a file."""

from __future__ import annotations

from typing import Literal, NamedTuple

from cnn_tui.engine.specs.network import Network

Where = Literal["build", "train", "inspect"]
"""The screen on which a task begins; where it leads follows from its conditions."""
HINTS = 3


Kind = Literal["check", "network", "train", "trained", "inspect"]
"""``check`` and ``network`` are about the network in Build, ``train`` about the events of the last
run, ``trained`` about the network of that run, and ``inspect`` about what a view shows of it."""


class JSONSource(NamedTuple):
    """The JSON that a condition is about: its kind, and of ``inspect`` the view and the layer."""

    kind: Kind
    view: str = ""
    layer: str = ""
    """The layer that the view is asked for; empty for the first that it can show."""


class Condition(NamedTuple):
    """A condition of a task: a value in JSON, and what it has to be."""

    text: str
    """The condition in words, in a line."""
    of: JSONSource
    path: tuple[str, ...]
    operator: str
    """A name of :data:`~cnn_tui.engine.lessons.operators.OPERATORS`."""
    wanted: object
    answer: str
    """The answer if the condition does not hold; ``{value}`` is the value found."""
    take: str = ""
    """How several values become one: their count, sum, mean, smallest or largest."""
    absent: str = ""
    """The answer if there is no such value; empty for the usual one."""
    once: str = ""
    """A word; the condition stays met once all conditions of that word were met together: for what
    is to be reached on the way."""


class Task(NamedTuple):
    """The task of a lesson: its text and its conditions."""

    text: str
    where: Where
    conditions: tuple[Condition, ...]


class Lesson(NamedTuple):
    """A lesson; its texts are paragraphs, with an empty line between them."""

    name: str
    title: str
    chapter: str
    minutes: int
    text: str
    start: Network
    task: Task
    hints: tuple[str, ...]
    why: str
    """Shown when the task is solved."""
    solutions: tuple[Network, ...] = ()
    """Networks with recipes that solve the task in turn; the last is the one to show."""
    fast: bool = False
    """Whether the fast track asks this lesson of its chapter."""

    @property
    def solution(self) -> Network | None:
        """The network to show beside one's own."""
        return self.solutions[-1] if self.solutions else None

    @property
    def trains(self) -> bool:
        """Whether a training is needed to solve the task."""
        return any(one.of.kind in ("train", "trained", "inspect") for one in self.task.conditions)

    @property
    def views(self) -> tuple[JSONSource, ...]:
        """The views of Inspect that its conditions are about."""
        views = (one.of for one in self.task.conditions if one.of.kind == "inspect")
        return tuple(dict.fromkeys(views))


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a text; one that begins with spaces keeps its lines, as a formula does."""
    blocks = text.strip("\n").split("\n\n")
    return [
        block.rstrip() if block.startswith(" ") else " ".join(block.split())
        for block in blocks
        if block.strip()
    ]
