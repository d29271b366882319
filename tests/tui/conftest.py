"""Lets the tests of the app import their helpers; makes the app on a scripted run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet

# Test folders are no packages, so that their helpers are found by name.
sys.path.append(str(Path(__file__).parent))

from scripted import SMALL, Script, run_events
from settling import settling
from terminal import Terminal

from cnn_tui.engine.specs.network import Network
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.building.builder import Builder
from cnn_tui.tui.building.document import Document
from cnn_tui.tui.session import Runner, Session
from cnn_tui.tui.terminal.link import Link
from cnn_tui.tui.training import Places, Training

MakeApp = Callable[..., CnnTuiApp]


@pytest.fixture(autouse=True, scope="session")
def style_sheets_are_parsed_once() -> Iterator[None]:
    """Each app parses the same rules; Textual's own cache of them, made to serve all apps.

    Without it that is a quarter of the time of these tests.
    """
    parse, parsed = Stylesheet._parse_rules, dict[object, list[RuleSet]]()

    def parse_once(self: Stylesheet, css: str, **how: Any) -> list[RuleSet]:
        key = (css, *how.values(), *self._variables.items())
        if key not in parsed:
            parsed[key] = parse(self, css, **how)
        return parsed[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stylesheet, "_parse_rules", parse_once)
        yield


@pytest.fixture(autouse=True, scope="session")
def keys_are_waited_for_by_their_effect() -> Iterator[None]:
    with settling():
        yield


@pytest.fixture
def make_app() -> MakeApp:
    """Makes the app on a network, with a scripted run instead of a trainer."""

    def make(
        network: Network = SMALL,
        runner: Runner | None = None,
        source: Path | None = None,
        link: Link | None = None,
    ) -> CnnTuiApp:
        training = Training(Session(runner or Script(run_events())), Places())
        return CnnTuiApp(Builder(Document(network, source)), training, link)

    return make


Start = Callable[..., Terminal]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts programs in terminals of their own."""
    terminals: list[Terminal] = []

    def begin(program: str, **environ: str) -> Terminal:
        terminals.append(Terminal(program, **environ))
        return terminals[-1]

    yield begin
    for terminal in terminals:
        terminal.close()
