"""First-layer weights of a run: on their screen and by ``cnn-tui templates``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from driving import text
from runs_made import make_runs, until
from textual.widgets import Static

from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.screens.runs import RunsScreen
from cnn_tui.tui.terminal.link import Link

pytestmark = pytest.mark.slow

MakeApp = Callable[..., CnnTuiApp]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_runs(tmp_path_factory.mktemp("runs"), ())


@pytest.mark.parametrize("ascii", [False, True])
async def test_run_of_the_list_shows_its_templates(
    make_app: MakeApp, root: Path, ascii: bool
) -> None:
    app = make_app(link=Link(ascii=ascii))
    app.places.runs = root
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "quick-1" in text(app, "#runs"))
        await pilot.press("w")
        await until(pilot, lambda: "one template per class" in text(app, "#weights-words"))
        static = app.screen.query_one("#templates", Static)
        drawn = "\n".join(static.render_line(y).text for y in range(static.size.height))
        assert {"0", "5"} <= set(drawn.split())
        assert ("▀" in drawn) is not ascii and drawn.isascii() is ascii
        await pilot.press("down", "up", "escape")
        assert isinstance(app.screen, RunsScreen)


def test_command_prints_a_line_for_each_template(cli, root: Path) -> None:
    code, out, err = cli("templates", "quick-1", "--runs-dir", root, "--json")
    assert (code, err) == (0, "")
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["label"] for line in lines] == list("0123456789")
    assert {(line["kind"], line["layer"]) for line in lines} == {("class", "fc1")}
    assert all(line["shape"] == [1, 8, 8] and len(line["weight"]) == 64 for line in lines)
    out = cli("templates", "quick-1", "--runs-dir", root, "--top", 3).out.splitlines()
    assert "one template per class" in out[0] and len(out) == 2 + 3


def test_runs_without_weights_are_refused_in_one_line(cli, root: Path) -> None:
    cli("baselines", "--only", "knn", "--k", 1, "--runs-dir", root)
    for run, words in (("knn-1", "has no layers"), ("none", "none")):
        code, out, err = cli("templates", run, "--runs-dir", root)
        assert (code, out) == (1, "") and words in err and err.count("\n") == 1
