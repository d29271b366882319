"""A training of any program, recorded as a run."""

from __future__ import annotations

import argparse
import errno
import math
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from children import start

from cnn_tui.engine import record
from cnn_tui.engine.errors import RunError
from cnn_tui.engine.recording.figures import Sizes, settings
from cnn_tui.engine.recording.keeper import Keeper
from cnn_tui.engine.recording.names import known_name
from cnn_tui.engine.recording.run import RecordedRun
from cnn_tui.engine.runs.compare import compare_runs
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.follow import Follower
from cnn_tui.engine.runs.history import list_runs
from cnn_tui.engine.runs.requests import Request, send
from cnn_tui.engine.storage import Data, Storage
from cnn_tui.engine.training.events import (
    Alert,
    BatchCompleted,
    EpochCompleted,
    RunEnded,
    RunEvent,
    RunPaused,
    RunResumed,
    RunStarted,
    SettingChanged,
)


def events_of(path: Path | None) -> list[RunEvent]:
    assert path is not None
    return list(Follower(RunFolder(path)).poll())


def events_like(path: Path | None, kind: type[RunEvent]) -> list[RunEvent]:
    return [event for event in events_of(path) if isinstance(event, kind)]


def test_it_is_a_run_like_any_other(tmp_path: Path) -> None:
    config = {"model": "mlp", "data": "mine", "lr": 0.1, "optim": {"name": "sgd"}, "classes": 10}
    with record("my first: run", config=config, runs_dir=tmp_path) as run:
        for epoch in range(3):
            for _ in range(4):
                run.batch(loss=1 / (epoch + 1), accuracy=0.5, lr=0.1, f1=0.25)
            run.epoch(val_loss=0.5, val_accuracy=epoch / 4, val_f1=0.5)
    (entry,) = list_runs(tmp_path)
    assert (entry.name, entry.state, entry.unreadable) == ("my-first-run-1", "completed", "")
    assert (entry.summary.arch, entry.summary.data, entry.summary.step) == ("mlp", "mine", 12)
    assert (entry.summary.best_val_accuracy, entry.summary.best_epoch) == (0.5, 3)
    started, *_, ended = events_of(run.path)
    assert isinstance(started, RunStarted) and started.program and len(started.classes) == 10
    assert isinstance(ended, RunEnded) and (ended.reason, ended.epoch) == ("completed", 3)
    first = events_like(run.path, BatchCompleted)[0]
    assert isinstance(first, BatchCompleted) and first.scalars == {"f1": 0.25}
    last = events_like(run.path, EpochCompleted)[-1]
    assert isinstance(last, EpochCompleted) and last.scalars == {"val_f1": 0.5}
    assert (last.train_loss, last.train_accuracy, last.epoch) == (1 / 3, 0.5, 3)


def test_runs_are_compared_by_the_settings_that_they_gave(tmp_path: Path) -> None:
    for lr in (0.1, 0.2):
        with record("a", config={"lr": lr, "width": 8}, runs_dir=tmp_path) as run:
            run.batch(loss=1.0)
    compared = compare_runs([RunFolder(tmp_path / "a-1"), RunFolder(tmp_path / "a-2")])
    assert [(d.setting, d.values) for d in compared.differences] == [
        ("training.lr", ("0.1", "0.2"))
    ]


def test_what_needs_a_network_says_that_there_is_none(tmp_path: Path) -> None:
    with record("a", runs_dir=tmp_path) as run:
        run.batch(loss=1.0)
    with pytest.raises(RunError, match=r"a-1 was trained by .*: it has no network of cnn-tui"):
        RunFolder(tmp_path / "a-1").network()


@pytest.mark.parametrize(
    ("error", "reason", "message"),
    [
        (ValueError("too bad"), "failed", "ValueError: too bad"),
        (KeyboardInterrupt(), "stopped", ""),
        (SystemExit(0), "completed", ""),
    ],
)
def test_how_it_ends(error: BaseException, reason: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(type(error)), record("a", runs_dir=tmp_path) as run:
        run.batch(loss=1.0)
        raise error
    (ended,) = events_like(run.path, RunEnded)
    assert isinstance(ended, RunEnded) and (ended.reason, ended.message) == (reason, message)


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_those_who_watch_steer_it(tmp_path: Path) -> None:
    with record("a", config={"lr": 0.1}, runs_dir=tmp_path) as run:
        folder = RunFolder(tmp_path / "a-1")
        assert send(folder, Request("pause")).endswith("run.paused, which it has not done yet")
        run.batch(loss=1.0)
        assert run.paused and run.paused
        assert send(folder, Request("resume")) == "continues when it looks at run.paused"
        run.wait_while_paused()
        assert run.changed("lr") is None
        send(folder, Request("lr", 0.01))
        assert (run.changed("lr"), run.changed("lr"), run.changed("l2")) == (0.01, None, None)
        assert not run.should_stop
        send(folder, Request("pause"))
        send(folder, Request("stop"))
        assert run.should_stop and not run.paused
    kinds = [type(event) for event in events_of(run.path)]
    assert [kind for kind in kinds if kind in (RunPaused, RunResumed, SettingChanged)] == [
        RunPaused, RunResumed, SettingChanged,
    ]  # fmt: skip
    (ended,) = events_like(run.path, RunEnded)
    assert isinstance(ended, RunEnded) and ended.reason == "stopped"
    with pytest.raises(RunError, match=r"is not being trained now"):
        send(folder, Request("stop"))


def test_nothing_raises_into_the_training(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.touch()
    with record("a", runs_dir=file) as run:
        run.batch(loss=1.0)
        run.epoch()
        assert not (run.should_stop or run.paused or run.recording)
    assert "this training is not recorded: No run can be kept in" in capfd.readouterr().err
    with record("b", runs_dir=tmp_path) as run:
        run.batch({"train/loss of it": 3}, loss="high", accuracy=[1, 2], lr=None)
        run.batch(loss=1.0, accuracy=87.5)
        run.batch(loss=math.nan, lr=-1.0, big=1e300)
    run.batch(loss=1.0)
    told = capfd.readouterr().err.splitlines()
    assert told[:3] == [
        "cnn-tui: loss is left out: it is no single number but str",
        "cnn-tui: accuracy is left out: it is no single number but list",
        "cnn-tui: accuracy 87.5 is no share from 0 to 1: it has a chart of its own",
    ]
    batches = events_like(run.path, BatchCompleted)
    assert len(batches) == 3


def test_what_is_no_step_or_no_float_is_told_and_the_step_recorded(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with record("a", runs_dir=tmp_path) as run:
        for step in ("x", 1.5, math.inf, 10**400, [1]):
            run.batch(loss=10**400, step=step)
        run.batch(loss=1.0, step=9.0)
        run.batch(loss=1.0, step=np.int64(20))
        run.epoch(val_loss=10**400)
    assert set(capfd.readouterr().err.splitlines()) == {
        "cnn-tui: step is left out: it is no whole number from 0"
    }
    steps = [event.step for event in events_like(run.path, BatchCompleted)]
    assert steps == [1, 2, 3, 4, 5, 9, 20]


class FullDisk(Storage):
    """A disk on which nothing can be written any more once it is full."""

    full = False

    def write(self, file: BinaryIO, data: Data) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().write(file, data)


def test_a_full_disk_is_told_and_loses_nothing_once_it_has_room(tmp_path: Path) -> None:
    disk = FullDisk()

    def keep(*args: object) -> Keeper:
        return Keeper(*args, storage=disk)  # type: ignore[arg-type]

    run = RecordedRun("a", None, tmp_path, keep)
    run.batch(loss=1.0)
    disk.full = True
    for _ in range(100):
        run.batch(loss=1.0)
    time.sleep(0.6)
    disk.full = False
    run.close()
    codes = [alert.code for alert in events_like(run.path, Alert) if isinstance(alert, Alert)]
    assert "run-not-saved" in codes
    assert len(events_like(run.path, BatchCompleted)) == 101
    assert isinstance(events_of(run.path)[-1], RunEnded)


FORKS = """
import os, sys
from cnn_tui.engine import record
with record("a", runs_dir=sys.argv[1]) as run:
    run.batch(loss=1.0)
    child = os.fork()
    if child == 0:
        run.batch(loss=2.0)
        run.close()
        os._exit(0)
    os.waitpid(child, 0)
    run.batch(loss=3.0)
"""


def test_a_child_process_records_nothing(tmp_path: Path) -> None:
    start([sys.executable, "-W", "ignore", "-c", FORKS, str(tmp_path)]).wait()
    batches = events_like(tmp_path / "a-1", BatchCompleted)
    assert [getattr(event, "loss", 0) for event in batches] == [1.0, 3.0]


DIES = """
import os, signal, sys, time
from cnn_tui.engine import record
run = record("a", runs_dir=sys.argv[1])
for _ in range(10):
    run.batch(loss=1.0)
while '"step":10' not in open(run.path / "metrics.jsonl").read():
    time.sleep(0.01)
os.kill(os.getpid(), signal.SIGKILL)
"""
FAILS = """
import sys
from cnn_tui.engine import record
run = record("a", runs_dir=sys.argv[1])
run.batch(loss=1.0)
if len(sys.argv) > 2:
    raise ValueError("too bad")
"""


def test_a_dead_process_leaves_a_crashed_run_with_its_figures(tmp_path: Path) -> None:
    start([sys.executable, "-c", DIES, str(tmp_path)]).wait()
    (entry,) = list_runs(tmp_path)
    assert entry.state == "crashed"
    assert len(events_like(tmp_path / "a-1", BatchCompleted)) == 10


@pytest.mark.parametrize("fails", [False, True])
def test_the_end_of_the_process_ends_a_run_that_nobody_closed(fails: bool, tmp_path: Path) -> None:
    start([sys.executable, "-c", FAILS, str(tmp_path), *["fails"] * fails], stderr=-3).wait()
    (entry,) = list_runs(tmp_path)
    assert entry.state == ("failed" if fails else "completed")
    assert entry.summary.message == ("ValueError: too bad" if fails else "")


def test_of_several_processes_the_first_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "1")
    with record("a", runs_dir=tmp_path) as run:
        run.batch(loss=1.0)
        assert not run.recording and not run.should_stop
    assert list_runs(tmp_path) == []


def alerts_of(run: RecordedRun) -> list[str]:
    return [alert.code for alert in events_like(run.path, Alert) if isinstance(alert, Alert)]


def test_the_babysitter_knows_what_figures_alone_tell(tmp_path: Path) -> None:
    with record("nan", runs_dir=tmp_path) as run:
        for loss in (2.0, 1.0, math.nan, math.nan):
            run.batch(loss=loss)
        run.batch(lr=0.1)  # no loss at all is no fault
    assert alerts_of(run) == ["non-finite"]
    with record("up", config={"lr": 1.0}, runs_dir=tmp_path) as run:
        for step in range(400):
            run.batch(loss=2.0 - step / 200 if step < 200 else 5.0)
    assert alerts_of(run) == ["diverging"]
    with record("over", runs_dir=tmp_path) as run:
        for epoch in range(6):
            run.batch(loss=1 / (1 + epoch))
            run.epoch(val_loss=1 + epoch / 4)
    assert alerts_of(run) == ["overfitting"]


def test_settings_of_all_kinds() -> None:
    @dataclass
    class Inner:
        depth: int = 3

    given = argparse.Namespace(lr=0.1, inner=Inner(), big=2**70, path=Path("a"), none=None, ok=True)
    assert settings(given) == {
        "lr": 0.1, "inner.depth": 3, "big": str(2**70), "path": "a", "none": None, "ok": True,
    }  # fmt: skip
    assert settings(None) == {}
    endless: dict[str, object] = {}
    endless["itself"] = endless
    assert len(settings(endless)) == 1
    assert Sizes.of({"epochs": -1, "batch_size": 8.0, "arch": 3}).batch_size == 8


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("loss", ("loss", False)),
        ("train/loss", ("loss", False)),
        ("val_acc", ("accuracy", True)),
        ("accuracy/val", ("accuracy", True)),
        ("eval_loss", ("loss", True)),
        ("lr-SGD", ("lr", False)),
        ("lr-Adam/pg1", ("lr", False)),
        ("learning_rate", ("lr", False)),
        ("Val Accuracy", ("accuracy", True)),
        ("train loss", ("loss", False)),
        ("val_f1", ("val_f1", True)),
        ("validity", ("validity", False)),
        ("sparse_categorical_accuracy", ("accuracy", False)),
    ],
)
def test_names_of_other_libraries(name: str, known: tuple[str, bool]) -> None:
    assert known_name(name) == known
