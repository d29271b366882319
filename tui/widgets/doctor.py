"""The report on the network: its issues with their fixes, and its costs."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from textual import events
from textual.message import Message

from cnn_tui.engine.specs.report import Fix, Issue, Report
from cnn_tui.tui.rows import Line, unstyled
from cnn_tui.tui.widgets.lines import Lines, Shown
from cnn_tui.tui.words import clean, compact, count, fit, packed

LETTERS = "abcde"


class Doctor(Lines):
    """The issue of the selected layer, else the first one."""

    class FixRequested(Message):
        """A fix was clicked."""

        def __init__(self, letter: str) -> None:
            super().__init__()
            self.letter = letter

    report: Shown[Report | None] = Shown(None)
    chosen: Shown[int] = Shown(0)
    """The number of the selected layer, 0 for the network as a whole."""
    advice: Shown[tuple[str, ...]] = Shown(())
    """The text for a network without issues."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._offered: dict[str, Fix] = {}

    @property
    def issue(self) -> Issue | None:
        """The visible issue."""
        issues = self.report.issues if self.report else ()
        here = [issue for issue in issues if issue.layer == self.chosen]
        return next(iter((*here, *issues)), None)

    def fix(self, letter: str) -> Fix | None:
        """Return the fix with a letter, if it is visible."""
        return self._offered.get(letter)

    def lines(self, width: int, height: int) -> Sequence[Line]:
        issue = self.issue
        self._offered = {}
        if issue is None:
            return [unstyled(line) for words in self.advice for line in packed(words, width)]
        head = self._head(issue, width, max(2, height - len(issue.fixes)))
        self._offered = dict(zip(LETTERS[: height - len(head)], issue.fixes, strict=False))
        hidden = min(len(issue.fixes), len(LETTERS)) - len(self._offered)
        choices = [self._choice(*pair, width) for pair in self._offered.items()]
        if hidden and choices:
            words = f" (+{hidden} in a taller window)"
            choices[-1] = self._choice(*list(self._offered.items())[-1], width - len(words))
            choices[-1] += ((words, "dim"),)
        return [*head, *choices]

    def on_click(self, event: events.Click) -> None:
        _, at = self.place_of(event)
        line = self._rows[at] if 0 <= at < len(self._rows) else unstyled()
        letter = line[0][0].strip()
        if self.fix(letter):
            self.post_message(self.FixRequested(letter))

    def _head(self, issue: Issue, width: int, height: int) -> list[Line]:
        others = len(self.report.issues) - 1 if self.report else 0
        more = f" ({others} more)" if others else ""
        text = wrap(_without_advice(issue) + more, width - 2) or [""]
        if len(text) > height:
            text = [*text[: height - 1], fit(" ".join(text[height - 1 :]), width - 2)]
        first, *rest = text
        below: list[Line] = [(("  " + line, "strong"),) for line in rest]
        return [(("! ", "error"), (first, "strong")), *below]

    def _choice(self, letter: str, fix: Fix, width: int) -> Line:
        return ((f"  {letter}  ", "accent"), (fit(clean(fix.description), width - 5), ""))


def _without_advice(issue: Issue) -> str:
    """Return the message without its last sentence, which repeats the fixes below it."""
    return clean(issue.message.partition(" Try ")[0] if issue.fixes else issue.message)


class Totals(Lines):
    """Issues, parameters, multiply-adds and activations of the network."""

    report: Shown[Report | None] = Shown(None)
    batch_size: Shown[int] = Shown(1)
    weights: Shown[str] = Shown("")
    """The source of the trained weights that fit the network, if there are any."""

    def lines(self, width: int, height: int) -> Sequence[Line]:
        report = self.report
        if report is None:
            return []
        issues = len(report.issues)
        words = "fits" if report.valid else count(issues, "issue")
        state = (words, "good" if report.valid else "error")
        memory = sum(inner.activations for layer in report.layers for inner in layer.walk())
        memory *= 4 * self.batch_size
        parts = (
            f"{report.total_params:,} parameters",
            f"{compact(report.total_macs)} multiply-adds",
            f"{compact(memory)}B activations",
            *([f"weights of {self.weights}"] if self.weights else ()),
        )
        if not report.layers:
            state = ("empty", "dim")
        return [((" ", ""), state, (_joined(parts, width - len(state[0]) - 1), ""))]


def _joined(parts: tuple[str, ...], room: int) -> str:
    """Join as many parts as fit."""
    text = ""
    for part in parts:
        if len(text) + 3 + len(part) <= room:
            text += f"   {part}"
    return text
