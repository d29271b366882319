"""Tables on a terminal of any width: wrapped or in records, and nothing is cut."""

from __future__ import annotations

import pytest

from cnn_tui.tui.cli import output

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
