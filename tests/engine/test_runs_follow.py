"""Watching a run through its files, at any moment of their growth."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from run_events import STEPS_IN_EPOCH, batch, epoch, started

from cnn_tui.engine.errors import RunError
from cnn_tui.engine.runs.folder import RunFolder, RunInfo
from cnn_tui.engine.runs.follow import Follower
from cnn_tui.engine.runs.lines import Log, decode_event, read_events
from cnn_tui.engine.runs.lock import Lock
from cnn_tui.engine.storage import Storage
from cnn_tui.engine.training.events import (
    BatchCompleted,
    EpochCompleted,
    RunEnded,
    RunEvent,
    ValidationCompleted,
)


def story(steps: int) -> list[RunEvent]:
    events: list[RunEvent] = [started()]
    for step in range(1, steps + 1):
        events.append(batch(step))
        if step % STEPS_IN_EPOCH == 0:
            events.append(epoch(step))
    return events


ENDED = RunEnded(reason="completed", step=20, epoch=4, seconds=1.0)


class Writing:
    """A run under way whose two files are flushed by hand."""

    def __init__(self, folder: RunFolder) -> None:
        folder.path.mkdir(exist_ok=True)
        folder.info_file.write_bytes(
            msgspec.json.encode(RunInfo(created="", version="", arch="a", data="d"))
        )
        self.folder = folder
        self.events = Log(Storage(), folder.events_file)
        self.metrics = Log(Storage(), folder.metrics_file)
        self.lock: Lock | None = Lock.acquire(folder.lock_file, folder.summary_file)

    def add(self, *events: RunEvent) -> None:
        for event in events:
            (self.metrics if isinstance(event, BatchCompleted) else self.events).add(event)

    def flush(self) -> None:
        self.events.flush()
        self.metrics.flush()

    def close(self, flush: bool = True) -> None:
        if self.lock is None:
            return
        if flush:
            self.flush()
        self.events.close()
        self.metrics.close()
        self.lock.release()
        self.lock = None


@pytest.fixture
def writing(tmp_path: Path) -> Iterator[Writing]:
    run = Writing(RunFolder(tmp_path / "run-1"))
    yield run
    run.close()


def test_everything_comes_once_and_in_order(writing: Writing) -> None:
    follower, told = Follower(writing.folder), []
    assert list(follower.poll()) == []
    for event in story(20):
        writing.add(event)
        writing.flush()
        told += follower.poll()
    assert told == story(20)
    assert not follower.over
    writing.add(ENDED)
    writing.flush()
    assert list(follower.poll()) == [ENDED]
    assert follower.over


@pytest.mark.parametrize("cut", range(1, 230, 7))
def test_a_line_is_told_when_it_is_whole(cut: int, writing: Writing) -> None:
    writing.add(*story(3))
    writing.flush()
    content = writing.folder.metrics_file.read_bytes()
    writing.folder.metrics_file.write_bytes(content[:-cut])
    follower = Follower(writing.folder)
    told = list(follower.poll())
    writing.folder.metrics_file.write_bytes(content)
    assert [*told, *follower.poll()] == story(3)
    assert told == story(3)[: len(told)] and len(told) < 4


def test_an_event_waits_for_the_steps_before_it(writing: Writing) -> None:
    """Over a network the two files may appear at different times."""
    writing.add(*story(5))
    writing.events.flush()
    follower = Follower(writing.folder)
    assert list(follower.poll()) == [started()]
    writing.metrics.flush()
    assert list(follower.poll()) == story(5)[1:]


def test_what_a_dead_writer_left_is_told_though_steps_are_missing(writing: Writing) -> None:
    writing.add(*story(5))
    writing.events.flush()
    follower = Follower(writing.folder)
    list(follower.poll())
    writing.close(flush=False)
    assert list(follower.poll()) == [epoch(5)]
    assert follower.over and not isinstance(follower.last, RunEnded)


def test_a_resume_under_the_eyes_of_a_watcher(writing: Writing) -> None:
    writing.add(*story(12))
    writing.flush()
    follower = Follower(writing.folder)
    assert list(follower.poll()) == story(12)
    kept = len(b"".join(msgspec.json.encode(batch(n)) + b"\n" for n in range(1, 8)))
    events = len(b"".join(msgspec.json.encode(e) + b"\n" for e in (started(), epoch(5))))
    writing.events.close()
    writing.metrics.close()
    writing.events = Log(Storage(), writing.folder.events_file, events)
    writing.metrics = Log(Storage(), writing.folder.metrics_file, kept)
    later = [
        msgspec.structs.replace(event, seconds=99.0)
        for event in story(14)
        if isinstance(event, BatchCompleted) and event.step > 7
    ]
    writing.add(started(from_step=7), *later)
    writing.flush()
    told = list(follower.poll())
    assert told[:9] == story(7)
    assert told[9:] == [started(from_step=7), *later]


def test_many_steps_are_thinned_and_the_last_is_told(writing: Writing) -> None:
    writing.add(*story(5000))
    writing.flush()
    told = list(Follower(writing.folder, backlog=100).poll())
    steps = [event.step for event in told if isinstance(event, BatchCompleted)]
    assert 90 < len(steps) < 110 and steps[-1] == 5000
    assert steps == sorted(set(steps))
    gaps = [after - before for before, after in pairwise(steps)]
    assert max(gaps) < 3 * min(gaps[:-1])
    assert sum(isinstance(event, EpochCompleted) for event in told) == 1000
    follower = Follower(writing.folder, backlog=100)
    list(follower.poll())
    writing.add(batch(5001))
    writing.flush()
    assert list(follower.poll()) == [batch(5001)]


def test_figures_that_are_not_finite_come_back(writing: Writing) -> None:
    writing.add(started(), epoch(5, loss=math.nan))
    writing.flush()
    (found,) = [e for e in read_events(writing.folder.events_file) if isinstance(e, EpochCompleted)]
    assert math.isnan(found.val_loss) and found.train_loss == 1.0


@pytest.mark.parametrize("line", [b"", b"{}", b"[]", b"null", b'{"event":"of_tomorrow"}', b"\xff"])
def test_a_line_that_is_no_event_is_left_out(line: bytes) -> None:
    assert decode_event(line) is None


def test_an_event_of_a_later_version_with_more_fields_is_read() -> None:
    event = ValidationCompleted(step=1, epoch=1, loss=0.5, accuracy=0.5)
    line = json.dumps({**msgspec.to_builtins(event), "top5": 1.0}).encode()
    assert decode_event(line) == event


def test_a_run_deleted_while_watched(writing: Writing) -> None:
    writing.add(*story(5))
    writing.flush()
    follower = Follower(writing.folder)
    list(follower.poll())
    writing.close()
    writing.folder.path.rename(writing.folder.path.with_name("elsewhere"))
    with pytest.raises(RunError, match="run-1 was deleted or renamed"):
        list(follower.poll())
