"""Growing files of figures: CSV, with a header, and JSON, one object per line."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from cnn_tui.engine.errors import RunError, reason_of
from cnn_tui.engine.recording.log_rows import MOST_STEP, LogRow, RowEvents
from cnn_tui.engine.runs.follow import Tail
from cnn_tui.engine.training.events import RunEvent

CHUNK = 2 << 20
"""Bytes that a poll reads at most, so that a long file appears bit by bit."""
_STEPS = ("step", "global_step", "_step", "iteration", "iter", "steps", "train/global_step")
_EPOCHS = ("epoch", "train/epoch", "epochs")
_MOST_COLUMNS, _DEEPEST = 1_000, 4


class TableLog:
    """Follows a file of lines; a file that was replaced is read from its start again.

    Raises:
        RunError: if there is no such file.
    """

    def __init__(self, path: Path, form: str) -> None:
        self.path, self.name = path, path.name
        self._form = form
        if path.is_dir():
            raise RunError(f"{path} is a folder.", "Name the file in it.")
        if not path.is_file():
            raise RunError(f"There is no file {path}.", "Name the log of a training.")
        self._again()

    def _again(self) -> None:
        # The link that a person names is followed, those inside of folders of runs are not.
        self._tail = Tail(self.path.resolve())
        self._events = RowEvents(self.name, f"another program ({self._form.upper()} file)")
        self._header: list[str] | None = None
        self._started = False

    def poll(self) -> Iterator[RunEvent]:
        """The new events.

        Raises:
            RunError: if the file is gone, or holds no table.
        """
        try:
            self.path.stat()  # of a file that is missing, a tail waits for its beginning
            if self._tail.changed():
                self._again()
            end = min(self._tail.size(), self._tail.position + CHUNK)
            for line in self._tail.lines(end):
                row = self._row(line)
                if row is not None and row != _NOTHING:
                    yield from self._of(row)
        except FileNotFoundError:
            raise RunError(f"{self.path} is gone.") from None
        except OSError as error:
            raise RunError(f"{self.path} cannot be read: {reason_of(error)}.") from None

    @property
    def behind(self) -> bool:
        """Whether there is more to read at once."""
        return self._tail.size() - self._tail.position > CHUNK

    def _of(self, row: LogRow) -> Iterator[RunEvent]:
        if not self._started:
            self._started = True
            yield self._events.start(by_epochs=row.step is None and row.epoch is not None)
        yield from self._events.of(row)

    def _row(self, line: bytes) -> LogRow | None:
        text = line.decode("utf-8-sig", "replace").strip("\r\n")
        if not text.strip():
            return None
        if self._form == "csv":
            return self._cells(text)
        if not self._started and (text == "[" or text.startswith("[{")):
            raise RunError(
                f"{self.path} holds a list, not an object in each line.",
                f"jq -c '.[]' {self.path.name} prints it as such lines.",
            )
        return row_of(_object(text))

    def _cells(self, text: str) -> LogRow | None:
        if self._header is None:
            self._delimiter = max(",;\t|", key=text.count)
            self._header = [name.strip() for name in self._split(text)][:_MOST_COLUMNS]
            if all(map(_is_number, self._header)):
                raise RunError(
                    f"{self.path} has no header: its first line has only numbers.",
                    "Write the names of the columns there, such as step,loss,val_loss.",
                )
            return None
        cells = self._split(text)
        if self._delimiter == ";":  # where a comma separates the decimals
            cells = [cell.replace(",", ".") for cell in cells]
        named = zip(self._header, cells, strict=False)
        return row_of({name: _number(cell) for name, cell in named})

    def _split(self, text: str) -> list[str]:
        try:
            return next(csv.reader([text], delimiter=self._delimiter, skipinitialspace=True), [])
        except csv.Error:
            return []


_NOTHING = LogRow({})


def row_of(values: Mapping[str, float | None]) -> LogRow:
    """The row of some figures, its step and epoch among them."""
    figures = {name: value for name, value in values.items() if value is not None}
    by_name = {name.lower(): name for name in figures}
    step = _take(figures, by_name, _STEPS)
    epoch = _take(figures, by_name, _EPOCHS)
    return LogRow(figures, None if step is None else int(step), epoch)


def _take(
    figures: dict[str, float], by_name: Mapping[str, str], names: tuple[str, ...]
) -> float | None:
    found = [figures.pop(by_name[name]) for name in names if name in by_name]
    usable = (value for value in found if 0 <= value <= MOST_STEP)
    return next(usable, None)


def _object(text: str) -> dict[str, float | None]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return dict(_flat(value, "", 0)) if isinstance(value, dict) else {}


def _flat(value: object, name: str, depth: int) -> Iterator[tuple[str, float | None]]:
    if isinstance(value, dict) and depth < _DEEPEST:
        for key, item in list(value.items())[:_MOST_COLUMNS]:
            yield from _flat(item, f"{name}/{key}" if name else str(key), depth + 1)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        try:
            yield name, float(value)
        except OverflowError:
            yield name, math.inf


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _is_number(cell: str) -> bool:
    return _number(cell) is not None
