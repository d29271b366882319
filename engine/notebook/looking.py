"""Views of a trained network as pictures, for a notebook."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np

from cnn_tui.engine.errors import InsightError
from cnn_tui.engine.insight.confusion import confusion
from cnn_tui.engine.insight.filters import filters
from cnn_tui.engine.insight.grad_cam import grad_cam
from cnn_tui.engine.insight.maps import maps
from cnn_tui.engine.insight.saliency import saliency
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.notebook.pictures import NotebookPicture, Pixels, colours, grey, sheet, signed
from cnn_tui.engine.notebook.training import TrainedRun, open_trained
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.specs.wording import listed


def inspect(
    run: TrainedRun | str,
    view: str = "filters",
    *,
    layer: str = "",
    image: int | str | Path = 0,
    state: str = "best",
    runs_dir: str | Path | None = None,
) -> NotebookPicture:
    """Look inside a run.

    Args:
        run: a run, or its name.
        view: ``filters``, ``maps``, ``saliency``, ``grad-cam`` or ``confusion``.
        layer: the layer of filters and maps; by default the first that has some.
        image: index in the validation split, or path of a picture.
        state: ``best``, ``last``, ``untrained``, or a step.
        runs_dir: the folder of a run that is given by name.

    Raises:
        InsightError: if there is no such view, layer, image or state.
        CnnTuiError: if the run cannot be read.
    """
    draw = _VIEWS.get(view)
    if draw is None:
        raise InsightError(f"There is no view {view}.", f"Choose {listed(list(_VIEWS), 'or')}.")
    if isinstance(run, str):
        run = open_trained(run, runs_dir)
    which = Path(image) if isinstance(image, str) else image
    with closing(run.subject(state)) as subject:
        return draw(subject, layer, which)


def _filters(subject: Subject, layer: str, image: int | Path) -> NotebookPicture:
    found = filters(subject, layer)
    order = found.strongest_first
    if found.sees_image and found.weight.shape[1] == 3:
        shown = [_rgb(found.weight[at] / found.scale) for at in order]
    else:
        shown = [signed(found.weight[at].mean(0), found.scale) for at in order]
    return NotebookPicture(sheet(shown), f"{subject.name}, {found.layer}: {len(order)} filters")


def _rgb(weight: Array) -> Pixels:
    middle = np.clip(127.5 * (1 + np.nan_to_num(weight)), 0, 255)
    shown: Pixels = middle.astype(np.uint8).transpose(1, 2, 0)
    return shown


def _maps(subject: Subject, layer: str, image: int | Path) -> NotebookPicture:
    found = maps(subject, layer, image)
    low = -found.scale if found.signed else 0.0
    shown = [
        signed(found.maps[at], found.scale)
        if found.signed
        else grey(found.maps[at], low, found.scale)
        for at in found.strongest_first
    ]
    words = f"{subject.name}, {found.layer}: taken for {found.predicted}"
    return NotebookPicture(sheet(shown), words)


def _saliency(subject: Subject, layer: str, image: int | Path) -> NotebookPicture:
    example = subject.example(image)
    found = saliency(subject, example)
    of_class = found.classes[found.of_class]
    seen = grey(found.map, 0.0, float(np.nan_to_num(found.map).max()))
    words = f"{subject.name}: what {of_class} depends on"
    check = f"rank correlation with the check {found.correlation:.2f}"
    return NotebookPicture(sheet([colours(example.pictures[0]), seen], 2), f"{words}; {check}")


def _grad_cam(subject: Subject, layer: str, image: int | Path) -> NotebookPicture:
    example = subject.example(image)
    found = grad_cam(subject, example, layer)
    picture = colours(example.pictures[0])
    height, width = picture.shape[:2]
    rows = np.arange(height) * found.map.shape[0] // height
    columns = np.arange(width) * found.map.shape[1] // width
    large = found.map[rows][:, columns]
    seen = signed(large, float(np.nan_to_num(large).max()))
    return NotebookPicture(
        sheet([picture, seen], 2),
        f"{subject.name}, {found.layer}: where it sees {found.classes[found.of_class]}",
    )


def _confusion(subject: Subject, layer: str, image: int | Path) -> NotebookPicture:
    found = confusion(subject)
    shares = found.matrix / np.maximum(1, found.matrix.sum(1, keepdims=True))
    right = float((found.chosen == found.targets).mean())
    words = f"{subject.name}: {right:.1%} right of {len(found.targets)}; rows are the classes"
    return NotebookPicture(sheet([255 - grey(shares.repeat(3, 0).repeat(3, 1), 0.0, 1.0)]), words)


_VIEWS: dict[str, Callable[[Subject, str, int | Path], NotebookPicture]] = {
    "filters": _filters,
    "maps": _maps,
    "saliency": _saliency,
    "grad-cam": _grad_cam,
    "confusion": _confusion,
}
