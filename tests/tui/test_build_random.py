"""Random edits, undo and redo: nothing raises, and undo always leads back to the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import SMALL
from textual import events

from cnn_tui.engine.specs.codec import dumps_network
from cnn_tui.engine.specs.expansion import preview
from cnn_tui.engine.specs.layers import LAYER_TYPES
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.engine.specs.quick.parse import parse_quick
from cnn_tui.engine.specs.quick.write import to_quick
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.building.advice import advice_for, explanation_for, notes_for
from cnn_tui.tui.building.builder import Builder
from cnn_tui.tui.building.document import Document
from cnn_tui.tui.building.fields import FieldError
from cnn_tui.tui.building.forms import form_for
from cnn_tui.tui.building.volumes import volumes

MakeApp = Callable[..., CnnTuiApp]
LINES = ("conv 8 3x3 pad same | relu", "res { conv 4 | bn } proj s2", "pool 3 2", "fc 10", "gap")
VALUES = ("1", "2", "3x5", "0", "yes", "no", "same", "floor", "0.5", "512", "projection", "", "-1")

WHAT = (
    *("select", "extend", "insert", "above", "line", "remove", "duplicate", "move", "field"),
    *("fix", "undo", "undo", "redo", "pattern"),
)

Step = tuple[str, int, int]
steps = st.lists(
    st.tuples(
        st.sampled_from(WHAT),
        st.integers(0, 200),
        st.integers(0, 200),
    ),
    max_size=60,
)


def act(made: Builder, step: Step) -> None:
    what, first, second = step
    kinds = list(LAYER_TYPES)
    match what:
        case "select" | "extend":
            made.select(first % len(made.rows), extend=what == "extend")
        case "insert" | "above":
            made.insert(kinds[first % len(kinds)], 10, above=what == "above")
        case "line":
            made.insert_all(parse_quick(LINES[first % len(LINES)]))
        case "remove":
            made.remove()
        case "duplicate":
            if len(made.rows) < 60:
                made.duplicate()
        case "move":
            made.move(first % 7 - 3)
        case "field":
            edit_field(made, first, VALUES[second % len(VALUES)])
        case "fix":
            fixes = [fix for issue in made.report.issues for fix in issue.fixes]
            if fixes:
                made.fix(fixes[first % len(fixes)])
        case "undo":
            made.undo()
        case "redo":
            made.redo()
        case "pattern":
            made.insert_all(preview(shape=made.volume()).layers[:6])


def edit_field(made: Builder, which: int, text: str) -> None:
    lines = form_for(made.network, made.row).lines
    if lines:
        field, _ = lines[which % len(lines)]
        try:
            made.set_field(field.name, field.parse(text))
        except FieldError:
            return


def seen(made: Builder) -> None:
    """What the screen makes of every state."""
    form_for(made.network, made.row)
    notes = notes_for(made.network, made.row)
    advice_for(made.network, made.row, notes)
    explanation_for(made.network, made.report, made.row, notes)
    volumes(made.network, made.report)
    assert parse_quick(to_quick(made.selected)) == made.selected
    assert all(0 <= at < len(made.rows) for at in made.marked)
    assert made.rows[made.cursor] is made.row


@settings(max_examples=100)
@given(steps)
def test_every_history_leads_back_to_its_bytes(taken: list[Step]) -> None:
    made = Builder(Document(SMALL))
    for step in taken:
        act(made, step)
        seen(made)
    end = dumps_network(made.network)
    back = list(states(made, made.undo))
    assert dumps_network(made.network) == dumps_network(SMALL)
    forth = list(states(made, made.redo))
    while dumps_network(made.network) != end and made.undo():
        pass
    assert dumps_network(made.network) == end
    assert back[::-1][1:] == forth[: len(back) - 1]


def states(made: Builder, travel: Callable[[], bool]) -> Iterator[str]:
    while travel():
        yield dumps_network(made.network)


KEYS = (
    *("down", "down", "up", "end", "home", "shift+down", "shift+up", "enter", "escape", "escape"),
    *"iIxDJKuUyvpTaabc/",
    *("tab", "enter", "c", "8", "space", "r", "backspace", "left", "right", "pagedown"),
)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_random_keys_reach_no_exception(make_app: MakeApp, seed: int) -> None:
    random = Random(seed)
    before = load_preset("resnet20") if seed == 3 else SMALL
    app = make_app(before)
    async with app.run_test(size=(80, 24)) as pilot:
        for _ in range(12):
            for key in random.choices(KEYS, k=15):
                char = key if len(key) == 1 else None
                app.post_message(events.Key("slash" if key == "/" else key, char))
            await pilot.pause()
        for _ in range(4):
            await pilot.press("escape")
        while app.builder.undo():
            pass
        assert app.builder.network == before


def test_a_network_of_nothing_takes_every_step() -> None:
    made = Builder(Document(Network()))
    for what in ("remove", "duplicate", "move", "fix", "undo", "redo", "extend", "field"):
        act(made, (what, 1, 1))
    seen(made)
