"""Tables on a terminal of any width: wrapped or in records, and nothing is cut."""

from __future__ import annotations

import pytest

from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.presets import load_preset, preset_names
from cnn_tui.tui.cli import output
from cnn_tui.tui.cli.check import print_report

HEADER = ("name", "", "size", "curve", "description")
ROWS = [
    ("a-rather-long-name", "here", "60,000", "▁▂▃▄▅▆▇█", "several words that may be wrapped"),
    ("b", "", "1", "█", "one"),
]


@pytest.mark.parametrize("columns", [20, 30, 50, 60, 80, 200])
def test_nothing_is_cut(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(output, "paints", lambda stream: True)
    output.print_table(
        HEADER, ROWS, right=("size",), wrap=("description",), spare=("curve",), styles=()
    )
    printed = capsys.readouterr().out
    assert "…" not in printed
    cells = (cell for row in ROWS for at, cell in enumerate(row) if HEADER[at] != "curve")
    assert {word for cell in cells for word in cell.split()} <= set(printed.split())
    as_table = max(map(len, printed.splitlines())) <= columns
    assert as_table or columns < 50
    assert ("▁▂▃▄▅▆▇█" in printed) == (columns >= 60)


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_is_a_table_of_eighty_columns(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(output, "paints", lambda stream: True)
    print_report(check(load_preset(name)))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:2] == ["#", "layer"] and "MACs" in lines[0]
    assert max(map(len, lines)) <= 80
