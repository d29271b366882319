"""Confusion: which class is taken for which, and how well each is found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnn_tui.engine.insight.confusion import ClassFigures, Confusion, confusion, worst_pairs
from cnn_tui.engine.runs.watcher import Watcher
from cnn_tui.tui.inspect.canvas import Canvas, Drawn, Seen, Wanted, paged
from cnn_tui.tui.rows import Line
from cnn_tui.tui.terminal.link import Form
from cnn_tui.tui.words import clean, count, fit, percent

if TYPE_CHECKING:
    from cnn_tui.engine.insight.subject import Subject

_NAME = 10
_MOST_PAIRS = 40
_GROUNDS = ("#262626", "#3a2f26", "#5f4326", "#8a5a22", "#b8741c")
"""Grounds of mistakes from few to many."""
_RIGHT = "#1f4a6b"
_SHADES = " .:*#"


def compute(subject: Subject, wanted: Wanted, watcher: Watcher) -> ConfusionSeen:
    """Classify the validation split."""
    found = confusion(subject, watcher=watcher)
    return ConfusionSeen(found)


@dataclass(frozen=True, eq=False)
class ConfusionSeen(Seen):
    """The matrix with shaded cells, then the figures of each class."""

    found: Confusion

    @property
    def said(self) -> Sequence[str]:
        found = self.found
        wrong = round((1 - found.accuracy) * len(found.targets))
        text = (
            f"{percent(found.accuracy)} of {len(found.targets):,} images of the validation split "
            f"are right, {wrong:,} wrong."
        )
        pairs = worst_pairs(found, 1)
        if not pairs:
            return (text,)
        target, chosen, images = pairs[0]
        names = found.classes[target], found.classes[chosen]
        times = count(images, "time")
        return (f'{text} Most often "{names[0]}" is taken for "{names[1]}": {times}.',)

    def drawn(self, canvas: Canvas) -> Drawn:
        width = max(4, len(f"{self.found.matrix.max():,}") + 2)
        if _NAME + 2 + width * len(self.found.classes) < canvas.width:
            lines = self._matrix(width, canvas.form, canvas.chosen)
        else:
            lines = self._pairs(canvas.chosen)
        lines += [(), *_table(self.found.per_class())]
        drawn = paged(lines, canvas)
        return Drawn(drawn.lines, drawn.pages, self._order(), len(self._order()) or 1)

    def to_json(self) -> object:
        return self.found.to_json()

    def pair(self, cell: int) -> tuple[int, int]:
        """Return the true class and the given one of a cell of the matrix."""
        return divmod(cell, len(self.found.classes))

    def _order(self) -> list[int]:
        """The cells with mistakes, the most frequent first, for a cursor."""
        size = len(self.found.classes)
        return [row * size + column for row, column, _ in worst_pairs(self.found, _MOST_PAIRS)]

    def _matrix(self, width: int, form: Form, chosen: int | None) -> list[Line]:
        names = self.found.classes
        matrix = self.found.matrix
        most = max([1, *(times for _, _, times in worst_pairs(self.found, 1))])
        heads = "".join(f"{fit(clean(name), width - 1).strip():>{width - 1}} " for name in names)
        lines: list[Line] = [
            ((f" {'true':<{_NAME}} {'given class':<{len(heads)}}", "dim"),),
            ((f" {'':<{_NAME}}{heads}", "dim"),),
        ]
        for row, name in enumerate(names):
            parts: list[tuple[str, str]] = [(f" {fit(clean(name), _NAME)}", "")]
            for column, number in enumerate(matrix[row].tolist()):
                cell = row * len(names) + column
                parts.append(_cell(number, most, row == column, width, form, cell == chosen))
            # The rest of a row has the ground of its last part.
            lines.append((*parts, ("", "")))
        return lines

    def _pairs(self, chosen: int | None) -> list[Line]:
        names, size = self.found.classes, len(self.found.classes)
        lines: list[Line] = [((f" {'true class':<24} {'taken for':<24} images", "dim"),)]
        for row, column, times in worst_pairs(self.found, _MOST_PAIRS):
            role = "cursor" if row * size + column == chosen else ""
            pair = f" {fit(clean(names[row]), 24)} {fit(clean(names[column]), 24)} {times:>6,}"
            lines.append(((pair, role),))
        return lines


def _cell(
    number: int, most: int, right: bool, width: int, form: Form, chosen: bool
) -> tuple[str, str]:
    text = f"{number:,}" if number else "."
    step = 0 if not number else 1 + min(3, int(number / most * 3.999))
    if chosen:
        return (f">{text} ".rjust(width), "cursor")
    if form == "blocks":
        ground = f"#ffffff/{_RIGHT if right else _GROUNDS[step]}"
        return (f"{text} ".rjust(width), ground if number else "faint")
    shade = " " if right else _SHADES[step]
    return (f"{text}{shade}".rjust(width), "strong" if right else "warn" if number else "faint")


def _table(figures: Sequence[ClassFigures]) -> list[Line]:
    head: Line = ((f" {'class':<{_NAME}} precision  recall  images", "dim"),)
    return [head, *map(_class_line, figures)]


def _class_line(each: ClassFigures) -> Line:
    figures = f"{_share(each.precision):>10} {_share(each.recall):>7} {each.support:>7,}"
    return ((f" {fit(clean(each.name), _NAME)}", ""), (figures, ""))


def _share(share: float | None) -> str:
    return "-" if share is None else percent(share)
