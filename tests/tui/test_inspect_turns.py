"""The keys of Inspect on a network that is only described: nothing is computed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import Mock

import pytest
import pytest_asyncio
from test_inspect_place import FACTS, confusion
from textual.pilot import Pilot

from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.inspect.canvas import Drawn
from cnn_tui.tui.inspect.confusion import ConfusionSeen
from cnn_tui.tui.inspect.pane import InspectPane, ViewList
from cnn_tui.tui.inspect.source import Finding
from cnn_tui.tui.screens.inspect import InspectScreen


class Inspecting(NamedTuple):
    app: CnnTuiApp
    pilot: Pilot[None]
    screen: InspectScreen
    looks: list[bool]

    def turn_to(self, view: str) -> None:
        self.screen.turn_to(view)
        self.looks.clear()

    def show(self, drawn: Drawn) -> InspectPane:
        """Draw these numbers in the place of a view."""
        pane = self.screen.query_one(InspectPane)
        pane.seen = Mock(drawn=lambda canvas: drawn, said=())
        pane.drawn = drawn
        return pane

    async def told(self) -> str:
        await self.pilot.pause()
        return " ".join(note.message for note in self.app._notifications)


@pytest_asyncio.fixture
async def inspecting(
    make_app: Callable[..., CnnTuiApp], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Inspecting]:
    looks: list[bool] = []

    def look(self: InspectScreen, *, fresh: bool = False, start: bool = False) -> None:
        looks.append(start)

    monkeypatch.setattr(InspectScreen, "look", look)
    app = make_app()
    app.places.runs = tmp_path
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("4")
        screen = app.screen
        assert isinstance(screen, InspectScreen)
        fake: Any = Mock(facts=FACTS, source=None)
        screen._inspector = fake
        yield Inspecting(app, pilot, screen, looks)


async def test_layers_images_classes_and_states(inspecting: Inspecting) -> None:
    screen, looks = inspecting.screen, inspecting.looks
    inspecting.turn_to("filters")
    screen.action_layer(1)
    assert screen._place.wanted.layer == "conv2" and looks == [False]
    inspecting.turn_to("confusion")
    screen.action_layer(1)
    assert looks == [], "this view takes no layer"
    inspecting.turn_to("slide")
    screen.action_layer(1)
    assert screen._place.wanted.size == (16, 24)
    screen.action_image(1)
    screen.action_class(1)
    assert (screen._place.wanted.image, screen._place.wanted.of_class) == (1, "cat")
    screen.action_travel(1)
    assert screen._place.state == "60" and not await inspecting.told()
    screen.action_travel(1)
    assert screen._place.state == "20" and "Around to the other end" in (await inspecting.told())
    screen.action_flagged()
    assert screen.view.name == "ablate" and screen._place.wanted.flagged
    screen.action_undo()
    assert not screen._place.ablates


async def test_a_network_that_is_not_known_yet_takes_no_key(inspecting: Inspecting) -> None:
    screen = inspecting.screen
    inspecting.turn_to("slide")
    assert screen._inspector
    screen._inspector.facts = None
    for action in ("layer", "image", "class", "travel"):
        getattr(screen, f"action_{action}")(1)
    screen.action_flagged()
    assert inspecting.looks == []
    screen.action_act()
    assert inspecting.looks == [True], "enter begins a computation"


async def test_the_cursor_goes_from_filter_to_filter_and_page_to_page(
    inspecting: Inspecting,
) -> None:
    screen = inspecting.screen
    inspecting.turn_to("filters")
    pane = inspecting.show(Drawn([()], pages=2, order=(5, 2, 9), on_a_page=2))
    screen.action_filter(1)
    assert (pane.chosen, pane.page) == (5, 0)
    for chosen, page in ((2, 0), (9, 1)):
        screen.action_filter(1)
        assert (pane.chosen, pane.page) == (chosen, page)
    screen.action_filter(1)
    assert pane.chosen == 9 and "no more of them in this direction" in (await inspecting.told())
    screen.action_page(-1)
    assert (pane.chosen, pane.page) == (None, 0)
    screen.action_page(-1)
    assert pane.page == 0 and "no more pages" in (await inspecting.told())
    screen.action_zoom(1)
    assert "no picture that can be drawn larger" in (await inspecting.told())


async def test_the_stepper_takes_the_filter_and_moves_its_window(inspecting: Inspecting) -> None:
    screen, pilot = inspecting.screen, inspecting.pilot
    inspecting.turn_to("step")
    pane = inspecting.show(Drawn([()], order=(0, 1), window=((0, 2), (3, 3))))
    screen.action_filter(1)
    assert screen._place.wanted.filters == (0,) and inspecting.looks == [False]
    screen._found = Finding(pane.seen, FACTS, 0.1)
    screen.action_act()
    await pilot.press("down")
    assert screen._place.wanted.at == (1, 2) and not await inspecting.told()
    screen._place.move((0, 2), (3, 3), 0, 0)
    await pilot.press("right")
    assert "at the border of the output" in (await inspecting.told())
    await pilot.press("escape")
    assert isinstance(inspecting.app.focused, ViewList)


async def test_enter_opens_what_is_under_the_cursor(inspecting: Inspecting) -> None:
    screen = inspecting.screen
    inspecting.turn_to("confusion")
    seen = ConfusionSeen(confusion(0, 1, classes=FACTS.classes))  # type: ignore[arg-type]
    screen._found = Finding(seen, FACTS, 0.1)
    screen.action_act()
    assert screen.view.name == "confusion", "there is no cursor yet"
    screen._pane.chosen = 1
    screen.action_act()
    assert screen.view.name == "mistakes" and screen._place.wanted.pair == (0, 1)
