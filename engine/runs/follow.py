"""Reading a run while it is written: its new events since the last poll, in order.

A follower uses only the files, in constant memory however long the run; any number of processes
may follow one run. An event is returned once its line is complete. A file that was truncated and
grew again, as by a resume, is recognised by the bytes before the last read position, and is read
from its start again.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from cnn_tui.engine.errors import RunError
from cnn_tui.engine.files import open_to_read
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.lines import MOST_LINE, decode_lines, unreadable
from cnn_tui.engine.runs.lock import writer_present
from cnn_tui.engine.training.events import BatchCompleted, RunEnded, RunEvent, step_of

BACKLOG = 2000
"""Number of past steps that are sampled; events of epochs are all returned."""

_ANCHOR = 256


class Follower:
    """A reader of one run.

    A ``RunStarted`` invalidates all earlier events of steps beyond its ``from_step``.
    """

    def __init__(self, folder: RunFolder, backlog: int = BACKLOG) -> None:
        self._folder, self._backlog = folder, backlog
        self._begin()

    def _begin(self) -> None:
        self._events = Tail(self._folder.events_file)
        self._metrics = Tail(self._folder.metrics_file)
        self._held: list[RunEvent] = []
        self._step = 0
        self.last: RunEvent | None = None
        """The latest returned event that is not a step."""

    @property
    def over(self) -> bool:
        """Whether nothing more will come: the run has ended, or its writer is gone."""
        return isinstance(self.last, RunEnded) or not writer_present(self._folder)

    @property
    def step(self) -> int:
        """The latest step that was returned."""
        return self._step

    def poll(self) -> Iterator[RunEvent]:
        """The new events; to be exhausted before the next call.

        Raises:
            RunError: if the folder no longer exists, or a file cannot be read.
        """
        # Before reading, so that the last events of a writer that ends now are read as well.
        complete = not writer_present(self._folder)
        try:
            if self._metrics.changed() or self._events.changed():
                self._begin()
            # Steps before events: see Journal.flush.
            steps = self._new_steps()
            for event in self._merge(steps, complete):
                if isinstance(event, BatchCompleted):
                    self._step = event.step
                else:
                    self.last = event
                yield event
        except FileNotFoundError:
            raise RunError(f"The run {self._folder.name} was deleted or renamed.") from None
        except OSError as error:
            raise unreadable(self._folder.path, error) from None

    def _new_steps(self) -> Iterator[RunEvent]:
        size = self._metrics.size()
        if self._metrics.position or size == 0:
            return self._metrics.events(size)
        sample = sample_events(self._metrics.path, size, self._backlog)
        self._metrics.skip(size)
        return sample

    def _merge(self, steps: Iterator[RunEvent], complete: bool) -> Iterator[RunEvent]:
        """Steps and events in order; an event waits for its step, unless the file is complete."""
        waiting = next(steps, None)
        events = itertools.chain(self._held, self._events.events(self._events.size()))
        held: list[RunEvent] = []
        for event in events:
            while waiting is not None and step_of(waiting) <= step_of(event):
                yield waiting
                self._step = step_of(waiting)
                waiting = next(steps, None)
            if complete or waiting is not None or step_of(event) <= self._step:
                yield event
            else:
                held.append(event)
        self._held = held
        while waiting is not None:
            yield waiting
            waiting = next(steps, None)


class Tail:
    """The lines appended to a file; reading stops for good before a line longer than a chunk."""

    def __init__(self, path: Path) -> None:
        self.path, self.position = path, 0
        self._anchor = b""

    def size(self) -> int:
        """Current size in bytes; 0 if the file does not exist yet.

        Raises:
            FileNotFoundError: if the folder does not exist.
        """
        try:
            return self.path.lstat().st_size
        except FileNotFoundError:
            self.path.parent.stat()
            return 0

    def changed(self) -> bool:
        """Whether the part of the file that was already read has changed."""
        if not self.position:
            return False
        try:
            with open_to_read(self.path) as file:
                return self._before(file, self.position) != self._anchor
        except FileNotFoundError:
            self.path.parent.stat()
            return True

    def events(self, end: int) -> Iterator[RunEvent]:
        """The events of the complete lines up to ``end``, read in chunks."""
        yield from decode_lines(self.lines(end))

    def lines(self, end: int) -> Iterator[bytes]:
        """The complete lines up to ``end``, read in chunks."""
        if end <= self.position:
            return
        with open_to_read(self.path) as file:
            while self.position < end:
                file.seek(self.position)
                chunk = file.read(min(MOST_LINE, end - self.position))
                whole = chunk.rfind(b"\n") + 1
                if not whole:
                    return
                self._move(file, self.position + whole)
                yield from chunk[:whole].splitlines()

    def skip(self, end: int) -> None:
        """Continue after the last complete line before ``end``."""
        with open_to_read(self.path) as file:
            start = max(0, end - MOST_LINE)
            file.seek(start)
            self._move(file, start + file.read(end - start).rfind(b"\n") + 1)

    def _move(self, file: BinaryIO, position: int) -> None:
        self.position, self._anchor = position, self._before(file, position)

    @staticmethod
    def _before(file: BinaryIO, position: int) -> bytes:
        start = max(0, position - _ANCHOR)
        file.seek(start)
        return file.read(position - start)


_LINE = 512
"""Bytes; longer than any line of a step."""
_WINDOW = 2 * _LINE
"""Bytes; always contains a complete line."""


def sample_events(path: Path, end: int, most: int) -> Iterator[RunEvent]:
    """About ``most`` evenly spread events of the first ``end`` bytes, including the last one."""
    if end <= most * _LINE:
        return _thinned(path, end, most)
    return _spread(path, end, most)


def _thinned(path: Path, end: int, most: int) -> Iterator[RunEvent]:
    with open_to_read(path) as file:
        lines = file.read(end).split(b"\n")[:-1]
    stride = max(1, len(lines) // most)
    # From the end, so that the last one is included.
    return decode_lines(lines[::-1][::stride][::-1])


def _spread(path: Path, end: int, most: int) -> Iterator[RunEvent]:
    with open_to_read(path) as file:
        for number in range(most):
            lines = _whole_lines(file, number * (end - _WINDOW) // most)
            yield from decode_lines(lines[:1])
        yield from decode_lines(_whole_lines(file, end - _WINDOW)[-1:])


def _whole_lines(file: BinaryIO, start: int) -> list[bytes]:
    """The lines that begin and end within the window at ``start``."""
    file.seek(start)
    lines = file.read(_WINDOW).split(b"\n")
    # The first piece is a whole line only at the start of the file.
    return lines[0 if start == 0 else 1 : -1]
