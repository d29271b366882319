"""The chart of k: every fold, the mean and its spread, near enough to tell them apart."""

from __future__ import annotations

import pytest

from cnn_tui.engine.baselines.validation import CrossValidation, KScore
from cnn_tui.tui.dashboard.baseline_charts import FOLD_GLYPH, MEAN_GLYPH, folds_picture
from cnn_tui.tui.dashboard.ticks import near_axis
from cnn_tui.tui.widgets.chart import rasterise

SCORES = (
    KScore(1, (0.90, 0.92, 0.94, 0.96, 0.98), 0.94, 0.0283),
    KScore(5, (0.91, 0.91, 0.91, 0.91, 0.91), 0.91, 0.0),
    KScore(100, (0.80, 0.82, 0.84, 0.86, 0.88), 0.84, 0.0283),
)
FOUND = CrossValidation(SCORES, 5, 100)


def drawn(width: int = 60, height: int = 40) -> list[str]:
    picture = folds_picture(FOUND, height)
    assert picture.plot is not None
    return ["".join(text for text, _ in row) for row in rasterise(picture.plot, width, height)]


def test_every_fold_is_a_point_and_every_mean_another() -> None:
    rows = "".join(drawn()[:-2])
    assert rows.count(FOLD_GLYPH) == 4 + 0 + 4  # the middle fold lies under its mean
    assert rows.count(MEAN_GLYPH) == 3


def test_spread_is_a_bar_of_two_deviations() -> None:
    rows = drawn(height=80)
    columns = [{column for column, char in enumerate(row) if char == MEAN_GLYPH} for row in rows]
    last = max(column for found in columns for column in found)
    inked = [row[last] for row in rows[:-2] if row[last] not in (" ", FOLD_GLYPH, MEAN_GLYPH)]
    # 0.0566 of a range of about 0.194 in 78 rows, less the cells of points.
    assert 15 <= len(inked) <= 24


def test_choices_are_named_and_the_taken_one_is_marked() -> None:
    *_, axis, labels = drawn()
    assert labels.split() == ["k", "1", "5", "100"]
    assert abs(axis.index("▲") - labels.index("5")) <= 1
    title = "".join(text for text, _ in folds_picture(FOUND, 20).titles[0])
    assert "k = 5: 91.00% ± 0.00%" in title


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([0.88, 1.0], ["90%", "95%", "100%"]),
        ([0.9701, 0.9712], ["97.0%", "97.1%"]),
        ([0.5, 0.5], ["50.00%", "50.05%"]),
        ([], ["0%", "50%", "100%"]),
    ],
)
def test_axis_is_as_narrow_as_the_values(values: list[float], labels: list[str]) -> None:
    axis = near_axis(values, 4)
    shown = [label.strip() for label in axis.labels]
    assert set(labels) <= set(shown) and len(shown) <= 6
    if values:
        assert axis.low < min(values) and max(values) < axis.high
        assert axis.high - axis.low < max(0.01, 1.2 * (max(values) - min(values)))
