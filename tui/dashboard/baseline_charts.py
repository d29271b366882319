"""Charts of the baselines: the cross-validation of k, and the results side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cnn_tui.tui.dashboard.plots import ChartPicture, Curve, Plot
from cnn_tui.tui.dashboard.ticks import Axis, accuracy_axis, choices_axis, near_axis
from cnn_tui.tui.rows import Line
from cnn_tui.tui.words import duration

if TYPE_CHECKING:
    from cnn_tui.engine.baselines.record import BaselineResult
    from cnn_tui.engine.baselines.validation import CrossValidation


FOLD_GLYPH, MEAN_GLYPH = "·", "o"


def folds_picture(validation: CrossValidation, rows: int) -> ChartPicture:
    """Return the chart of accuracy against k: a point for each fold, the mean and its spread.

    The choices of k are equally spaced: on a true scale the small ones would touch.
    """
    scores = validation.scores
    folds = tuple(
        (float(at), accuracy) for at, score in enumerate(scores) for accuracy in score.accuracies
    )
    means = tuple((float(at), score.mean) for at, score in enumerate(scores))
    spreads = tuple(
        (float(at), score.mean - score.std, score.mean + score.std)
        for at, score in enumerate(scores)
    )
    ends = [end for _, low, high in spreads for end in (low, min(high, 1.0))]
    y = near_axis([*(accuracy for _, accuracy in folds), *ends], max(4, rows // 3))
    x = choices_axis([score.k for score in scores], "k")
    curves = (Curve(folds, FOLD_GLYPH, joined=False), Curve(means, MEAN_GLYPH))
    chosen = next(at for at, score in enumerate(scores) if score.k == validation.best)
    plot = Plot(curves, x, y, marks=(float(chosen),), spreads=spreads)
    return ChartPicture((_title(validation, chosen), _chosen(validation, chosen)), plot)


def _title(validation: CrossValidation, chosen: int) -> Line:
    return (
        *_chosen(validation, chosen),
        (f"  {FOLD_GLYPH} ", "accent"),
        ("a fold", "dim"),
        (f"  {MEAN_GLYPH} ", "warn"),
        ("their mean, spread", "dim"),
    )


def _chosen(validation: CrossValidation, chosen: int) -> Line:
    score = validation.scores[chosen]
    return (
        (" k by five folds", "strong"),
        ("  ▲ ", "strong"),
        (f"k = {score.k}: {score.mean:.2%} ± {score.std:.2%}", ""),
    )


def chart_of(rungs: Sequence[BaselineResult], width: int) -> tuple[Line, ...]:
    """Return a row for each result: accuracy, training time, time of a prediction.

    Accuracies fill a range of their own, so that their differences can be seen. Times are on a
    logarithmic scale, as they differ by thousands; k-NN has no training and the slowest
    predictions. The headings say so.
    """
    if not rungs:
        return ()
    room = max(4, (width - 18 - 3 * _FIGURE) // 3)
    scale = _scale([rung.test_accuracy for rung in rungs])
    titles = (
        f"test, {scale.low:.0%} to {scale.high:.0%}",
        "training time, log",
        "time per image, log",
    )
    head = "".join(title.ljust(room + _FIGURE) for title in titles)
    return (
        ((f" {'':<15}{head}"[:width], "dim"),),
        *(_bars(rung, rungs, scale, room) for rung in rungs),
    )


def _scale(shares: Sequence[float]) -> Axis:
    """Return a range around the accuracies, in which the least still has a bar."""
    least, most = min(shares), max(shares)
    return accuracy_axis([max(0.0, least - max(0.01, (most - least) / 4)), most], 5)


_FIGURE = 10
"""Columns of a bar's number and of the gap after it."""


def _bars(rung: BaselineResult, rungs: Sequence[BaselineResult], scale: Axis, room: int) -> Line:
    train = _on_tens(rung.train_seconds, [other.train_seconds for other in rungs])
    predict = _on_tens(rung.predict_ms_per_image, [other.predict_ms_per_image for other in rungs])
    share = (rung.test_accuracy - scale.low) / (scale.high - scale.low)
    return (
        (f" {rung.baseline:<15}", "dim"),
        *_bar(share, room, f"{rung.test_accuracy:.2%}", "accent"),
        *_bar(train, room, duration(rung.train_seconds), "warn"),
        *_bar(predict, room, duration(rung.predict_ms_per_image / 1000), "good"),
    )


def _bar(share: float, room: int, figure: str, role: str) -> Line:
    full = round(room * share)
    return (
        ("━" * full, role),
        ("─" * (room - full), "faint"),
        (f" {figure:<{_FIGURE - 1}}", ""),
    )


def _on_tens(value: float, values: Sequence[float]) -> float:
    """Return the position of a value between a tenth of the least and the largest; 0 is no bar."""
    positive = [each for each in values if each > 0]
    if value <= 0:
        return 0.0
    return (math.log10(value / min(positive)) + 1) / (math.log10(max(positive) / min(positive)) + 1)
