"""Mistakes: the images that are classified wrongly, the largest loss first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from cnn_tui.engine.insight.confusion import Confusion, Mistake, confusion
from cnn_tui.engine.insight.examples import Examples
from cnn_tui.engine.runs.watcher import Watcher
from cnn_tui.tui.inspect.canvas import Canvas, Drawn, Seen, Wanted
from cnn_tui.tui.inspect.sheet import Tile, contact_sheet, draw_sheet
from cnn_tui.tui.rows import Line
from cnn_tui.tui.terminal.half_blocks import Picture
from cnn_tui.tui.words import clean, percent

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cnn_tui.engine.insight.subject import Subject

MOST = 200


def compute(subject: Subject, wanted: Wanted, watcher: Watcher) -> MistakesSeen:
    """Classify the validation split, and read the pictures of what is wrong."""
    found = confusion(subject, watcher=watcher)
    worst = [
        mistake
        for mistake in found.mistakes(len(found.targets))
        if wanted.pair in (None, (mistake.target, mistake.chosen))
    ][:MOST]
    indices = np.array([mistake.index for mistake in worst], np.int64)
    pictures = subject.eye.examples(subject.require_data().val, indices)
    return MistakesSeen(found, tuple(worst), pictures, wanted.pair)


@dataclass(frozen=True, eq=False)
class MistakesSeen(Seen):
    """The pictures, each with the right class and the given one."""

    found: Confusion
    worst: tuple[Mistake, ...]
    examples: Examples
    pair: tuple[int, int] | None

    @property
    def where(self) -> str:
        if self.pair is None:
            return ""
        target, chosen = self.pair
        return f'"{self.found.classes[target]}" taken for "{self.found.classes[chosen]}"'

    @property
    def said(self) -> Sequence[str]:
        wrong = int((self.found.chosen != self.found.targets).sum())
        total = len(self.found.targets)
        if not wrong:
            return (f"All {total:,} images of the validation split are right.",)
        if not self.worst:
            return (f"No such mistake among {total:,} images of the validation split.",)
        shown, few = "", len(self.worst)
        if few < wrong:
            shown = "; the worst is here" if few == 1 else f"; the {few} worst are here"
        if self.pair is not None:
            shown = f", {few} of them in this way"
        first = self.worst[0]
        top = ", ".join(f'"{self._name(label)}" {percent(share)}' for label, share in first.top)
        return (
            f"{wrong:,} of {total:,} images of the validation split are wrong{shown}.",
            f'The worst, image {first.index}: a "{self._name(first.target)}", loss '
            f"{first.loss:.2f}; the network says {top}.",
        )

    def drawn(self, canvas: Canvas) -> Drawn:
        if not self.worst:
            return Drawn([((" no mistakes", "dim"),)])
        drawn = draw_sheet(self._tiles, canvas.below(1))
        # On one page they stand by their numbers.
        order = ", largest first" if drawn.pages > 1 else ""
        words = f" image, right class > given class, loss{order}"
        head: Line = ((words, "dim"),)
        return Drawn([head, *drawn.lines], drawn.pages, drawn.order, drawn.on_a_page)

    def to_json(self) -> object:
        return self.found.mistakes_json()

    def pixels(self) -> NDArray[np.uint8] | None:
        return contact_sheet(self._tiles) if self.worst else None

    @cached_property
    def _tiles(self) -> list[Tile]:
        return [
            Tile(
                mistake.index,
                Picture(picture),
                f"{self._name(mistake.target)}>{self._name(mistake.chosen)} {mistake.loss:.1f}",
            )
            for mistake, picture in zip(self.worst, self.examples.pictures, strict=True)
        ]

    def _name(self, label: int) -> str:
        return clean(self.found.classes[label])
