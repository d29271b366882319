"""What a reader sees of a sweep, from the lines of its folder."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from cnn_tui.engine.decoding import encode
from cnn_tui.engine.errors import RunError
from cnn_tui.engine.runs.exchange import Reply
from cnn_tui.engine.runs.lock import Lock
from cnn_tui.engine.sweeps.folder import (
    SweepFolder,
    SweepInfo,
    SweepStatus,
    create_sweep,
    list_sweeps,
    open_sweep,
)
from cnn_tui.engine.sweeps.lines import (
    PointRefused,
    SweepBegun,
    SweepLine,
    TrialAsked,
    TrialEnded,
    TrialReported,
    TrialStarted,
)
from cnn_tui.engine.sweeps.requests import SweepInbox, SweepRequest, ask_sweep
from cnn_tui.engine.sweeps.state import SweepFollower, read_sweep

BEGUN = SweepBegun(
    title="Learning rate",
    fields=("lr",),
    logarithmic=("lr",),
    objectives=("accuracy", "parameters"),
    directions=("maximize", "minimize"),
    total=4,
    epochs=2,
    at="2026-01-01T00:00:00.000Z",
)


def new(root: Path) -> SweepFolder:
    info = SweepInfo(created="2026-01-01T00:00:00.000Z", version="0")
    return create_sweep(root, "lr", info, "", "")


def add(folder: SweepFolder, *lines: SweepLine) -> None:
    with folder.trials_file.open("ab") as file:
        file.write(b"".join(encode(line) + b"\n" for line in lines))


def asked(number: int, parameters: int = 10) -> TrialAsked:
    return TrialAsked(
        number=number,
        values={"lr": 0.1 / (number + 1)},
        runs=(f"lr-1-{number}",),
        epochs=2,
        parameters=parameters,
        macs=100,
    )


def reported(number: int, epoch: int, value: float | None) -> TrialReported:
    return TrialReported(number=number, epoch=epoch, value=value)


def test_a_sweep_is_read_while_it_is_written(tmp_path: Path) -> None:
    folder = new(tmp_path)
    add(folder, BEGUN, asked(0), asked(2), PointRefused(number=1, values={}, reason="too large"))
    follower = SweepFollower(folder)
    state = follower.poll()
    assert (state.title, state.total, state.fields) == ("Learning rate", 4, ("lr",))
    assert [trial.state for trial in state.trials] == ["waiting", "waiting"]
    assert state.refused == {"too large": 1}
    add(
        folder,
        TrialStarted(number=0, seed=0, worker="tcp://a", attempt=1),
        reported(0, 1, 0.5),
        reported(0, 2, None),
    )
    later = follower.poll()
    first, other = later.trials
    assert (first.state, first.epoch, first.curve, first.best) == ("running", 2, (0.5, None), 0.5)
    assert other is state.trials[1]
    add(folder, TrialEnded(number=0, state="finished", value=0.5))
    assert follower.poll() == read_sweep(folder)


def test_a_trial_that_resumes_reports_its_epochs_again(tmp_path: Path) -> None:
    folder = new(tmp_path)
    add(folder, BEGUN, asked(0), reported(0, 1, 0.5), reported(0, 2, 0.6), reported(0, 2, 0.6))
    assert read_sweep(folder).trials[0].curve == (0.5, 0.6)


def test_the_front_has_what_nothing_beats_in_both(tmp_path: Path) -> None:
    folder = new(tmp_path)
    for number, (parameters, value) in enumerate([(10, 0.9), (20, 0.8), (5, 0.7), (30, 0.95)]):
        add(folder, BEGUN, asked(number, parameters))
        add(folder, TrialEnded(number=number, state="finished", value=value))
    state = read_sweep(folder)
    assert [trial.number for trial in state.front] == [2, 0, 3]
    assert state.best is not None
    assert state.best.number == 3


def test_a_sweep_without_coordinator_is_interrupted(tmp_path: Path) -> None:
    folder = new(tmp_path)
    assert read_sweep(folder).phase == "interrupted"
    folder.write_status(SweepStatus(phase="finished", workers=2, importance={"lr": 1.0}))
    state = read_sweep(folder)
    assert (state.phase, state.workers, state.importance) == ("finished", 0, {"lr": 1.0})


def test_sweeps_lie_beside_the_runs(tmp_path: Path) -> None:
    first, second = new(tmp_path), new(tmp_path)
    assert {folder.name for folder in list_sweeps(tmp_path)} == {first.name, second.name}
    assert open_sweep(tmp_path, "lr-1").runs == tmp_path
    with pytest.raises(RunError, match=r"no sweep 'lt-1'.*Did you mean lr-1"):
        open_sweep(tmp_path, "lt-1")


def test_requests_reach_the_coordinator_through_files(tmp_path: Path) -> None:
    folder = new(tmp_path)
    stop = SweepRequest("stop")
    with pytest.raises(RunError, match="is not running now"):
        ask_sweep(folder, stop)
    received: list[SweepRequest] = []

    def act(request: SweepRequest) -> Reply:
        received.append(request)
        return Reply(request.action == "stop", "stops")

    inbox, over = SweepInbox(folder.commands, act), threading.Event()

    def serve() -> None:
        while not over.is_set():
            inbox.serve()
            time.sleep(0.01)

    lock = Lock.acquire(folder.lock_file, folder.status_file)
    thread = threading.Thread(target=serve)
    thread.start()
    try:
        assert ask_sweep(folder, stop) == "stops"
        with pytest.raises(RunError, match="The coordinator of lr-1 refused"):
            ask_sweep(folder, SweepRequest("prune", number=3))
    finally:
        over.set()
        thread.join()
        lock.release()
    assert received == [stop, SweepRequest("prune", number=3)]
