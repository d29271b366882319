"""The part of a sweep's screen below the table: one view of all trials, or of the chosen one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from textwrap import wrap

from cnn_tui.engine.sweeps.state import SweepState
from cnn_tui.tui.rows import Line
from cnn_tui.tui.sweeps.parallel import parallels
from cnn_tui.tui.sweeps.pictures import best_curves, chosen_trial, front_picture, slice_of
from cnn_tui.tui.sweeps.words import about_trial, importance_rows
from cnn_tui.tui.widgets.chart import chart_lines
from cnn_tui.tui.widgets.lines import Lines, Shown
from cnn_tui.tui.widgets.parallel import draw_parallels


@dataclass(frozen=True)
class Scene:
    """A sweep, the trial under the cursor, and the field that was chosen."""

    state: SweepState
    chosen: int | None = None
    field: str = ""
    unknown: str = ""
    """Why the importance of the fields is not known."""


def _curves(scene: Scene, width: int, height: int) -> Sequence[Line]:
    return chart_lines(best_curves(scene.state, scene.chosen, height - 3), width, height)


def _parallel(scene: Scene, width: int, height: int) -> Sequence[Line]:
    picture = parallels(scene.state, scene.field, scene.chosen, width)
    if picture is None:
        return [((" the lines appear with the first results", "dim"),)]
    title: Line = ((" all fields at once  ", "strong"), (picture.words, "dim"))
    return [title, *draw_parallels(picture, width, height - 1)]


def _slice(scene: Scene, width: int, height: int) -> Sequence[Line]:
    picture = slice_of(scene.state, scene.field, scene.chosen, width, height - 3)
    return chart_lines(picture, width, height)


def _importance(scene: Scene, width: int, height: int) -> Sequence[Line]:
    title: Line = (
        (" importance of the fields", "strong"),
        ("  by PED-ANOVA, of 100%", "dim"),
    )
    return [title, *importance_rows(scene.state, scene.field, width, scene.unknown)]


def _front(scene: Scene, width: int, height: int) -> Sequence[Line]:
    return chart_lines(front_picture(scene.state, scene.chosen, width, height - 3), width, height)


def _trial(scene: Scene, width: int, height: int) -> Sequence[Line]:
    return about_trial(scene.state, chosen_trial(scene.state, scene.chosen), width)


SWEEP_VIEWS: dict[str, Callable[[Scene, int, int], Sequence[Line]]] = {
    "curves": _curves,
    "parallel": _parallel,
    "slice": _slice,
    "importance": _importance,
    "front": _front,
    "trial": _trial,
}
"""The views of a sweep, by the name on their tab."""


class SweepPane(Lines):
    """Draws a view of a scene."""

    DEFAULT_CLASSES = "panel"

    view: Shown[str] = Shown("curves")
    scene: Shown[Scene | None] = Shown(None)
    words: Shown[tuple[str, ...]] = Shown(())
    """The text without a scene."""

    def lines(self, width: int, height: int) -> Sequence[Line]:
        if self.scene is None:
            texts = [line for words in self.words for line in wrap(words, max(8, width - 2))]
            return [((f" {text}", "dim"),) for text in texts]
        return SWEEP_VIEWS[self.view](self.scene, width, height)
