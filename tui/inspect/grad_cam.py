"""Grad-CAM: which part of a conv layer's output the score of a class rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnn_tui.engine.insight.grad_cam import GradCam, grad_cam
from cnn_tui.engine.runs.watcher import Watcher
from cnn_tui.tui.inspect.canvas import Wanted, class_of
from cnn_tui.tui.inspect.row import Captioned, InRow, overlay, stretched
from cnn_tui.tui.terminal.half_blocks import Picture
from cnn_tui.tui.words import count

if TYPE_CHECKING:
    from cnn_tui.engine.insight.subject import Subject


def compute(subject: Subject, wanted: Wanted, watcher: Watcher) -> GradCamSeen:
    """Weight the maps of the layer by the gradient of the score."""
    example = subject.example(wanted.image)
    return GradCamSeen(grad_cam(subject, example, wanted.layer, class_of(subject, wanted)))


@dataclass(frozen=True, eq=False)
class GradCamSeen(InRow):
    """The image, and the map over it."""

    found: GradCam

    @property
    def where(self) -> str:
        return f'class "{self.found.classes[self.found.of_class]}"'

    @property
    def said(self) -> Sequence[str]:
        found = self.found
        height, width = found.map.shape
        helping = int((found.weights > 0).sum())
        if not found.map.any():
            text = f"Nothing in {found.layer} raises the score of this class on this image."
        else:
            text = (
                f"{found.layer} has {height}x{width} places; {helping} of its "
                f"{count(len(found.weights), 'filter')} "
                f"{'raises' if helping == 1 else 'raise'} the score of this class."
            )
        return (text, *filter(None, [found.example.note]))

    def to_json(self) -> object:
        return self.found.to_json()

    def pictures(self, colours: bool) -> list[Captioned]:
        found, image = self.found, self.found.example.pictures[0]
        scale = float(found.map.max()) or 1.0
        over = [Captioned(overlay(image, found.map, scale), "over the image")] if colours else []
        return [
            Captioned(Picture(image), "the image"),
            Captioned(Picture(stretched(found.map, image)[None], "map", scale), "Grad-CAM"),
            *over,
        ]
