"""The rows of runs and what is told of one, without a screen."""

from __future__ import annotations

from pathlib import Path

import pytest
from runs_made import make_runs

from cnn_tui.engine.runs.folder import open_run
from cnn_tui.engine.runs.history import RunEntry
from cnn_tui.engine.runs.summary import Summary
from cnn_tui.engine.specs.paths import value_words
from cnn_tui.tui.history.differing import Recipes
from cnn_tui.tui.history.run_rows import about, listing

pytestmark = pytest.mark.slow


def test_why_a_run_failed_is_never_cut() -> None:
    reason = "the loss is nan; " + "the first layer with values that are not finite is fc1. " * 4
    summary = Summary(arch="net", data="digits", state="failed", message=reason.strip())
    entry = RunEntry(name="a", path="a", state="failed", summary=summary, tags=(), note="")
    lines = ["".join(run for run, _ in line) for line in about(entry, "", 78)]
    assert all(len(line) <= 78 for line in lines)
    assert reason.strip() in " ".join(" ".join(lines).split())


def test_curves_of_a_list_are_on_one_scale() -> None:
    entries = [
        RunEntry(
            name=name, path=name, state="completed", tags=(), note="",
            summary=Summary(arch="net", data="digits", curve=curve),
        )
        for name, curve in (("good", [0.5, 0.99]), ("poor", [0.5, 0.8]))
    ]  # fmt: skip
    columns, rows = listing(entries, {})
    at = [column.title for column in columns].index("val accuracy")
    assert [row.cells[at] for row in rows] == ["▁▇", "▁▅"]
    assert not {"tags", "what differs"} & {column.title for column in columns}


@pytest.mark.parametrize(
    ("value", "words"),
    [('"momentum"', "momentum"), ("null", "off"), ("true", "yes"), ("[3,3]", "3x3"),
     ("[0.9, 0.999]", "0.9 0.999"), ("1000000.0", "1000000"), ("32", "32"), ("", "-")],
)  # fmt: skip
def test_settings_are_words(value: str, words: str) -> None:
    assert value_words(value) == words


def test_numbers_that_were_drawn_at_random_are_short(tmp_path: Path) -> None:
    runs = make_runs(tmp_path, ("--lr", "0.00012345678"), ("--lr", "0.02"))
    folders = [open_run(runs, path.name) for path in sorted(runs.iterdir())]
    assert sorted(Recipes().differences(folders).values()) == ["lr 0.0001235", "lr 0.02"]
