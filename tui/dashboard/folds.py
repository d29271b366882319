"""The chart of the notes: accuracy against k, a point for each fold, the mean with its spread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnn_tui.tui.dashboard.ticks import choices_axis, near_axis
from cnn_tui.tui.widgets.chart import ChartPicture
from cnn_tui.tui.widgets.lines import Line
from cnn_tui.tui.widgets.plot import Curve, Plot

if TYPE_CHECKING:
    from cnn_tui.engine.baselines.validation import CrossValidation

FOLD_GLYPH, MEAN_GLYPH = "·", "o"


def folds_picture(found: CrossValidation, rows: int) -> ChartPicture:
    """The choices of k as far apart as each other: on a true scale the small ones would touch."""
    scores = found.scores
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
    chosen = next(at for at, score in enumerate(scores) if score.k == found.best)
    plot = Plot(curves, x, y, marks=(float(chosen),), spreads=spreads)
    return ChartPicture(_title(found, chosen), _chosen(found, chosen), plot)


def _title(found: CrossValidation, chosen: int) -> Line:
    return (
        *_chosen(found, chosen),
        (f"  {FOLD_GLYPH} ", "accent"),
        ("a fold", "dim"),
        (f"  {MEAN_GLYPH} ", "warn"),
        ("their mean, spread", "dim"),
    )


def _chosen(found: CrossValidation, chosen: int) -> Line:
    score = found.scores[chosen]
    return (
        (" k by five folds", "strong"),
        ("  ▲ ", "strong"),
        (f"k = {score.k}: {score.mean:.2%} ± {score.std:.2%}", ""),
    )
