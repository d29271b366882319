"""Results side by side: scales on which differences can be seen, and which are said."""

from __future__ import annotations

from cnn_tui.engine.baselines.record import Baseline, BaselineResult
from cnn_tui.engine.runs.compare import EpochCurve, RunComparison
from cnn_tui.tui.dashboard.baseline_charts import chart_of
from cnn_tui.tui.history.comparison import overlay


def result(name: Baseline, accuracy: float, seconds: float = 1.0) -> BaselineResult:
    return BaselineResult(
        baseline=name,
        data="digits",
        test_accuracy=accuracy,
        train_seconds=seconds,
        predict_ms_per_image=0.1,
        params=1,
        train_images=1,
        test_images=1,
        threads=1,
    )


def texts(rungs: list[BaselineResult], width: int = 80) -> list[str]:
    return ["".join(text for text, _ in line) for line in chart_of(rungs, width)]


def test_bars_of_close_accuracies_differ_and_the_heading_says_their_range() -> None:
    heading, *rows = texts(
        [result("linear-svm", 0.9611), result("two-layer", 0.9806), result("convnet", 0.9917)]
    )
    assert "test, 95% to 100%" in heading and "training time, log" in heading
    lengths = [row.split("%")[0].count("━") for row in rows]
    assert 0 < lengths[0] < lengths[1] < lengths[2]


def test_equal_accuracies_have_equal_bars() -> None:
    for accuracy in (0.0, 0.1, 1.0):
        _, *rows = texts([result("linear-svm", accuracy), result("two-layer", accuracy)])
        assert len({row.split("%")[0].count("━") for row in rows}) == 1


def curve(*losses: float) -> EpochCurve:
    epochs, shares = (
        list(range(1, len(losses) + 1)),
        [0.97 + at / 1000 for at in range(len(losses))],
    )
    values = list(losses)
    return EpochCurve(epochs, values, values, shares, shares)


def title(comparison: RunComparison, *, loss: bool) -> str:
    return "".join(text for text, _ in overlay(comparison, 9, loss=loss).title_in(200))


def test_a_failed_run_does_not_flatten_the_others() -> None:
    healthy, failed = curve(1.0, 0.5, 0.2), curve(3.0, 6e33, 6e33)
    assert "loss log" in title(RunComparison((), (), (healthy, failed)), loss=True)
    assert "loss log" not in title(RunComparison((), (), (healthy, healthy)), loss=True)


def test_compared_accuracies_have_the_range_that_they_need() -> None:
    comparison = RunComparison((), (), (curve(1.0, 0.5, 0.2),))
    plot = overlay(comparison, 9, loss=False).plot
    assert plot and plot.y.low >= 0.9
    assert "accuracy 9" in title(comparison, loss=False)
