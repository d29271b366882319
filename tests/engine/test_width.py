"""How many filters: each point is a run, none is trained twice."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from sabotage import digits, recipe

from cnn_tui.engine.errors import InsightError
from cnn_tui.engine.insight.health import health
from cnn_tui.engine.insight.resizing import with_filters
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.insight.width import TAG, WidthCurve, WidthPoint, width, widths_around
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.lines import read_events
from cnn_tui.engine.runs.watcher import CancelledError, Watcher
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.engine.training.events import RunEnded, RunStarted

NETWORK, DATA = recipe("digits-convnet", epochs=2, lr=0.02), digits()


def tried(root: Path, **settings: object) -> WidthCurve:
    arguments = {"seeds": (0, 1), "root": root, "threads": 1, **settings}
    return width(NETWORK, DATA, "conv3", (2, 12), **arguments)  # type: ignore[arg-type]


def starts(root: Path) -> int:
    events = (read_events(RunFolder(path).events_file) for path in root.iterdir())
    return sum(isinstance(event, RunStarted) for run in events for event in run)


def test_each_point_is_a_run_that_opens(tmp_path: Path) -> None:
    seen: list[WidthPoint] = []
    shares: list[float] = []
    curve = tried(tmp_path, found=seen.append, watcher=Watcher(shares.append))
    assert [(p.filters, p.seed) for p in curve.points] == [(2, 0), (2, 1), (12, 0), (12, 1)]
    assert tuple(seen) == curve.points
    assert shares == sorted(shares) and shares[-1] == 1
    for point in curve.points:
        folder = RunFolder(tmp_path / point.run)
        assert TAG in folder.notes().tags and folder.network().training.seed == point.seed
        with closing(Subject.of_run(folder)) as subject:
            assert subject.model.store.size == point.params
            (layer,) = health(subject, ["conv3"]).layers
            assert layer.filters == point.filters
            assert layer.effective_rank == pytest.approx(point.effective_rank)
        ended = [e for e in read_events(folder.events_file) if isinstance(e, RunEnded)]
        assert ended[0].best_val_accuracy == point.accuracy
    narrow, wide = curve.widths
    values = [point.accuracy for point in curve.points[2:]]
    assert (wide.filters, wide.params) == (12, curve.points[3].params)
    assert wide.accuracy.mean == pytest.approx(sum(values) / 2)
    assert wide.accuracy.std == pytest.approx(abs(values[0] - values[1]) / 2**0.5)
    assert (wide.accuracy.low, wide.accuracy.high) == (min(values), max(values))
    assert narrow.effective_rank.mean < wide.effective_rank.mean
    assert msgspec.json.decode(msgspec.json.encode(curve))["layer"] == "conv3"


def test_what_is_there_is_not_trained_again_and_what_was_cut_off_is_taken_up(
    tmp_path: Path,
) -> None:
    batches = iter(range(10_000))
    with pytest.raises(CancelledError):
        tried(tmp_path, watcher=Watcher(cancelled=lambda: next(batches) > 60))
    begun = len([*tmp_path.iterdir()])
    assert 1 <= begun < 4
    curve = tried(tmp_path)
    assert len([*tmp_path.iterdir()]) == 4
    trainings = starts(tmp_path)
    assert tried(tmp_path) == curve and starts(tmp_path) == trainings


@pytest.mark.slow
def test_a_run_cut_off_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    batches = iter(range(10_000))
    with pytest.raises(CancelledError):
        tried(tmp_path / "cut", watcher=Watcher(cancelled=lambda: next(batches) > 30))
    for one, other in zip(
        tried(tmp_path / "cut").points, tried(tmp_path / "whole").points, strict=True
    ):
        assert one == other


@pytest.mark.slow
def test_other_epochs_are_other_points(tmp_path: Path) -> None:
    tried(tmp_path, seeds=(0,))
    tried(tmp_path, seeds=(0,), epochs=1)
    assert len([*tmp_path.iterdir()]) == 4


def test_widths_that_do_not_fit(tmp_path: Path) -> None:
    with pytest.raises(InsightError, match=r"residual4\.conv4 cannot have 8 filters"):
        with_filters(load_preset("resnet20"), "residual4.conv4", 8)
    narrower = with_filters(load_preset("resnet20"), "residual4.conv1", 8)
    assert check(narrower).valid
    with pytest.raises(InsightError, match="no conv layer called conv2"):
        width(NETWORK, DATA, "conv2", root=tmp_path)
    assert not [*tmp_path.iterdir()]


def test_the_usual_widths() -> None:
    assert widths_around(16) == (4, 8, 16, 32, 64)
    assert widths_around(1) == (1, 2, 4)
