"""One image, three models: what a linear classifier, a two-layer net and the network see in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cnn_tui.engine.insight.compare import Comparison, Decision, compare
from cnn_tui.engine.runs.watcher import Watcher
from cnn_tui.tui.inspect.canvas import (
    Canvas,
    Drawn,
    Seen,
    Wanted,
    aligned,
    paged,
    runs_beside,
)
from cnn_tui.tui.inspect.row import Captioned, beside, draw_row
from cnn_tui.tui.terminal.half_blocks import Picture
from cnn_tui.tui.words import clean, percent

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cnn_tui.engine.insight.subject import Subject

_TOP = 2


def compute(subject: Subject, wanted: Wanted, watcher: Watcher) -> CompareSeen:
    """Train the simpler models, unless their runs are there, and ask all three."""
    root, data_dir = runs_beside(wanted)
    example = subject.example(wanted.image)
    return CompareSeen(compare(subject, example, root, data_dir=data_dir, watcher=watcher))


@dataclass(frozen=True, eq=False)
class CompareSeen(Seen):
    """The image, what counts in it for each model, and what each says."""

    found: Comparison

    @property
    def where(self) -> str:
        target = int(self.found.example.targets[0])
        return f'"{self.found.classes[target]}"' if target >= 0 else ""

    @property
    def said(self) -> Sequence[str]:
        names = [self.found.classes[decision.chosen] for decision in self.found.decisions]
        agree = "All three agree" if len(set(names)) == 1 else "They do not agree"
        said = ", ".join(
            f'{clean(decision.name)} says "{clean(name)}"'
            for decision, name in zip(self.found.decisions, names, strict=True)
        )
        return (
            f"{agree}: {said}.",
            "The pictures are the slope of the score by each pixel: of the linear one its "
            "template, the same for every image.",
            *filter(None, [self.found.example.note]),
        )

    def drawn(self, canvas: Canvas) -> Drawn:
        header = ("model", "parameters", "first", "second", "run")
        rows = [self._row(decision) for decision in self.found.decisions]
        table = aligned(header, rows)
        if max(len(text) for line in table for text, _ in line) > canvas.width:
            # The names of the runs are those of the models, with a number.
            table = aligned(header[:-1], [row[:-1] for row in rows], width=canvas.width)
        room = canvas.below(len(table) + 1)
        return paged([*draw_row(self._pictures(), room), (), *table], canvas)

    def to_json(self) -> object:
        return self.found.to_json()

    def pixels(self) -> NDArray[np.uint8] | None:
        return beside(self._pictures())

    def _pictures(self) -> list[Captioned]:
        image = Captioned(Picture(self.found.example.pictures[0]), "the image")
        return [image, *map(_template, self.found.decisions)]

    def _row(self, decision: Decision) -> tuple[str, ...]:
        shares = decision.probabilities
        best = np.argsort(-shares, kind="stable")[:_TOP].tolist()
        top = [f"{clean(self.found.classes[at])} {percent(float(shares[at]))}" for at in best]
        top += [""] * (_TOP - len(top))
        return (clean(decision.name), f"{decision.params:,}", *top, clean(decision.run))


def _template(decision: Decision) -> Captioned:
    slopes = decision.template.mean(0, keepdims=True)
    scale = float(np.abs(slopes).max())
    return Captioned(Picture(slopes, "signed", scale), f"±{scale:.2g} {decision.name}")
