"""Occlusion: how likely the class remains with each part of the image covered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cnn_tui.engine.insight.occlusion import Occlusion, occlusion
from cnn_tui.engine.runs.watcher import Watcher
from cnn_tui.tui.inspect.canvas import Wanted, class_of
from cnn_tui.tui.inspect.row import Captioned, InRow, overlay
from cnn_tui.tui.inspect.saliency import of_class
from cnn_tui.tui.terminal.half_blocks import Picture
from cnn_tui.tui.words import percent

if TYPE_CHECKING:
    from cnn_tui.engine.insight.subject import Subject


def compute(subject: Subject, wanted: Wanted, watcher: Watcher) -> OcclusionSeen:
    """Cover each part in turn."""
    example, chosen = subject.example(wanted.image), class_of(subject, wanted)
    found = occlusion(subject, example, chosen, watcher=watcher)
    return OcclusionSeen(found)


@dataclass(frozen=True, eq=False)
class OcclusionSeen(InRow):
    """The image, and what each part of it is worth."""

    found: Occlusion

    @property
    def where(self) -> str:
        return of_class(self.found.classes[self.found.of_class], self.found.probability)

    @property
    def said(self) -> Sequence[str]:
        found = self.found
        row, column = np.unravel_index(int(found.map.argmin()), found.map.shape)
        least = float(found.map[row, column])
        patch = f"{found.patch}x{found.patch}"
        top, left = int(row) * found.stride, int(column) * found.stride
        if least >= found.probability:
            text = f"No patch of {patch} makes this class less likely."
        else:
            text = (
                f"A patch of {patch} at row {top}, column {left} hurts most: "
                f"{percent(found.probability)} becomes {percent(least)}."
            )
        return (text, *filter(None, [found.example.note]))

    def to_json(self) -> object:
        return self.found.to_json()

    def pictures(self, colours: bool) -> list[Captioned]:
        found, image = self.found, self.found.example.pictures[0]
        loss = np.clip(found.probability - found.map, 0, None)
        scale = float(loss.max()) or 1.0
        # Each place of the map is the middle of its patch.
        heat = np.zeros(image.shape[1:])
        shift = (found.patch - 1) // 2
        tall, wide = found.map.shape[0] * found.stride, found.map.shape[1] * found.stride
        stretched = loss.repeat(found.stride, 0).repeat(found.stride, 1)
        seen = stretched[: heat.shape[0] - shift, : heat.shape[1] - shift]
        heat[shift : shift + tall, shift : shift + wide] = seen
        over = [Captioned(overlay(image, heat, scale), "over the image")] if colours else []
        return [
            Captioned(Picture(image), "the image"),
            Captioned(Picture(heat[None], "map", scale), "loss if covered"),
            *over,
        ]
