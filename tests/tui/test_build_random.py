"""Random edits, undo and redo: nothing raises, and undo always leads back to the same bytes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from scripted import SMALL
from textual import events

from cnn_tui.engine.specs.codec import dumps_network, load_network
from cnn_tui.engine.specs.expansion import preview
from cnn_tui.engine.specs.layers import LAYER_TYPES, MaxPool
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.engine.specs.quick.parse import parse_quick
from cnn_tui.engine.specs.quick.write import to_quick
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.building.advice import advice_for, explanation_for, notes_for
from cnn_tui.tui.building.block_lines import block_lines
from cnn_tui.tui.building.branches import WRAPS
from cnn_tui.tui.building.builder import Builder
from cnn_tui.tui.building.document import Document
from cnn_tui.tui.building.fields import FieldError
from cnn_tui.tui.building.forms import form_for
from cnn_tui.tui.building.volumes import volumes

MakeApp = Callable[..., CnnTuiApp]
TIMES = int(os.environ.get("CNN_TUI_FUZZ", "1"))
"""How many times as many examples as `make test` takes; see `make fuzz`."""
LINES = (
    *("conv 8 3x3 pad same | relu", "res { conv 4 | bn } proj s2", "pool 3 2", "fc 10", "gap"),
    *("par { conv 8 1x1 } { conv 8 pad same | relu } { }", "repeat 2 { res { conv 8 } { bn } }"),
)
VALUES = ("1", "2", "3x5", "0", "yes", "no", "same", "floor", "0.5", "512", "projection", "", "-1")

WHAT = (
    *("select", "extend", "insert", "above", "line", "remove", "duplicate", "move", "field"),
    *("fix", "undo", "undo", "redo", "pattern"),
    *("fold", "unfold", "fold all", "wrap", "unwrap", "copies", "branch"),
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
        case "fold":
            made.fold()
        case "unfold":
            made.unfold()
        case "fold all":
            made.fold_all()
        case "wrap":
            made.wrap(WRAPS[first % len(WRAPS)])
        case "unwrap" | "copies":
            made.unwrap(copies=what == "copies")
        case "branch":
            made.add_branch()
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
    if made.row.folded is not None or made.row.kind == "branch":
        block_lines(made.network, made.report, made.row.block, 30, 10)
    assert parse_quick(to_quick(made.selected)) == made.selected
    assert all(0 <= at < len(made.rows) for at in made.marked)
    assert made.rows[made.cursor] is made.row


@settings(max_examples=100 * TIMES)
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
    assert back[::-1][1:] == forth[: max(0, len(back) - 1)]


def states(made: Builder, travel: Callable[[], bool]) -> Iterator[str]:
    while travel():
        yield dumps_network(made.network)


KEYS = (
    *("down", "down", "up", "end", "home", "shift+down", "shift+up", "enter", "escape", "escape"),
    *("tab", "backspace", "left", "right", "pagedown", "space", "delete", "ctrl+z", "ctrl+y"),
    *("f5", "ctrl+s", "ctrl+p", "?", "1", "2", "3", "8", "5", "x", "y", "."),
    *"iIxDJKuUvpTaabcn/oFsSWtrgmfwB",
    *("conv 8 3", "| relu", "res { conv 4 }", "]*2", "lenet5", "no/such.toml"),
)
"""Keys, and words that are typed letter by letter; all of what a person would press but leave."""
STARTS = {
    "small": SMALL,
    "nothing": Network(),
    "blocks": load_preset("resnet20"),
    "broken": Network(input=(1, 28, 28), layers=(MaxPool(kernel_size=3), *SMALL.layers)),
}
presses = st.lists(st.sampled_from(KEYS), min_size=60, max_size=120)


@pytest.mark.slow
@settings(
    max_examples=14 * TIMES,
    derandomize=TIMES == 1,
    phases=[Phase.generate],
    # The fixture only makes apps; each is one's own.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.sampled_from(sorted(STARTS)), presses)
def test_any_keys_reach_no_exception_and_undo_leads_back_to_the_same_bytes(
    make_app: MakeApp, start: str, pressed: list[str]
) -> None:
    with TemporaryDirectory() as folder, chdir(folder):
        asyncio.run(use(make_app(STARTS[start]), STARTS[start], pressed))
        # Whatever it was saved as, it is there as a whole.
        for file in Path(folder).iterdir():
            load_network(file)


async def use(app: CnnTuiApp, before: Network, pressed: list[str]) -> None:
    """Press all of it, then undo all of it, by key, in the app itself."""
    app.places.runs = Path("no-runs")
    async with app.run_test(size=(80, 24)) as pilot:
        for at in range(0, len(pressed), 12):
            for word in pressed[at : at + 12]:
                press(app, word)
            await pilot.pause()
        # A question that came last stands until it is answered.
        for _ in range(8):
            await pilot.press("escape")
        await pilot.press("1")
        app.screen.query_one("#layers").focus()
        await pilot.pause()
        end = dumps_network(app.builder.network)
        steps = app.builder.document.steps_back
        for _ in range(steps):
            press(app, "ctrl+z")
        await pilot.pause()
        assert dumps_network(app.builder.network) == dumps_network(before)
        for _ in range(steps):
            app.builder.redo()
        assert dumps_network(app.builder.network) == end
        app.training.session.stop()
    assert app.training.session.join(10)


def press(app: CnnTuiApp, word: str) -> None:
    """A key, or the letters of some words, without waiting for what they do."""
    named = word not in WORDS and len(word) > 1
    for char in [word] if named else word:
        app.post_message(events.Key(NAMES.get(char, char), None if named else char))


WORDS = tuple(word for word in KEYS if " " in word or "/" in word or word in ("]*2", "lenet5"))
NAMES = {"/": "slash", ".": "full_stop", " ": "space", "?": "question_mark"}


def test_a_network_of_nothing_takes_every_step() -> None:
    made = Builder(Document(Network()))
    for what in ("remove", "duplicate", "move", "fix", "undo", "redo", "extend", "field"):
        act(made, (what, 1, 1))
    seen(made)
