"""Pictures of the builder, compared with those kept beside this file.

After a wanted change: ``python -m pytest tests/tui/test_build_snapshots.py --snapshot-update``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from driving import type_in
from runs_made import until
from textual.pilot import Pilot

from cnn_tui.engine.specs.layers import FC, Conv, MaxPool, ReLU, Residual
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.engine.specs.quick.parse import parse_quick
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.widgets.aside import Aside

pytestmark = pytest.mark.slow

MakeApp = Callable[..., CnnTuiApp]
SnapCompare = Callable[..., bool]
Before = Callable[[Pilot[None]], Awaitable[None]]

SMALL_SCREEN, LARGE_SCREEN = (80, 24), (120, 40)
both = pytest.mark.parametrize("size", [SMALL_SCREEN, LARGE_SCREEN], ids=["80x24", "120x40"])

TRAP = Network(
    name="trap",
    data="imagenet",
    input=(3, 224, 224),
    layers=(
        Conv(out_channels=96, kernel_size=11, stride=4),
        ReLU(),
        MaxPool(kernel_size=3, stride=2),
        FC(out_features=10),
    ),
)
"""The size that the paper names with the kernel that it cannot have had."""

_CONV = Conv(out_channels=32, kernel_size=4, padding=1, stride=2)
BLOCK = Network(
    name="block",
    data="maps",
    input=(16, 32, 32),
    layers=(
        Residual(branch=(_CONV, ReLU(), Conv(out_channels=32, kernel_size=3, padding=1))),
        ReLU(),
        FC(out_features=10),
    ),
)
"""A branch that shrinks and widens what its shortcut leaves as it is."""


BRANCHES = Network(
    name="branches",
    data="maps",
    input=(16, 32, 32),
    layers=parse_quick(
        "par { conv 64 1x1 | relu } { conv 96 1x1 | relu | conv 128 pad same | relu } "
        "{ maxpool 3x3 s1 p1 | conv 32 1x1 } { } | "
        "repeat 3 { res { conv 16 pad same | bn } { conv 240 1x1 } } | gap | fc 10"
    ),
)
"""Branches, and a shortcut of layers inside repeated ones, which do not fit."""


def keys(*pressed: str, typed: str = "") -> Before:
    async def press(pilot: Pilot[None]) -> None:
        await pilot.press(*pressed)
        await type_in(pilot, typed)
        await pilot.pause()

    return press


@both
def test_a_correct_network(
    snap_compare: SnapCompare, make_app: MakeApp, size: tuple[int, int]
) -> None:
    app = make_app(load_preset("lenet5"))
    assert snap_compare(app, terminal_size=size, run_before=keys("down", "down", "down", "down"))


@both
def test_the_224_trap_with_its_doctor(
    snap_compare: SnapCompare, make_app: MakeApp, size: tuple[int, int]
) -> None:
    assert snap_compare(make_app(TRAP), terminal_size=size, run_before=keys("down"))


@both
def test_branches_side_by_side(
    snap_compare: SnapCompare, make_app: MakeApp, size: tuple[int, int]
) -> None:
    app = make_app(BRANCHES)
    assert snap_compare(app, terminal_size=size, run_before=keys(*["down"] * 5, "left", "left"))


@both
@pytest.mark.parametrize(
    ("preset", "pressed"),
    [("googlenet", (*["down"] * 12, "right", "down")), ("densenet121", ["down"] * 9)],
)
def test_published_networks_of_branches(
    snap_compare: SnapCompare,
    make_app: MakeApp,
    preset: str,
    pressed: tuple[str, ...],
    size: tuple[int, int],
) -> None:
    app = make_app(load_preset(preset))
    assert snap_compare(app, terminal_size=size, run_before=keys(*pressed))


@both
def test_a_branch_of_another_size(
    snap_compare: SnapCompare, make_app: MakeApp, size: tuple[int, int]
) -> None:
    layers = parse_quick("conv 16 | par { conv 8 1x1 } { conv 8 3x3 } | gap | fc 10")
    broken = Network(name="branches", data="maps", input=(16, 32, 32), layers=layers)
    assert snap_compare(make_app(broken), terminal_size=size, run_before=keys("down", "down"))


@both
def test_a_residual_block(
    snap_compare: SnapCompare, make_app: MakeApp, size: tuple[int, int]
) -> None:
    app = make_app(BLOCK)
    assert snap_compare(app, terminal_size=size, run_before=keys(*["down"] * 5))


@both
def test_the_pattern_with_a_warning(
    snap_compare: SnapCompare, make_app: MakeApp, size: tuple[int, int]
) -> None:
    app = make_app(Network(input=(3, 32, 32)))

    async def before(pilot: Pilot[None]) -> None:
        await pilot.pause()
        aside = pilot.app.screen.query_one(Aside)
        await until(pilot, lambda: not aside.region or aside.samples is not None)
        await keys("p", "tab", "4")(pilot)

    assert snap_compare(app, terminal_size=size, run_before=before)


@both
def test_the_volumes(snap_compare: SnapCompare, make_app: MakeApp, size: tuple[int, int]) -> None:
    app = make_app(load_preset("alexnet"))
    assert snap_compare(app, terminal_size=size, run_before=keys("v", *["right"] * 4))


def test_quick_entry_with_a_preview(snap_compare: SnapCompare, make_app: MakeApp) -> None:
    app = make_app(load_preset("lenet5"))
    typed = keys("down", "down", "slash", typed="conv 32 3x3 pad same | re")
    assert snap_compare(app, terminal_size=SMALL_SCREEN, run_before=typed)


def test_quick_entry_with_an_error(snap_compare: SnapCompare, make_app: MakeApp) -> None:
    app = make_app(load_preset("lenet5"))
    typed = keys("down", "slash", typed="relu | conv 32 3y3 | pool")
    assert snap_compare(app, terminal_size=SMALL_SCREEN, run_before=typed)
