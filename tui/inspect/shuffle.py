"""Shuffle: what is left of a ConvNet's advantage when pixels lose their neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnn_tui.engine.insight.shuffle import ShuffleTest, shuffle
from cnn_tui.engine.runs.watcher import Watcher
from cnn_tui.tui.inspect.canvas import (
    Canvas,
    Drawn,
    Seen,
    Wanted,
    paged,
    runs_beside,
)
from cnn_tui.tui.rows import Line
from cnn_tui.tui.words import clean, fit, percent

if TYPE_CHECKING:
    from cnn_tui.engine.insight.subject import Subject

_BAR, _LEAST_BAR, _NAME = 24, 8, 12
"""Columns of a bar, and if the names of the runs are long; and of the names of the data."""


def compute(subject: Subject, wanted: Wanted, watcher: Watcher) -> ShuffleSeen:
    """Train both networks on both forms of the data, unless the runs are there."""
    root, data_dir = runs_beside(wanted)
    return ShuffleSeen(
        shuffle(
            subject,
            root,
            data_dir=data_dir,
            seed=wanted.seed,
            watcher=watcher,
        )
    )


@dataclass(frozen=True, eq=False)
class ShuffleSeen(Seen):
    """The accuracies as bars; the scale begins below the lowest of them."""

    found: ShuffleTest

    @property
    def said(self) -> Sequence[str]:
        conv, dense = self.found.rows
        gain = 100 * (conv.original - dense.original)
        left = 100 * (conv.shuffled - dense.shuffled)
        return (
            f"With pixels in their places the ConvNet is {gain:+.1f} points from the fully "
            f"connected network, shuffled {left:+.1f}: that part of its advantage came from "
            "neighbourhood.",
        )

    def drawn(self, canvas: Canvas) -> Drawn:
        low = min(min(row.original, row.shuffled) for row in self.found.rows)
        start = max(0.0, int(low * 20 - 0.5) / 20)
        longest = max(len(run) for row in self.found.rows for run in row.runs)
        most = max(_LEAST_BAR, min(_BAR, canvas.width - _NAME - 12 - longest))
        lines: list[Line] = [
            ((f" bars from {start:.0%} to 100%, {self.found.images:,} test images", "dim"),)
        ]
        for row in self.found.rows:
            name = f"{clean(row.name)}, {row.params:,} parameters"
            lines += [(), ((f" {name}", "strong"),)]
            for label, share, run in zip(
                ("as they are", "shuffled"), (row.original, row.shuffled), row.runs, strict=True
            ):
                length = round((share - start) / (1 - start) * most)
                text = f"  {fit(label, _NAME)} {percent(share):>6}  "
                bar = ("━" * length, "accent" if label != "shuffled" else "warn")
                behind = " " * (most - length + 1)
                room = canvas.width - len(text) - most - 1
                words = fit(clean(run), max(0, min(len(run), room)))
                lines.append(((text, ""), bar, (behind + words, "dim")))
        return paged(lines, canvas)

    def to_json(self) -> object:
        return self.found.to_json()
