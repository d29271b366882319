"""The checks of a pre-flight as rows, finished and pending, and their verdict."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from cnn_tui.engine.specs.wording import listed
from cnn_tui.tui.rows import Line, bar
from cnn_tui.tui.words import clean

if TYPE_CHECKING:
    from cnn_tui.engine.training.checks.bench import CheckResult

_MARKS = {True: ("ok", "good"), False: ("WRONG", "error"), None: ("?", "warn")}
_MARK, _NAME, _BESIDE = 7, 15, 64
"""Columns of a mark and of a name; the width from which the name has its own column."""
_BAR = 24


def preflight_rows(
    names: Sequence[str],
    results: Sequence[CheckResult],
    width: int,
    height: int,
    *,
    seconds: float,
    over: bool,
    trouble: str = "",
) -> list[Line]:
    """Return rows for a window of ``width`` x ``height``; evidence only if there is room."""
    end = _end(names, results, width, seconds, over, trouble)
    room = height - len(end)
    rows: list[Line] = []
    for detailed in (results, [result for result in results if not result.passed], ()):
        rows = _checks(names, results, width, over, detailed)
        if len(rows) <= room:
            break
    if len(rows) > room and not end[0]:
        end, room = end[1:], room + 1  # without the blank line between
    return [*rows[: max(0, room)], *end]


def _checks(
    names: Sequence[str],
    results: Sequence[CheckResult],
    width: int,
    over: bool,
    detailed: Sequence[CheckResult],
) -> list[Line]:
    rows = [row for result in results for row in _made(result, width, evidence=result in detailed)]
    for place, name in enumerate(names[len(results) :]):
        under_way = place == 0 and not over
        rows.append(((f"{'...' if under_way else '':{_MARK}}", "accent"), (name, "dim")))
    return rows


def _made(result: CheckResult, width: int, *, evidence: bool) -> list[Line]:
    mark, role = _MARKS[result.passed]
    beside = width >= _BESIDE
    indent = _MARK + (_NAME if beside else 0)
    words = clean(result.message) if beside else f"{result.name}: {clean(result.message)}"
    first, *rest = wrap(words, max(8, width - indent)) or [""]
    name = f"{result.name:{_NAME}}" if beside else ""
    shown = "" if result.passed else role
    rows: list[Line] = [((f"{mark:{_MARK}}", role), (name, "strong"), (first, shown))]
    rows += [((" " * indent + line, shown),) for line in rest]
    if evidence:
        lines = wrap(clean("; ".join(result.evidence)), max(8, width - indent))
        rows += [((" " * indent + line, "dim"),) for line in lines]
    return rows


def _end(
    names: Sequence[str],
    results: Sequence[CheckResult],
    width: int,
    seconds: float,
    over: bool,
    trouble: str,
) -> list[Line]:
    """Return the progress and the verdict."""
    if trouble:
        return [(), *(((line, "error"),) for line in wrap(trouble, max(8, width)))]
    if not names:
        return [(("reading the data ...", "dim"),)]
    share = len(results) / len(names)
    done = (f"   {len(results)} of {len(names)}   {seconds:.1f} s", "dim")
    rows: list[Line] = [(), (*bar(share, _BAR), done)]
    if over:
        words, role = _verdict(names, results)
        rows += [((line, role),) for line in wrap(words, max(8, width))]
    return rows


def _verdict(names: Sequence[str], results: Sequence[CheckResult]) -> tuple[str, str]:
    wrong = [result.name for result in results if result.passed is False]
    open_ = [result.name for result in results if result.passed is None]
    left = len(names) - len(results)
    if wrong:
        verb = "is" if len(wrong) == 1 else "are"
        return f"{listed(wrong, 'and')} {verb} wrong.", "error"
    if left:
        return f"Stopped: {left} of {len(names)} were not checked.", "warn"
    if open_:
        return f"No check failed, but there was no time for {listed(open_, 'and')}.", "warn"
    return "All checks passed: this network can be trained on this data.", "good"
