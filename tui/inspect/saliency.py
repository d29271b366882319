"""Saliency: which pixels the score of a class depends on, with its sanity check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnn_tui.engine.insight.saliency import Saliency, saliency
from cnn_tui.engine.runs.watcher import Watcher
from cnn_tui.tui.inspect.canvas import Wanted, class_of
from cnn_tui.tui.inspect.row import Captioned, InRow, overlay
from cnn_tui.tui.terminal.half_blocks import Picture
from cnn_tui.tui.words import percent

if TYPE_CHECKING:
    from cnn_tui.engine.insight.subject import Subject


def compute(subject: Subject, wanted: Wanted, watcher: Watcher) -> SaliencySeen:
    """Differentiate the score of the class by the pixels."""
    example = subject.example(wanted.image)
    return SaliencySeen(saliency(subject, example, class_of(subject, wanted), wanted.seed))


@dataclass(frozen=True, eq=False)
class SaliencySeen(InRow):
    """The image, its map, and the map of the check."""

    found: Saliency

    @property
    def where(self) -> str:
        return of_class(self.found.classes[self.found.of_class], self.found.probability)

    @property
    def said(self) -> Sequence[str]:
        return (self.found.verdict, *filter(None, [self.found.example.note]))

    def to_json(self) -> object:
        return self.found.to_json()

    def pictures(self, colours: bool) -> list[Captioned]:
        found, image = self.found, self.found.example.pictures[0]
        scale, other = float(found.map.max()), float(found.check.max())
        over = [Captioned(overlay(image, found.map, scale), "over the image")] if colours else []
        return [
            Captioned(Picture(image), "the image"),
            Captioned(Picture(found.map[None], "map", scale), "saliency"),
            *over,
            Captioned(Picture(found.check[None], "map", other), "the check"),
        ]


def of_class(name: str, probability: float) -> str:
    """Say which class is looked at, and how likely it is."""
    return f'class "{name}", {percent(probability)}'
