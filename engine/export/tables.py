"""Writes the metrics of a run as CSV or JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

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


def csv_lines(table: Iterator[Row], *, steps: bool, further: Sequence[str] = ()) -> Iterator[str]:
    """Yield a header and the rows; numbers are parsed back as the same bits.

    The further figures of another program have a column each, if ``further`` names them.
    """
    names = _own_names(BatchCompleted if steps else EpochCompleted)
    yield csv_line([*names, *further])
    for row in table:
        known = row.scalars or {}
        own = [getattr(row, name) for name in names]
        yield csv_line([*own, *(known.get(name) for name in further)])


def further_names(table: Iterator[Row]) -> list[str]:
    """The names of all further figures, in the order in which they first occur."""
    return list(dict.fromkeys(name for row in table for name in row.scalars or {}))


def _own_names(kind: type[Row]) -> list[str]:
    return [name for name in kind.__struct_fields__ if name != "scalars"]


def json_lines(table: Iterator[Row]) -> Iterator[str]:
    """Yield an array of objects, one per line; non-finite numbers are null."""
    before = "["
    for row in table:
        values = {name: getattr(row, name) for name in _own_names(type(row))}
        if row.scalars:
            values["scalars"] = row.scalars
        yield f"{before}\n{msgspec.json.encode(values).decode()}"
        before = ","
    yield "[]\n" if before == "[" else "\n]\n"


def csv_line(cells: Iterable[object]) -> str:
    """A line of CSV, with its end."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
