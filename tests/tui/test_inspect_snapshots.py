"""Pictures of every view, compared with those kept beside this file.

After a wanted change: ``python -m pytest tests/tui/test_inspect_snapshots.py --snapshot-update``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from inspected import make_runs_to_inspect
from runs_made import until
from textual.pilot import Pilot

from cnn_tui.engine.insight.compare import Comparison, Decision
from cnn_tui.engine.insight.equivariance import Equivariance, ShiftedMaps
from cnn_tui.engine.insight.probes import LayerProbe, Probes
from cnn_tui.engine.insight.shift import ShiftCurve, ShiftTest
from cnn_tui.engine.insight.shuffle import ShuffleRow, ShuffleTest
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.insight.width import Spread, WidthCurve, WidthPoint, WidthSummary
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.inspect import compare, probes, shift, shuffle, slide, width
from cnn_tui.tui.inspect.compare import CompareSeen
from cnn_tui.tui.inspect.pane import InspectPane
from cnn_tui.tui.inspect.probes import ProbesSeen
from cnn_tui.tui.inspect.shift import ShiftSeen
from cnn_tui.tui.inspect.shuffle import ShuffleSeen
from cnn_tui.tui.inspect.slide import SlideSeen
from cnn_tui.tui.inspect.table import VIEWS
from cnn_tui.tui.inspect.width import WidthSeen
from cnn_tui.tui.messages import InspectRun
from cnn_tui.tui.terminal.link import Link

pytestmark = pytest.mark.slow

LINKS = {"truecolor": Link(), "16": Link(color="16"), "ascii": Link(ascii=True)}


@pytest.fixture(autouse=True)
def trainings_have_known_results(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is trained differs in its last bits from machine to machine."""
    monkeypatch.setattr(probes, "compute", lambda *_: ProbesSeen(_probes()))
    monkeypatch.setattr(width, "compute", lambda *_: WidthSeen(_widths()))
    monkeypatch.setattr(shift, "compute", lambda *_: ShiftSeen(_shift(), _maps()))
    monkeypatch.setattr(shuffle, "compute", lambda *_: ShuffleSeen(_shuffle()))
    monkeypatch.setattr(compare, "compute", lambda subject, *_: CompareSeen(_compare(subject)))
    timed = slide.compute
    monkeypatch.setattr(slide, "compute", lambda *asked: _in_known_time(timed(*asked)))


def _in_known_time(seen: SlideSeen) -> SlideSeen:
    known = {
        "seconds": 0.0002,
        "crops_seconds": 0.003,
        "single_seconds": 0.006,
        "worst_difference": 1e-7,
    }
    return SlideSeen(replace(seen.found, **known))


def _shift() -> ShiftTest:
    own = ShiftCurve("small", 7_946, (0.984, 0.91, 0.62, 0.3, 0.18, 0.11), "small-2")
    other = ShiftCurve("small-fc", 7_960, (0.97, 0.7, 0.31, 0.15, 0.1, 0.1), "small-fc-1")
    return ShiftTest((0, 1, 2, 3, 4, 6), 360, own, other)


def _maps() -> ShiftedMaps:
    rows = (
        Equivariance("conv1", 1, 1, 1, True, 0.0, 0.11),
        Equivariance("avgpool3", 2, 1, 0, False, 0.58, 0.6),
        Equivariance("avgpool3", 2, 2, 1, True, 0.0, 0.17),
        Equivariance("conv4", 2, 4, 2, True, None, 0.4),
    )
    return ShiftedMaps(32, rows)


def _shuffle() -> ShuffleTest:
    own = ShuffleRow("small", 7_946, 0.984, 0.956, ("small-2", "small-3"))
    other = ShuffleRow("small-fc", 7_960, 0.97, 0.972, ("small-fc-1", "small-fc-2"))
    return ShuffleTest(360, 0, (own, other))


def _compare(subject: Subject) -> Comparison:
    rows, columns = np.mgrid[-1:1:8j, -1:1:8j]
    decisions = tuple(
        Decision(name, f"{name}-1", params, sure * np.eye(10)[4], wave[None])
        for name, params, sure, wave in (
            ("linear-softmax", 650, 3.0, rows),
            ("two-layer", 7_510, 5.0, rows * columns),
            ("small", 7_946, 8.0, np.sin(6 * columns) * rows),
        )
    )
    return Comparison(subject.example(3), subject.classes, decisions)


def _probes() -> Probes:
    names = ("pixels", "conv1", "relu2", "avgpool3", "conv4", "relu5", "fc6")
    return Probes(
        data="digits",
        images=1257,
        test_images=360,
        neighbours=5,
        probes=tuple(
            LayerProbe(
                layer=name,
                features=64 * (7 - at),
                linear=0.86 + 0.02 * at,
                knn=0.9 + 0.012 * at,
                linear_untrained=0.86 + 0.03 * at - 0.009 * at**2,
                knn_untrained=0.9 + 0.01 * at - 0.006 * at**2,
            )
            for at, name in enumerate(names)
        ),
        accuracy=0.981,
        trained_convs=0.98,
        random_convs=0.931,
    )


def _widths() -> WidthCurve:
    found = (
        (2, 0.71, 0.05),
        (4, 0.85, 0.03),
        (8, 0.94, 0.012),
        (16, 0.951, 0.01),
        (32, 0.95, 0.01),
    )
    summaries = tuple(
        WidthSummary(
            filters=filters,
            params=1000 + 90 * filters,
            accuracy=Spread(mean, std, mean - std, mean + std),
            effective_rank=Spread(filters**0.8, 0.1, 1.0, filters),
            distinct=Spread(filters, 0.0, filters, filters),
        )
        for filters, mean, std in found
    )
    points = tuple(
        WidthPoint(
            filters=filters,
            seed=seed,
            run=f"small-conv1-{filters}-{seed + 1}",
            accuracy=mean,
            effective_rank=filters**0.8,
            distinct=filters,
            params=1000 + 90 * filters,
        )
        for filters, mean, _ in found
        for seed in range(3)
    )
    return WidthCurve(layer="conv1", data="digits", epochs=1, points=points, widths=summaries)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_runs_to_inspect(tmp_path_factory.mktemp("runs"))


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("look", LINKS)
@pytest.mark.parametrize("view", [view.name for view in VIEWS])
def test_a_view(
    snap_compare: Callable[..., bool],
    make_app: Callable[..., CnnTuiApp],
    root: Path,
    view: str,
    look: str,
    size: tuple[int, int],
) -> None:
    app = make_app(link=LINKS[look])
    app.places.runs = root

    async def drive(pilot: Pilot[None]) -> None:
        app.post_message(InspectRun(RunFolder(root / "small-2")))
        await until(pilot, lambda: bool(app.screen.query(InspectPane)))
        app.screen.turn_to(view)
        pane = app.screen.query_one(InspectPane)
        if pane.seen is None and "enter" in pane.words:
            await pilot.press("enter")
        await until(pilot, lambda: pane.seen is not None)
        if pane.drawn.order:
            await pilot.press("right")
        await until(pilot, lambda: pane.seen is not None)

    assert snap_compare(app, terminal_size=size, run_before=drive)
