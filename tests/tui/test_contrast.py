"""Every text on every screen can be read on its ground, in every theme that is offered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from rich.segment import Segment
from runs_made import make_runs, until
from sweeps_made import make_sweep
from textual.color import Color, ColorParseError
from textual.geometry import Region
from textual.pilot import Pilot
from textual.theme import Theme

from cnn_tui.engine.specs.layers import FC, Conv, MaxPool
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.contrast import LEAST, contrast, readable
from cnn_tui.tui.screens.dialog import Dialog
from cnn_tui.tui.theme import DARK_16, KINDS, LIGHT_16, OURS, THEMES, variables_of
from cnn_tui.tui.widgets.table import Table

MakeApp = Callable[..., CnnTuiApp]

FOREIGN = [theme for theme in THEMES.values() if not theme.ansi and theme not in OURS]
"""The other themes are in the terminal's own colours, of which nothing is known here."""

NO_TEXT = range(0x2500, 0x2900)
"""Frames, bars, blocks and braille: for them 3:1 is enough (WCAG 2.2, criterion 1.4.11)."""


class Printed(NamedTuple):
    """A text on a screen, its colour and that of its ground."""

    text: str
    ink: Color
    ground: Color

    @property
    def is_readable(self) -> bool:
        return contrast(self.ink, self.ground) >= LEAST - 0.02

    def __str__(self) -> str:
        return f"{self.text} {self.ink.hex} {self.ground.hex}"


def printed(app: CnnTuiApp, region: Region) -> set[Printed]:
    """All texts in a region."""
    strips = app.screen._compositor.render_strips()
    rows = (strips[y].crop(region.x, region.right) for y in range(region.y, region.bottom))
    return {found for row in rows for segment in row if (found := _printed(segment))}


def _printed(segment: Segment) -> Printed | None:
    text = "".join(char for char in segment.text if ord(char) not in NO_TEXT).strip()
    style = segment.style
    if not text or style is None or style.color is None or style.bgcolor is None:
        return None
    ink, ground = Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor)
    return Printed(text, *((ground, ink) if style.reverse else (ink, ground)))


def shown(app: CnnTuiApp) -> Region:
    """The window of a dialog, whose screen below is dimmed; else the whole screen."""
    if isinstance(app.screen, Dialog):
        return app.screen.query_one(".window").region
    return app.screen.region


BROKEN = Network(
    layers=(Conv(out_channels=8, kernel_size=3), MaxPool(kernel_size=4), FC(out_features=10))
)

STEPS: tuple[tuple[str, ...], ...] = (
    (),
    ("down",),
    ("enter",),
    ("escape", "question_mark"),
    ("escape", "ctrl+p"),
    ("escape", "o"),
    ("escape", "p"),
    ("escape", "2"),
    ("3",),
    ("m", "down", "m", "c"),
    ("escape", "enter"),
    ("escape", "f6"),
    ("escape", "f7"),
    ("escape", "5"),
    ("enter",),
    ("c",),
)
"""Keys that lead past the screens and the dialogs, each step looked at."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two finished runs and a failed one, and two sweeps."""
    folder = tmp_path_factory.mktemp("runs")
    root = make_runs(folder, (), ("--lr", "0.003"), ("--seed", "7"))
    make_sweep(root)
    make_sweep(root, "rates")
    return root


async def walk(app: CnnTuiApp, look: Callable[[Pilot[None]], Awaitable[None]]) -> None:
    """Look at every screen."""
    async with app.run_test(size=(120, 40)) as pilot:
        for keys in STEPS:
            await pilot.press(*keys)
            await pilot.pause()
            if keys == ("3",):
                table = app.screen.query_one(Table)
                await until(pilot, lambda table=table: len(table.records) == 3)
            elif "5" in keys:
                table = app.screen.query_one(Table)
                await until(pilot, lambda table=table: len(table.records) == 2)
            await look(pilot)


def variables(theme: Theme) -> dict[str, str]:
    return variables_of(theme, {**theme.to_color_system().generate(), **theme.variables})


def marks() -> dict[str, Color]:
    """A colour for each variable whose value is a colour, by which it is known on the screen."""
    found = dict[str, Color]()
    for name, value in variables(FOREIGN[0]).items():
        with suppress(ColorParseError):
            Color.parse(value)
            found[name] = Color(len(found) % 256, len(found) // 256, 128)
    return found


@pytest.mark.slow
async def test_every_text_can_be_read_in_every_theme(make_app: MakeApp, root: Path) -> None:
    """The screens are drawn once, in marks; what these stand for is looked up in each theme."""
    app = make_app(BROKEN)
    app.places.runs = root
    marked = marks()
    names = {mark.hex: name for name, mark in marked.items()}
    by_mark = variables(FOREIGN[0]) | {name: mark.hex for name, mark in marked.items()}
    pairs, faults = dict[tuple[str, str], str](), set[str]()

    async def look(pilot: Pilot[None]) -> None:
        for text, ink, ground in printed(app, shown(app)):
            where = f"{type(app.screen).__name__}: {text}"
            if ink.hex in names and ground.hex in names:
                pairs.setdefault((names[ink.hex], names[ground.hex]), where)
            else:
                faults.add(f"{where} has a colour that is none of the theme's")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "get_css_variables", lambda: by_mark)
        app.stylesheet.set_variables(by_mark)
        await walk(app, look)
    assert len(pairs) > 12, "the marks are not on the screen"
    for theme in FOREIGN:
        colors = variables(theme)
        for (ink, ground), where in pairs.items():
            if not Printed("", Color.parse(colors[ink]), Color.parse(colors[ground])).is_readable:
                faults.add(f"{theme.name}, {where}: {ink} on {ground}")
    assert sorted(faults) == []


@pytest.mark.slow
async def test_every_text_can_be_read_in_our_themes(make_app: MakeApp, root: Path) -> None:
    app = make_app(load_preset("lenet5"))
    app.places.runs = root
    faults = set[str]()

    async def look(pilot: Pilot[None]) -> None:
        # What is looked at is rendered here: to draw it as well would take twice as long.
        with app.batch_update():
            for theme in OURS:
                app.put_on(theme.name)
                await pilot.pause()
                faults.update(
                    f"{theme.name}, {type(app.screen).__name__}: {one}"
                    for one in printed(app, shown(app))
                    if not one.is_readable
                )

    await walk(app, look)
    assert sorted(faults) == []


def test_high_contrast_is_higher() -> None:
    theme = THEMES["cnn-tui-contrast"]
    ground = Color.parse(theme.panel or "")
    for name in ("text-muted", "text-disabled", *(f"kind-{kind}" for kind in KINDS)):
        assert contrast(Color.parse(theme.variables[name]), ground) >= 7


@pytest.mark.parametrize("theme", [DARK_16, LIGHT_16], ids=lambda theme: theme.name)
def test_the_kinds_differ_in_16_colours(theme: object) -> None:
    variables = getattr(theme, "variables", {})
    kinds = [variables[f"kind-{kind}"] for kind in KINDS]
    ground = Color.parse(getattr(theme, "background", ""))
    assert all(contrast(Color.parse(kind), ground) >= LEAST for kind in kinds)
    assert len(set(kinds)) >= len(KINDS) - 1


def test_a_colour_is_changed_no_more_than_it_must() -> None:
    grey, white, black = Color(119, 119, 119), Color(255, 255, 255), Color(0, 0, 0)
    assert contrast(white, black) == 21
    assert contrast(grey, white) < LEAST < contrast(readable(grey, [white]), white) < LEAST + 0.6
    assert readable(grey, [black]) == grey
