"""A lesson as it is shown: its text, its task, and how far one is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from textwrap import wrap

from cnn_tui.tui.actions import commands
from cnn_tui.tui.command import key_word
from cnn_tui.tui.lesson_actions import LESSON
from cnn_tui.tui.rows import Line, Run
from cnn_tui.tui.words import clean, fit

_MOST_ROWS = 3
"""Rows of a task or a hint in the strip; F2 shows all of it."""
_MOST_WANTED = 2
"""Rows of conditions in the strip of a low screen: the first that is not met is whole."""
_TWO_COLUMNS = 100
"""Columns of a strip from which on the conditions stand beside the task."""
_FURTHER = " " * 8
"""Before what is left of a formula that is wider than its place."""


@dataclass(frozen=True)
class Wish:
    """A condition of the task."""

    met: bool
    words: str
    """The condition in words, or what the state has instead."""


@dataclass(frozen=True)
class LessonView:
    """A lesson that is under way."""

    name: str
    title: str
    place: str
    """The lesson's chapter, and its number among all."""
    text: tuple[str, ...]
    """The paragraphs of the lesson."""
    task: str
    wishes: tuple[Wish, ...] = ()
    hints: tuple[str, ...] = ()
    """The hints that were asked for."""
    hints_in_all: int = 3
    shown_hint: int = 0
    """The number of the hint that is shown in place of the task; 0 for none."""
    trouble: str = ""
    """The first thing that does not fit in the network, if it is not valid."""
    solved: str = ""
    """What leads on, once the task is solved; empty before."""

    @property
    def met(self) -> int:
        """The number of conditions that are met."""
        return sum(wish.met for wish in self.wishes)


def strip(view: LessonView, width: int, *, low: bool) -> list[Line]:
    """Return the rows of a lesson below the header: as few as will do on a low screen."""
    if low:
        asked = _asked(view, width, _MOST_ROWS)
        return [_bar(view, width), *asked, *_wanted(view, width, low=True)]
    if width < _TWO_COLUMNS:
        return [_bar(view, width), *_asked(view, width), *_wanted(view, width)]
    room = width // 2 - 1
    left, right = _asked(view, room), _wanted(view, width - room - 2)
    rows = max(len(left), len(right))
    left += [()] * (rows - len(left))
    right += [()] * (rows - len(right))
    return [
        _bar(view, width),
        *((*_padded(a, room), ("  ", ""), *b) for a, b in zip(left, right, strict=True)),
    ]


def beside(view: LessonView, width: int, height: int) -> list[Line]:
    """Return the rows of a lesson beside a wide screen; of a long text as many as there are for."""
    known = _keys(view)
    keys: list[Line] = [((f" {key:<4}", "accent"), (label, "dim")) for key, label in known]
    # What does not fit in the network is beside it already.
    task = _task(replace(view, trouble=""), width)
    head, text = _head(view, width), paragraphs(view.text, width)
    room = height - len(head) - len(task) - len(keys) - 1
    if len(text) > room:
        more: Line = ((f" ... {known[0][0]} shows the rest", "dim"),)
        text = [*text[: max(0, room - 2)], more, ()]
    return [*head, *text, *task, (), *keys]


def whole(view: LessonView, width: int) -> list[Line]:
    """Return everything that the lesson says, its task with the state, and the hints taken."""
    place: Line = ((f" {clean(view.place)}", "dim"),)
    return [place, (), *paragraphs(view.text, width), *_task(view, width)]


def task_row(view: LessonView, width: int) -> int:
    """Return the row of :func:`whole` with which the task begins."""
    return len(whole(view, width)) - len(_task(view, width))


def _head(view: LessonView, width: int) -> list[Line]:
    title: Line = ((fit(f" {clean(view.title)}", width), "bar strong"),)
    return [title, ((f" {clean(view.place)}", "dim"),), ()]


def _task(view: LessonView, width: int) -> list[Line]:
    rows = [
        *heading(f"task: {view.met} of {len(view.wishes)} met"),
        *filled(view.task, width, "strong"),
        (),
        *_wanted(view, width),
    ]
    if view.trouble:
        rows += [(), *filled(f"! {view.trouble}", width, "error")]
    if view.solved:
        rows += [(), *filled(f"Solved: {view.solved}", width, "good")]
    return rows + [
        line for at, hint in enumerate(view.hints, 1) for line in _hint(view, at, hint, width)
    ]


def paragraphs(texts: Sequence[str], width: int) -> list[Line]:
    """Return paragraphs with an empty row after each."""
    return [line for text in texts for line in (*filled(text, width), ())]


def heading(words: str) -> list[Line]:
    """Return the title of a part."""
    return [((f" {words}", "accent"),)]


def _bar(view: LessonView, width: int) -> Line:
    """Title and state, then as many keys as there is room for."""
    title = f" {clean(view.title)}"
    state = "  solved" if view.solved else f"  {view.met} of {len(view.wishes)} met"
    room = width - len(title) - len(state) - 4
    keys: list[Run] = []
    for key, label in _keys(view):
        if len(key) + len(label) + 1 > room:
            break
        room -= len(key) + len(label) + 3
        keys += [(key, "bar accent"), (f" {label}  ", "bar dim")]
    used = sum(len(text) for text, _ in keys)
    title = fit(title, min(len(title), width - len(state) - used))
    return (
        (title, "bar strong accent"),
        (fit(state, width - len(title) - used), "bar good" if view.solved else "bar"),
        *keys,
    )


def _keys(view: LessonView) -> list[tuple[str, str]]:
    """The keys of the lesson and what they are for."""
    labels = {"hint": f"hint {len(view.hints)}/{view.hints_in_all}"}
    return [
        (key_word(command), labels.get(command.label, command.label))
        for command in commands(LESSON)
    ]


def _asked(view: LessonView, width: int, most: int = 99) -> list[Line]:
    """The task, or the hint that was asked for last."""
    if view.solved:
        rows = filled(f"Solved: {view.solved}", width, "good")
    elif view.shown_hint:
        rows = _hint(view, view.shown_hint, view.hints[view.shown_hint - 1], width)[1:]
    else:
        rows = filled(view.task, width, "strong")
    if len(rows) > most:
        ((text, role),), ((more, _),) = rows[most - 1 : most + 1]
        rows = [*rows[: most - 1], ((fit(text + more, width - 1), role),)]
    return rows


def _hint(view: LessonView, at: int, hint: str, width: int) -> list[Line]:
    return [(), *filled(f"hint {at} of {view.hints_in_all}: {hint}", width)]


def _wanted(view: LessonView, width: int, *, low: bool = False) -> list[Line]:
    """Each condition; on a low screen those that are not met, as far as there is room."""
    wishes = sorted(view.wishes, key=lambda wish: wish.met) if low else view.wishes
    rows: list[Line] = []
    for wish in wishes:
        first, *rest = wrap(clean(wish.words), max(8, width - 6)) or [""]
        if low and (room := _MOST_WANTED - len(rows)) <= len(rest):
            if room == 0:
                break
            *lines, last = [first, *rest][: room + 1]
            first, *rest = [*lines[:-1], fit(f"{lines[-1]} {last}", width - 6)]
        mark: Run = (" [x] ", "good") if wish.met else (" [ ] ", "warn")
        rows += [(mark, (first, "dim" if wish.met else ""))]
        rows += [((f"     {line}", "dim" if wish.met else ""),) for line in rest]
    return rows


def filled(text: str, width: int, role: str = "") -> list[Line]:
    """Fill rows with a paragraph; one that begins with spaces, as a formula, keeps its lines."""
    room = max(8, width - 2)
    if text.startswith(" "):
        lines = [clean(line) for line in text.splitlines()]
        rows = [part for line in lines for part in wrap(line, room, subsequent_indent=_FURTHER)]
    else:
        rows = wrap(clean(text), room)
    return [((f" {row}", role),) for row in rows]


def _padded(line: Line, width: int) -> Line:
    used = sum(len(text) for text, _ in line)
    return (*line, (" " * max(0, width - used), line[-1][1] if line else ""))
