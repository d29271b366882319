"""Some of many lines, without reading them all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from cnn_tui.engine.files import open_to_read
from cnn_tui.engine.runs.lines import decode_lines
from cnn_tui.engine.training.events import RunEvent

_LINE = 512
"""Bytes; more than any line of a step."""
_WINDOW = 2 * _LINE
"""Holds a whole line, wherever it begins."""


def sample_events(path: Path, end: int, most: int) -> Iterator[RunEvent]:
    """About ``most`` of the events in the first ``end`` bytes, evenly spread, the last included."""
    if end <= most * _LINE:
        return _thinned(path, end, most)
    return _spread(path, end, most)


def _thinned(path: Path, end: int, most: int) -> Iterator[RunEvent]:
    with open_to_read(path) as file:
        lines = file.read(end).split(b"\n")[:-1]
    stride = max(1, len(lines) // most)
    # From the end, so that the last is among them.
    return decode_lines(lines[::-1][::stride][::-1])


def _spread(path: Path, end: int, most: int) -> Iterator[RunEvent]:
    with open_to_read(path) as file:
        for number in range(most):
            lines = _whole_lines(file, number * (end - _WINDOW) // most)
            yield from decode_lines(lines[:1])
        yield from decode_lines(_whole_lines(file, end - _WINDOW)[-1:])


def _whole_lines(file: BinaryIO, start: int) -> list[bytes]:
    """The lines that begin and end in the window from ``start`` on."""
    file.seek(start)
    lines = file.read(_WINDOW).split(b"\n")
    # The first line only if nothing was cut off before it.
    return lines[0 if start == 0 else 1 : -1]
