"""Run folders from elsewhere: linked, damaged, with clocks that disagree."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from faulty import noise, tiny
from made import check_command, contents, make_runs, patience
from PIL import Image
from processes import Training, network_file
from sessions import Session

from cnn_tui.engine.decoding import UnreadableError, decode
from cnn_tui.engine.errors import RunError
from cnn_tui.engine.files import open_to_read, read_end, read_file
from cnn_tui.engine.runs.checkpoints import kept_states
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.lines import MOST_LINE, decode_event, read_events
from cnn_tui.engine.runs.lock import SILENCE, Lock, this_process, writer_lives
from cnn_tui.engine.runs.recorder import Policy
from cnn_tui.engine.runs.tensors import TensorFile, encode
from cnn_tui.engine.storage import Storage, clear_temporaries, replace_file
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import (
    Alert,
    BatchCompleted,
    RunEnded,
    RunEvent,
    SettingChanged,
)
from cnn_tui.tui.dashboard.series import sparkline
from cnn_tui.tui.history.continuing import LOG, resume_detached


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_runs(tmp_path_factory.mktemp("made"))


@pytest.fixture
def place(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(made, tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def done(cli, line: str) -> str:
    """The output of a command that must succeed."""
    command, *rest = line.split()
    code, out = check_command(cli, command, "--runs-dir", "runs", *rest)
    assert code == 0, (line, out)
    return out


@pytest.mark.parametrize("target", ["../big/quick-1", "{place}/big/quick-1"])
def test_a_run_that_is_a_link_works_with_every_command(target: str, place: Path, cli) -> None:
    (place / "big").mkdir()
    (place / "runs" / "quick-1").rename(place / "big" / "quick-1")
    (place / "runs" / "quick-1").symlink_to(target.format(place=place))
    for line in (
        "runs --size", "runs states quick-1", "compare quick-1 quick-2", "watch quick-1",
        "export quick-1", "export quick-1 --format safetensors --force", "templates quick-1",
        "resume quick-1 --epochs 2", "reproduce quick-1", "runs tag quick-1 new",
        "runs note quick-1 new", "runs rename quick-1 other", "runs rename other quick-1",
        "runs clean --states --yes", "runs delete quick-1", "runs restore quick-1",
    ):  # fmt: skip
        done(cli, line)
    assert done(cli, "watch --json quick-1") and "quick-1" in done(cli, "runs")
    done(cli, "runs delete quick-1")
    assert json.loads(done(cli, "runs bin --json"))[0]["name"] == "quick-1"
    before = contents(place / "big")
    assert "1 link to folders elsewhere, which stay" in done(cli, "runs empty-bin --yes")
    assert contents(place / "big") == before and done(cli, "runs bin") == "The bin is empty.\n"


def test_a_bin_that_is_a_link_takes_and_gives_nothing(place: Path, cli) -> None:
    elsewhere = place / "elsewhere"
    shutil.copytree(place / "runs", elsewhere)
    (place / "runs" / ".bin").symlink_to(elsewhere)
    before = contents(elsewhere)
    code, out = check_command(cli, "runs", "--runs-dir", "runs", "delete", "quick-1")
    assert code == 1 and ".bin is a link, not a folder" in out
    assert done(cli, "runs bin") == done(cli, "runs empty-bin --yes") == "The bin is empty.\n"
    assert check_command(cli, "runs", "--runs-dir", "runs", "restore", "quick-2")[0] == 1
    assert contents(elsewhere) == before


@pytest.mark.parametrize("name", ["checkpoints", "commands"])
def test_a_linked_folder_inside_is_refused_with_its_name(name: str, place: Path, cli) -> None:
    folder = place / "runs" / "quick-1"
    shutil.move(folder / name, place / name)
    (folder / name).symlink_to(place / name)
    code, out = check_command(cli, "resume", "quick-1", "--runs-dir", "runs")
    assert code == 1 and f"{name} is a link, not a folder" in out and f"runs/quick-1/{name}" in out


@pytest.mark.parametrize("name", ["run.json", "lock", "events.jsonl", "network.toml"])
def test_the_file_that_is_refused_is_named(name: str, place: Path, cli) -> None:
    path = place / "runs" / "quick-1" / name
    path.unlink()
    path.symlink_to(place / "runs" / "quick-2" / name)
    code, out = check_command(cli, "resume", "quick-1", "--runs-dir", "runs")
    assert code == 1 and f"{name} is a link" in out


def test_zero_bytes_in_place_of_metrics_are_no_steps(place: Path, cli) -> None:
    path = place / "runs" / "quick-1" / "metrics.jsonl"
    path.write_bytes(bytes(5_000_000))
    assert "completed" in done(cli, "watch quick-1")
    done(cli, "resume quick-1")
    assert path.read_bytes() == b""


def test_a_line_without_end_is_not_collected(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with path.open("wb") as file:
        file.write(b'{"event":"run_paused","step":1}\n')
        file.truncate(1 << 28)
    tracemalloc.start()
    assert len(list(read_events(path))) == 1
    assert tracemalloc.get_traced_memory()[1] < 8 * MOST_LINE
    tracemalloc.stop()


def test_an_end_whose_test_loss_was_no_number_can_be_told(place: Path, cli) -> None:
    path = place / "runs" / "quick-1" / "events.jsonl"
    lines = path.read_text().splitlines()
    end = json.loads(lines[-1])
    assert end["event"] == "run_ended" and end["test_accuracy"] is not None
    path.write_text("\n".join([*lines[:-1], json.dumps(end | {"test_loss": None})]) + "\n")
    assert "test loss nan" in done(cli, "watch quick-1")


def test_figures_that_were_no_numbers_are_read_as_such() -> None:
    line = b'{"event":"validation_completed","step":1,"epoch":1,"loss":null,"accuracy":0.5}'
    event = decode_event(line)
    assert event is not None and event.loss != event.loss and event.accuracy == 0.5
    unknown = decode_event(line.replace(b"0.5", b"null"))  # of another program's training
    assert unknown is not None and unknown.accuracy != unknown.accuracy
    assert decode_event(line.replace(b'"step":1', b'"step":null')) is None
    assert decode_event(b'{"event":"run_paused","step":1,"loss":null}') is not None
    assert sparkline([0.0, float("nan"), 1.0], 3) == "▁ ▇"
    assert sparkline([float("nan")], 3) == " "


@pytest.mark.parametrize("content", [b"[" * 300_000, b'{"a":' * 300_000, b"\xff", b"9" * 9_999])
def test_whatever_is_wrong_with_json_is_one_kind_of_error(content: bytes) -> None:
    with pytest.raises(UnreadableError):
        decode(content, dict)


def foreign(folder: RunFolder, age: float) -> None:
    """A lock of another machine and a heartbeat of some age."""
    identity = msgspec.structs.replace(this_process(), host="elsewhere")
    folder.lock_file.write_bytes(msgspec.json.encode(identity))
    then = time.time() - age
    os.utime(folder.summary_file, (then, then))


@pytest.mark.parametrize(
    ("age", "alive"), [(5, True), (-5, True), (2 * SILENCE, False), (-86_400, False)]
)
def test_a_heartbeat_far_from_now_is_none(age: float, alive: bool, place: Path, cli) -> None:
    folder = RunFolder(place / "runs" / "quick-1")
    foreign(folder, age)
    assert writer_lives(folder.lock_file, folder.summary_file) == alive
    code, out = check_command(cli, "resume", "quick-1", "--runs-dir", "runs")
    assert code == alive and ("is being trained by" in out) == alive


def test_a_second_writer_goes_by_the_clock_of_the_disk(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = RunFolder(place / "runs" / "quick-1")
    foreign(folder, 5)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 3600)
    with pytest.raises(RunError, match="is being trained by"):
        Lock.acquire(folder.lock_file, folder.summary_file)


def test_a_pipe_among_the_requests_holds_nothing_up(tmp_path: Path) -> None:
    def put(event: RunEvent, control: Control) -> None:
        if isinstance(event, BatchCompleted) and event.step == 1:
            (commands,) = tmp_path.glob("*/commands")
            os.mkfifo(commands / "0.request.json")
            (commands / "1.request.json").mkdir()
            (commands / "2.request.json").symlink_to("/dev/zero")
            # One that can be obeyed, though not answered.
            (commands / "3.answer.json").mkdir()
            (commands / "3.request.json").write_text('{"action":"lr","lr":0.5}')

    with patience("requests"):
        session = Session(tmp_path, tiny(3), noise(), on_event=put, settle=True)
        beat = session.folder.summary_file.stat().st_mtime
    assert session.only(RunEnded)[0].reason == "completed"
    alerts = [one.message for one in session.only(Alert) if one.code == "run-not-saved"]
    assert len(alerts) == 1 and "a request cannot be answered" in alerts[0]
    assert len(session.only(SettingChanged)) == 1 and time.time() - beat < 60
    left = {path.name for path in session.folder.commands.iterdir()}
    assert left == {"0.request.json", "1.request.json", "2.request.json", "3.answer.json"}


def test_a_pipe_among_the_requests_leaves_heartbeat_and_term(tmp_path: Path) -> None:
    training = Training("train", network_file(tmp_path), "--epochs", 4000, "--runs-dir", tmp_path)
    folder = RunFolder(Path(training.wait_for("run_started")["path"]))
    try:
        os.mkfifo(folder.commands / "0.request.json")
        beats = set[int]()
        while len(beats) < 3 and training.wait_for("epoch_completed"):
            beats |= {path.stat().st_mtime_ns for path in folder.path.glob("summary.json")}
        training.process.send_signal(signal.SIGTERM)
        code, err = training.finish()
        assert code == 143, err
    finally:
        training.process.kill()
    assert kept_states(folder) and training.events[-1]["reason"] == "stopped"


@pytest.mark.parametrize("put", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("victim")])
def test_a_process_of_its_own_prints_into_no_trap(
    put: Callable[[Path], object], place: Path
) -> None:
    log = place / "runs" / "quick-1" / LOG
    log.unlink()
    put(log)
    with patience(put), pytest.raises(RunError, match=f"{LOG} is"):
        resume_detached(RunFolder(log.parent))
    assert not (log.parent / "victim").exists()


@pytest.mark.parametrize("value", [np.nan, np.inf, 3e38])
def test_weights_that_are_no_numbers_can_be_used_all_the_same(
    value: float, place: Path, cli
) -> None:
    Image.new("L", (8, 8), 128).save("picture.png")
    path = RunFolder(place / "runs" / "quick-1").best_file
    file = TensorFile(path)
    tensors = {name: np.full_like(array, value) for name, array in file.read().items()}
    replace_file(Storage(), path, encode(tensors, file.meta))
    for line in (
        "predict quick-1 picture.png", "predict --json quick-1 picture.png", "templates quick-1",
        "templates --json quick-1", "export quick-1 --format pytorch --force",
    ):  # fmt: skip
        done(cli, line)


def test_temporaries_go_where_nobody_could_lay_a_trap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    monkeypatch.setattr("os.urandom", bytes)
    trap = tmp_path / f".cnn-tui-{bytes(8).hex()}.tmp"
    trap.symlink_to(victim)
    with pytest.raises(OSError, match="is a link"):
        replace_file(Storage(), tmp_path / "notes.json", [b"{}"])
    assert victim.read_text() == "untouched" and trap.is_symlink()
    assert not (tmp_path / "notes.json").exists()


def test_what_a_killed_process_left_is_cleared_and_nothing_else(tmp_path: Path) -> None:
    first = Session(tmp_path / "runs", tiny(), noise(), stop_at=2, policy=Policy(steps=1))
    victim = tmp_path / "victim.tmp"
    victim.write_text("untouched")
    for place in (first.folder.path, first.folder.checkpoints, first.folder.commands):
        (place / ".cnn-tui-0123456789abcdef.tmp").write_text("half")
        (place / ".summary.json.tmp").write_text("of an older version")
        (place / ".linked.tmp").symlink_to(victim)
        (place / ".folder.tmp").mkdir()
    Session(first.folder, tiny(), noise())
    left = {path.name for path in first.folder.path.rglob("*.tmp")}
    assert left == {".linked.tmp", ".folder.tmp"} and victim.read_text() == "untouched"


def test_reading_ends_at_the_bound(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    assert read_file(path, 10) == b"0123456789" and read_end(path, 3) == b"789"
    assert read_end(path, 99) == b"0123456789"
    with pytest.raises(OSError, match="larger than"):
        read_file(path, 9)
    clear_temporaries(tmp_path / "nowhere")
    for odd in (tmp_path, Path("/dev/zero"), Path("/dev/stdin")):
        with pytest.raises(OSError, match=r"not a file|is a link"):
            open_to_read(odd)
