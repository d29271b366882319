"""A sentence names a key as the person has it: by the table of commands, not by heart."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest
from places import WAYS, cells, reach
from runs_made import make_runs
from sweeps_made import make_sweep

from cnn_tui import tui
from cnn_tui.tui import screens
from cnn_tui.tui.actions import COMMANDS, use
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.widgets.bars import KeyBar

MakeApp = Callable[..., CnnTuiApp]

TABLES = ("actions.py", "build_actions.py", "sweep_actions.py", "lesson_actions.py", "keymap.py")
OWN = (
    "dialog.py",
    "preflight.py",
    "lr_finder.py",
    "path_prompt.py",
    "pattern.py",
    "run_picker.py",
    "transform.py",
)
"""Dialogs, whose keys are their own and cannot be changed."""
OWN_SENTENCES = (
    "drawn, enter removes it: ",
    "enter starts it, esc goes back",
    "enter trains, esc goes back",
    "In the bin; enter restores it",
    "; x stops",
    "tab completes, enter inserts",
    "k training images",
)
"""Of the keys of dialogs as well."""
WORDS = (
    "adds begins calls carries changes chooses downloads drops empties enlarges ends fetches fixes"
    " gives inserts keeps lead leads leaves lists makes marks moves offers opens pauses pause"
    " play plays quits removes reproduces restores resumes retries rewrites scrolls sets shows"
    " starts stops takes trains types undoes unfolds wraps"
)
_SAID = re.compile(
    r"(?<![\w.'\"{/-])(?:F[1-9]|[A-Za-z1-6/?]|enter|space|left|right|home|ctrl\+[a-z]|\^[a-z])"
    rf" (?:there )?(?:{'|'.join(WORDS.split())})\b|\bF[3-9]\b"
)


def _strings() -> Iterator[tuple[str, str]]:
    """The strings of the app that are no docstrings, with their places."""
    root = Path(tui.__path__[0])
    for file in root.rglob("*.py"):
        if file.name in (*TABLES, *OWN):
            continue
        tree = ast.parse(file.read_text("utf-8"))
        notes = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            text = node.value if isinstance(node, ast.Constant) and id(node) not in notes else None
            if isinstance(text, str):
                yield f"{file.relative_to(root)}:{node.lineno}", text


def test_no_sentence_has_a_key_by_heart() -> None:
    found = [(place, text) for place, text in _strings() if _SAID.search(text)]
    assert [each for each in found if not any(own in each[1] for own in OWN_SENTENCES)] == []


@pytest.fixture
def other_keys() -> Iterator[None]:
    """Every command has another key, one that no keyboard has; the keys of before still work."""
    for module in walk_packages(screens.__path__, f"{screens.__name__}."):
        import_module(module.name)  # which binds the usual keys
    use([replace(one, keys=f"key{at}", shown="") for at, one in enumerate(COMMANDS, 100)])
    yield
    use(COMMANDS)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_runs(tmp_path_factory.mktemp("runs"), (), ("--lr", "0.003"))
    make_sweep(root)
    make_sweep(root, "rates")
    return root


@pytest.mark.parametrize("scope", WAYS)
async def test_every_screen_names_the_keys_that_one_has(
    make_app: MakeApp, runs: Path, other_keys: None, scope: str
) -> None:
    app = make_app()
    app.places.runs = runs
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await reach(app, pilot, scope)
        await app.screen.query(KeyBar).remove()  # made from the bindings
        await pilot.pause()
        shown = " ".join(re.findall(r">([^<]*)</text>", cells(app)))
        assert _SAID.findall(shown) == []
