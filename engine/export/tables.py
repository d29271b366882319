"""Writes the metrics of a run as CSV or JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import msgspec

from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.lines import read_events
from cnn_tui.engine.training.events import BatchCompleted, EpochCompleted

Row = BatchCompleted | EpochCompleted


def rows(folder: RunFolder, *, steps: bool) -> Iterator[Row]:
    """Return the events of the epochs or, with ``steps``, of the steps of a run."""
    if steps:
        return (e for e in read_events(folder.metrics_file) if isinstance(e, BatchCompleted))
    return (e for e in read_events(folder.events_file) if isinstance(e, EpochCompleted))


def csv_lines(table: Iterator[Row], *, steps: bool) -> Iterator[str]:
    """Yield a header and the rows; numbers are parsed back as the same bits."""
    names = (BatchCompleted if steps else EpochCompleted).__struct_fields__
    yield _line(names)
    for row in table:
        yield _line([getattr(row, name) for name in names])


def json_lines(table: Iterator[Row]) -> Iterator[str]:
    """Yield an array of objects, one per line; non-finite numbers are null."""
    before = "["
    for row in table:
        values = {name: getattr(row, name) for name in row.__struct_fields__}
        yield f"{before}\n{msgspec.json.encode(values).decode()}"
        before = ","
    yield "[]\n" if before == "[" else "\n]\n"


def _line(cells: object) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)  # type: ignore[arg-type]
    return text.getvalue()
