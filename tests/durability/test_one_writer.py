"""One writer per run, identified by more than its process number."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from children import start
from faulty import noise, tiny
from processes import Training, network_file
from sessions import Session

from cnn_tui.engine.errors import RunError
from cnn_tui.engine.runs.lock import (
    SILENCE,
    Identity,
    Lock,
    holder,
    lives,
    this_process,
    writer_lives,
)


@pytest.fixture
def lock_file(tmp_path: Path) -> Path:
    return tmp_path / "lock"


@pytest.fixture
def heartbeat(tmp_path: Path) -> Path:
    path = tmp_path / "summary.json"
    path.write_text("{}")
    return path


def left_behind(lock_file: Path, **changes: object) -> None:
    """The lock as another process would have left it."""
    identity = msgspec.structs.replace(this_process(), **changes)
    lock_file.write_bytes(msgspec.json.encode(identity))


def test_a_second_writer_is_refused_until_the_first_has_gone(
    lock_file: Path, heartbeat: Path
) -> None:
    lock = Lock.acquire(lock_file, heartbeat)
    assert holder(lock_file) == this_process()
    assert writer_lives(lock_file, heartbeat)
    with pytest.raises(RunError, match=f"process {os.getpid()}"):
        Lock.acquire(lock_file, heartbeat)
    lock.release()
    assert not writer_lives(lock_file, heartbeat)
    Lock.acquire(lock_file, heartbeat).release()


def test_the_heir_of_a_crashed_writer_is_seen(lock_file: Path, heartbeat: Path) -> None:
    crashed = msgspec.structs.replace(this_process(), started="1")
    lock_file.write_bytes(msgspec.json.encode(crashed).ljust(512))
    lock = Lock.acquire(lock_file, heartbeat)
    assert holder(lock_file) == this_process()
    assert writer_lives(lock_file, heartbeat)
    lock.release()


@pytest.mark.parametrize("changes", [{"started": "1"}, {"boot": "another"}, {"pid": 2**22 + 5}])
def test_a_recycled_pid_or_a_rebooted_machine_is_no_live_writer(
    changes: dict[str, object], lock_file: Path, heartbeat: Path
) -> None:
    left_behind(lock_file, **changes)
    assert not writer_lives(lock_file, heartbeat)
    Lock.acquire(lock_file, heartbeat).release()


def test_a_writer_elsewhere_is_known_by_its_heartbeat(lock_file: Path, heartbeat: Path) -> None:
    left_behind(lock_file, host="elsewhere")
    assert lives(holder(lock_file)) is None
    with pytest.raises(RunError, match="elsewhere"):
        Lock.acquire(lock_file, heartbeat)
    past = time.time() - SILENCE - 1
    os.utime(heartbeat, (past, past))
    Lock.acquire(lock_file, heartbeat).release()


def test_a_damaged_lock_is_no_writer(lock_file: Path, heartbeat: Path) -> None:
    lock_file.write_bytes(b"\x00garbage")
    assert not writer_lives(lock_file, heartbeat)
    Lock.acquire(lock_file, heartbeat).release()


def test_a_process_that_ended_is_dead_though_nobody_has_waited_for_it() -> None:
    child = start([sys.executable, "-c", IDENTITY], stdout=subprocess.PIPE, stdin=subprocess.PIPE)
    identity = msgspec.json.decode(child.stdout.readline(), type=Identity)
    assert lives(identity)
    child.send_signal(signal.SIGKILL)
    while lives(identity):
        time.sleep(0.01)
    child.communicate()
    assert not lives(identity)


IDENTITY = """
import msgspec
from cnn_tui.engine.runs.lock import this_process
print(msgspec.json.encode(this_process()).decode(), flush=True)
input()
"""


def test_two_processes_cannot_train_one_run(tmp_path: Path) -> None:
    runs = ("--runs-dir", tmp_path)
    first = Training("train", network_file(tmp_path), "--epochs", 100_000, *runs)
    run = first.wait_for("run_started")["run"]
    second = Training("resume", run, *runs)
    code, err = second.finish()
    assert code == 1
    assert f"process {first.process.pid} on" in err and err.count("\n") == 1
    first.process.send_signal(signal.SIGTERM)
    code, err = first.finish()
    assert (code, err) == (143, "")
    assert first.events[-1]["reason"] == "stopped"


def test_a_folder_that_cannot_be_written_is_said_before_training(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="Not a directory"):
        Session(tmp_path / "file" / "runs", tiny(), noise())
