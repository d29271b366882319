"""Reading a run while it is written: what is new since the last look, in the order it happened.

Works on the files alone, from any number of processes, in constant memory however long the run.
Each event is complete or not seen yet; a file that was cut and grew again, as a resume does it,
is noticed by the bytes before the place where reading stopped, and told from its start anew.
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
"""Steps of the past that are told; the figures of epochs are told all."""

_ANCHOR = 256


class Follower:
    """One reader of one run.

    After a ``RunStarted`` all that was told of steps beyond its ``from_step`` is void.
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
        """The latest event that was told, steps left out."""

    @property
    def over(self) -> bool:
        """Whether nothing more will come: the run has ended, or its writer is gone."""
        return isinstance(self.last, RunEnded) or not writer_present(self._folder)

    @property
    def step(self) -> int:
        """The latest that was told."""
        return self._step

    def poll(self) -> Iterator[RunEvent]:
        """What is new. To be read to its end before the next call.

        Raises:
            RunError: if the folder has gone, or one of the files is none.
        """
        # Asked before reading: what a writer left that has gone since is then read as well.
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
        """Both in order; an event waits for its step to be seen, unless no more will come."""
        waiting = next(steps, None)
        news = itertools.chain(self._held, self._events.events(self._events.size()))
        held: list[RunEvent] = []
        for event in news:
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
    """What was appended to a file of lines; nothing that follows a line longer than a chunk."""

    def __init__(self, path: Path) -> None:
        self.path, self.position = path, 0
        self._anchor = b""

    def size(self) -> int:
        """Bytes that are there now; none if the file is not there yet.

        Raises:
            FileNotFoundError: if the folder has gone.
        """
        try:
            return self.path.lstat().st_size
        except FileNotFoundError:
            self.path.parent.stat()
            return 0

    def changed(self) -> bool:
        """Whether what was read is no longer what stands there."""
        if not self.position:
            return False
        try:
            with open_to_read(self.path) as file:
                return self._before(file, self.position) != self._anchor
        except FileNotFoundError:
            self.path.parent.stat()
            return True

    def events(self, end: int) -> Iterator[RunEvent]:
        """The events of whole lines up to ``end``, a chunk at a time."""
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
                yield from decode_lines(chunk[:whole].splitlines())

    def skip(self, end: int) -> None:
        """Go on after the last whole line before ``end``."""
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
