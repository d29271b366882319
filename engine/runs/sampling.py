"""Some of many lines, without reading them all."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from cnn_tui.engine.runs.lines import decode_event, decode_lines
from cnn_tui.engine.training.events import RunEvent

_LINE = 512
"""Bytes; more than any line of a step."""


def sample_events(path: Path, end: int, most: int) -> Iterator[RunEvent]:
    """About ``most`` of the events in the first ``end`` bytes, evenly spread, the last included."""
    if end <= most * _LINE:
        return _thinned(path, end, most)
    return _spread(path, end, most)


def _thinned(path: Path, end: int, most: int) -> Iterator[RunEvent]:
    with path.open("rb") as file:
        lines = file.read(end).split(b"\n")[:-1]
    stride = max(1, len(lines) // most)
    # From the end, so that the last is among them.
    return decode_lines(lines[::-1][::stride][::-1])


def _spread(path: Path, end: int, most: int) -> Iterator[RunEvent]:
    with path.open("rb", buffering=2 * _LINE) as file:
        for number in range(most):
            file.seek(number * (end - 2 * _LINE) // most)
            # The first line only if nothing was cut off before it.
            lines = islice(file, 0 if number == 0 else 1, None)
            event = decode_event(next(lines, b""))
            if event is not None:
                yield event
        file.seek(end - 2 * _LINE)
        *_, last = file.read(2 * _LINE).split(b"\n")[:-1]
        event = decode_event(last)
        if event is not None:
            yield event
