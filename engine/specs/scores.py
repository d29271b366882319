"""Judges the end of a network: one score per class, for at least two classes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnn_tui.engine.specs.flow import Diagnostic, InferredLayer, Place, dims
from cnn_tui.engine.specs.layers import FC, Conv, Residual


def judge_scores(
    steps: Sequence[InferredLayer], classes: int | None
) -> Iterator[tuple[Place, Diagnostic]]:
    """What is wrong with the output of the last layer, placed where the count is decided."""
    if not steps:
        yield (
            (),
            Diagnostic("no-layers", "it has no layers", "layers", f"Add some; {_ending(classes)}"),
        )
        return
    shape = steps[-1].after.shape
    if shape is not None and shape[1:] not in ((), (1, 1)):
        text = f"the network ends in a volume of {dims(shape)}, not in one score per class"
        remedy, wanted = f"Add layers: {_ending(classes)}", f"fc {classes or 10}"
        yield (len(steps) - 1,), Diagnostic("not-scores", text, remedy=remedy, wanted=wanted)
        return
    position = _decider(steps)
    if (scores := _scores(steps, position)) is not None:
        place = len(steps) - 1 if position is None else position
        yield from (((place,), fault) for fault in _miscount(steps[place], scores, classes))


def _ending(classes: int | None) -> str:
    return f"the last must give one score per class, such as fc with {classes or 10} outputs."


def _decider(steps: Sequence[InferredLayer]) -> int | None:
    """The layer whose width is the number of scores."""
    for position in reversed(range(len(steps))):
        if isinstance(steps[position].layer, FC | Conv):
            return position
        if isinstance(steps[position].layer, Residual):
            return None
    return None


def _scores(steps: Sequence[InferredLayer], position: int | None) -> int | None:
    if steps[-1].after.shape is not None:
        return steps[-1].after.shape[0]
    # Behind a fault an fc layer still says how many scores it gives.
    layer = None if position is None else steps[position].layer
    return layer.out_features if isinstance(layer, FC) else None


def _miscount(step: InferredLayer, scores: int, classes: int | None) -> Iterator[Diagnostic]:
    widths = {FC: "out_features", Conv: "out_channels"}
    field = widths.get(type(step.layer), "")
    remedy = "Let the last layers give one score per class."
    wanted = _wanted(field, 2 if classes is None else classes)
    if scores < 2:
        text = "the network gives a single score, and telling classes apart takes at least two"
        yield Diagnostic("one-class", text, field, remedy, wanted)
    elif classes is not None and scores != classes:
        text = f"the network gives {scores} scores, but the data has {classes} classes"
        yield Diagnostic("classes", text, field, remedy, wanted)


def _wanted(field: str, count: int) -> int | str | None:
    if count < 2:
        return None
    return count if field else f"fc {count}"
