"""Pictures of a run in every size and in the poorest terminal, compared with those kept here.

After a wanted change: ``python -m pytest tests/tui/test_train_snapshots.py --snapshot-update``.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from scripted import Script, run_events
from textual.pilot import Pilot

from cnn_tui.engine.training.events import (
    Alert,
    LayerHealth,
    LayersMeasured,
    Remedy,
    RunEvent,
    SettingChanged,
)
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.dashboard import run_view
from cnn_tui.tui.terminal.link import Link

MakeApp = Callable[..., CnnTuiApp]
SnapCompare = Callable[..., bool]


class SteadyUsage:
    """A machine that is always as busy."""

    def text(self) -> str:
        return "cpu 187% 212 MB"


@pytest.fixture(autouse=True)
def steady(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_view, "Usage", SteadyUsage)


async def train(pilot: Pilot[None]) -> None:
    app = pilot.app
    assert isinstance(app, CnnTuiApp)
    await pilot.press("f5")
    assert app.training.session.join(10)
    app.poll()
    await pilot.pause()


def eventful() -> list[RunEvent]:
    """A run whose rate was changed, and of which something is wrong."""
    events = run_events(epochs=8)
    layers = (
        LayerHealth(layer="conv1", type="conv", gradient_norm=0.021, update_ratio=1.4e-3),
        LayerHealth(layer="relu2", type="relu", units=8, zeros=0.93, dead=0.5),
        LayerHealth(layer="fc4", type="fc", gradient_norm=0.0077, update_ratio=0.8e-3),
    )
    measured = LayersMeasured(
        step=30,
        epoch=3,
        images=64,
        layers=layers,
        input_mean=0.0,
        input_std=1.0,
        score_range=2.0,
        commonest_class=1,
        commonest_share=0.1,
    )
    alert = Alert(
        code="dead-relus",
        message="Half of the units of relu2 are dead.",
        step=30,
        layer="relu2",
        evidence=("50% of 8 units",),
        remedy=Remedy("Begin anew with the learning rate at 0.001.", {"lr": 0.001}, True),
    )
    change = SettingChanged(step=30, name="lr", old=0.01, new=0.005)
    return [*events[:40], measured, change, alert, *events[40:]]


SIZES = [(60, 20), (80, 24), (120, 40), (200, 60)]
POOR = {"16": Link(color="16"), "ascii": Link(color="none", ascii=True)}


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_run(snap_compare: SnapCompare, make_app: MakeApp, size: tuple[int, int]) -> None:
    app = make_app(runner=Script(eventful()))
    assert snap_compare(app, terminal_size=size, run_before=train)


@pytest.mark.slow
@pytest.mark.parametrize("look", POOR)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_run_in_a_poor_terminal(
    snap_compare: SnapCompare, make_app: MakeApp, size: tuple[int, int], look: str
) -> None:
    app = make_app(runner=Script(eventful()), link=POOR[look])
    assert snap_compare(app, terminal_size=size, run_before=train)
