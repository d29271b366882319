"""The report on the network: its issues with their fixes, and its costs."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from textual import events
from textual.css.scalar import Scalar
from textual.message import Message

from cnn_tui.engine.specs.inside import Place, place_of
from cnn_tui.engine.specs.report import Fix, Issue, Report
from cnn_tui.tui.rows import Line, unstyled
from cnn_tui.tui.widgets.lines import Lines, Shown
from cnn_tui.tui.words import clean, compact, count, fit, packed

LETTERS = "abcde"


class Doctor(Lines):
    """The issue of the selected layer or of its block, else the first one."""

    class FixRequested(Message):
        """A fix was clicked."""

        def __init__(self, letter: str) -> None:
            super().__init__()
            self.letter = letter

    report: Shown[Report | None] = Shown(None)
    chosen: Shown[Place] = Shown(())
    """The place of the selected layer, empty for the network as a whole."""
    advice: Shown[tuple[str, ...]] = Shown(())
    """The text for a network without issues."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._offered: dict[str, Fix] = {}

    @property
    def issue(self) -> Issue | None:
        """The visible issue."""
        issues = self.report.issues if self.report else ()
        return min(issues, key=self._distance, default=None)

    def _distance(self, issue: Issue) -> tuple[bool, bool]:
        """First the issue of the selected layer, then one of the block around it."""
        place = place_of(issue.path)
        return place != self.chosen, place[:1] != self.chosen[:1]

    def fix(self, letter: str) -> Fix | None:
        """Return the fix with a letter, if it is visible."""
        return self._offered.get(letter)

    def redraw(self) -> None:
        """Draw, with a row for each line of an issue; without one the height is the style's."""
        width, parts = self.content_size.width, 3 if self.screen.has_class("-taught") else 2
        most = self.screen.size.height // parts  # a lesson needs rows as well
        needed = len(self._all_lines(width)) if width and self.issue else 0
        if self.styles.min_height != (wanted := Scalar.from_number(min(needed, most))):
            self.styles.min_height = wanted
        super().redraw()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        if self.issue is None:
            self._offered = {}
            return [unstyled(line) for words in self.advice for line in packed(words, width)]
        whole = self._all_lines(width)
        if len(whole) <= height:
            return whole
        head = self._head(self.issue, width, max(1, height - len(self._offered)))
        choices: list[Line] = [
            ((f"  {letter}  ", "accent"), (fit(clean(fix.description), width - 5), ""))
            for letter, fix in self._offered.items()
        ]
        return [*head, *choices]

    def _all_lines(self, width: int) -> list[Line]:
        """The issue and all of its fixes, in as many rows as they need."""
        issue = self.issue
        assert issue is not None
        self._offered = dict(zip(LETTERS, issue.fixes, strict=False))
        choices = (line for pair in self._offered.items() for line in _choice(*pair, width))
        return [*self._head(issue, width, len(issue.message)), *choices]

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


def _choice(letter: str, fix: Fix, width: int) -> list[Line]:
    first, *rest = wrap(clean(fix.description), max(1, width - 5)) or [""]
    begin: Line = ((f"  {letter}  ", "accent"), (first, ""))
    return [begin, *(((f"     {line}", ""),) for line in rest)]


def _without_advice(issue: Issue) -> str:
    """Return the message without its last sentence, which repeats the fixes below it."""
    return clean(issue.message.partition(" Try: ")[0] if issue.fixes else issue.message)


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
        known = report.known_layers
        inner = (inner for layer in known for inner in layer.walk())
        # What repeated layers give is the output of the last of them.
        memory = sum(layer.activations for layer in inner if layer.type != "repeat")
        memory *= 4 * self.batch_size
        images = "image" if self.batch_size == 1 else f"batch of {self.batch_size}"
        whole = len(known) == len(report.layers)
        parts = (
            ("" if whole else f"up to layer {len(known)}: ")
            + f"{sum(layer.params for layer in known):,} parameters",
            f"{compact(sum(layer.macs for layer in known))} MACs/image",
            f"{compact(memory)}B activations/{images}",
            *([f"weights of {self.weights}"] if self.weights else ()),
        )
        if not known:
            parts = ("nothing is known from layer 1 on",)
        if not report.layers:
            state, parts = ("no layers", "dim"), ()
        return [((" ", ""), state, (_joined(parts, width - len(state[0]) - 1), ""))]


def _joined(parts: tuple[str, ...], room: int) -> str:
    """Join as many parts as fit."""
    text = ""
    for part in parts:
        if len(text) + 3 + len(part) <= room:
            text += f"   {part}"
    return text
