"""Invalid values in every field of every file of a run: no command crashes."""

from __future__ import annotations

import contextlib
import os
import shutil
import typing
from collections.abc import Iterable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from faulty import noise, tiny
from made import check_command, make_runs, patience
from odd_json import decodes, mutants, odd
from sessions import Session as Share

from cnn_tui.engine.baselines.record import BaselineRecord, find
from cnn_tui.engine.decoding import decode
from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.export.states import Predictor, TrainedState, read_state
from cnn_tui.engine.export.templates import first_layer
from cnn_tui.engine.runs.checkpoints import Meta, kept_states
from cnn_tui.engine.runs.compare import compare_runs
from cnn_tui.engine.runs.environment import Environment, last_environment
from cnn_tui.engine.runs.exchange import Reply
from cnn_tui.engine.runs.folder import Notes, RunFolder, RunInfo
from cnn_tui.engine.runs.follow import Follower
from cnn_tui.engine.runs.history import read_entry
from cnn_tui.engine.runs.lines import read_events
from cnn_tui.engine.runs.lock import Identity, this_process, writer_present
from cnn_tui.engine.runs.recorder import Policy
from cnn_tui.engine.runs.reproduction import original_of, plan_again
from cnn_tui.engine.runs.requests import Request, RequestInbox
from cnn_tui.engine.runs.summary import Summary
from cnn_tui.engine.runs.tensors import TensorFile, encode
from cnn_tui.engine.storage import Storage, replace_file
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import RunEnded, RunEvent, RunStarted
from cnn_tui.engine.training.settings import Settings
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.building.builder import Builder
from cnn_tui.tui.building.document import Document
from cnn_tui.tui.dashboard.board import Board, read_board
from cnn_tui.tui.dashboard.run_view import view_of
from cnn_tui.tui.history.run_rows import about, listing
from cnn_tui.tui.messages import WatchRun
from cnn_tui.tui.screens.watch import WatchScreen
from cnn_tui.tui.session import Session
from cnn_tui.tui.training import Places, Training

pytestmark = pytest.mark.slow

FILES = {
    "run.json": RunInfo,
    "summary.json": Summary,
    "notes.json": Notes,
    "lock": Identity,
    "environment.jsonl": Environment,
    "baseline.json": BaselineRecord,
}
EVENTS = typing.get_args(RunEvent)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_runs(tmp_path_factory.mktemp("made"))


@pytest.fixture
def place(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of runs, as short a path as the commands are given."""
    shutil.copytree(made, tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "runs"


def spoil(root: Path, file: str, contents: Iterable[bytes]) -> list[RunFolder]:
    """A copy of a run for each content of one of its files; all other files are shared."""
    folders = []
    for number, content in enumerate(contents):
        folder = root / f"spoilt-{number}"
        shutil.copytree(root / "quick-1", folder, copy_function=os.link)
        (folder / file).unlink(missing_ok=True)
        (folder / file).write_bytes(content)
        folders.append(RunFolder(folder))
    return folders


def look_at(folder: RunFolder, other: RunFolder) -> None:
    """Call everything that reads a run; only errors with a message may result."""
    entry = read_entry(folder)
    about(entry, "", 80)
    listing([entry] if entry else [], {})
    assert writer_present(folder) in (True, False)
    last_environment(folder)
    original_of(folder)
    kept_states(folder)
    for read in (
        lambda: compare_runs([folder, other]),
        lambda: plan_again(folder),
        lambda: use(read_state(folder)),
        lambda: list(Follower(folder).poll()),
        lambda: read_board(folder),
    ):
        with contextlib.suppress(CnnTuiError):
            read()


def use(state: TrainedState) -> None:
    first_layer(state)
    with contextlib.closing(Predictor(state)) as predictor:
        assert predictor.guesses(np.zeros(state.network.input, np.uint8), 3)


@pytest.mark.parametrize("file", FILES)
def test_a_file_can_only_be_unreadable(file: str, place: Path, cli) -> None:
    lock = msgspec.json.encode(this_process())
    real = lock if file == "lock" else (place / "quick-1" / file).read_bytes()
    folders = spoil(place, file, mutants(FILES[file], real))
    assert len(folders) > 80
    good = RunFolder(place / "quick-2")
    with patience(file):
        for folder in folders:
            look_at(folder, good)
        assert find(place, "nothing") is None
    for line in (
        "runs", "runs --json --size", "runs --sort accuracy", "runs --sort steps",
        "runs --filter x", "runs clean --json", "compare quick-1 quick-2",
    ):  # fmt: skip
        command, *rest = line.split()
        code, out = check_command(cli, command, "--runs-dir", "runs", *rest)
        assert code == 0 and ("quick-2" in out or "--filter" in line or "clean" in line), line


def test_what_a_run_says_of_its_data_can_only_be_refused(place: Path, cli) -> None:
    contents = [text for text in mutants(RunInfo) if decodes(text, RunInfo)]
    folders = spoil(place, "run.json", contents)
    for folder in folders[:: max(1, len(folders) // 40)]:
        check_command(cli, "resume", folder.name, "--runs-dir", "runs")
        check_command(cli, "watch", folder.name, "--runs-dir", "runs")


@pytest.mark.parametrize("kind", EVENTS)
def test_lines_can_only_be_left_out(kind: type, place: Path, cli) -> None:
    folder = place / "quick-1"
    lines = [text.replace(b"\n", b" ") for text in mutants(kind)]
    for name in ("events.jsonl", "metrics.jsonl"):
        (folder / name).write_bytes((folder / name).read_bytes() + b"\n".join(lines) + b"\n")
    (folder / "summary.json").unlink()
    with patience(kind):
        look_at(RunFolder(folder), RunFolder(place / "quick-2"))
    for line in (
        "runs", "compare quick-1 quick-2", "watch quick-1", "watch --json quick-1",
        "export quick-1", "export quick-1 --steps", "export quick-1 --steps --format json",
        "export quick-1 --format tensorboard --force", "export quick-1 --format pytorch --force",
        "templates quick-1", "reproduce quick-1", "resume quick-1",
    ):  # fmt: skip
        command, *rest = line.split()
        check_command(cli, command, "--runs-dir", "runs", *rest)


async def test_the_screen_of_a_run_shows_any_event_that_can_be_read(place: Path) -> None:
    folder = RunFolder(place / "quick-2")
    usual = [*read_events(folder.events_file), *read_events(folder.metrics_file)]
    training = Training(Session(lambda *_: None), Places(place))
    app = CnnTuiApp(Builder(Document(tiny())), training, watched=WatchRun(folder))
    async with app.run_test(size=(120, 40)) as pilot:
        while not isinstance(app.screen, WatchScreen):
            await pilot.pause()
        for event in (decode(text, kind) for kind in EVENTS for text in odd(kind)):
            board = Board(settings=Settings(lr=0.1))
            for one in (*usual[:3], event, *usual[-1:]):
                board.apply(one)
            watched = app.screen._watched
            watched.board = board
            watched.view = view_of(board, active=True, pausing=False, stopping=False)
            app.screen.present()
            app.screen.action_next_chart()
            app.screen.action_log_scale()
            await pilot.pause()


def test_how_a_run_began_can_only_be_refused(place: Path, cli) -> None:
    real, *others = (place / "quick-1" / "events.jsonl").read_bytes().splitlines()
    texts = [text for text in mutants(RunStarted, real) if decodes(text, RunStarted)]
    folders = spoil(place, "events.jsonl", (b"\n".join([one, *others, b""]) for one in texts))
    for folder in folders:
        look_at(folder, RunFolder(place / "quick-2"))
    for folder in folders[::20]:
        check_command(cli, "export", folder.name, "--runs-dir", "runs", "--format", "tensorboard")
    assert len(folders) > 100


def test_requests_and_answers_can_only_be_refused(tmp_path: Path) -> None:
    control = Control()
    desk = RequestInbox(tmp_path, control)
    for number, content in enumerate(mutants(Request)):
        (tmp_path / f"{number}.request.json").write_bytes(content)
    desk.serve()
    answers = [decode(path.read_bytes(), Reply) for path in tmp_path.iterdir()]
    assert len(answers) == number + 1
    for content in mutants(Reply):
        decodes(content, Reply)


def test_a_state_that_is_signed_and_makes_no_sense_is_refused(tmp_path: Path) -> None:
    data, network = noise(), tiny()
    first = Share(tmp_path, network, data, stop_at=3, policy=Policy(steps=1), settle=True)
    file = TensorFile(first.folder.states[0])
    tensors, meta = file.read(), msgspec.json.decode(file.meta)
    for number, content in enumerate(_states(meta)):
        folder = RunFolder(tmp_path / f"spoilt-{number}")
        shutil.copytree(first.folder.path, folder.path)
        replace_file(Storage(), folder.states[0], encode(tensors, content), durable=False)
        assert kept_states(folder)
        with patience(content[:200]):
            assert isinstance(Share(folder, network, data).events[-1], RunEnded)
    assert number > 100


def _states(meta: dict[str, object]) -> Iterable[bytes]:
    """Readable mutants of a state of this run."""
    for text in mutants(Meta):
        with contextlib.suppress(msgspec.DecodeError, ValueError, RecursionError):
            fields = msgspec.json.decode(text, type=dict)
            ours = {**fields, "network": meta["network"], "data": meta["data"]}
            content = msgspec.json.encode(ours)
            if decodes(content, Meta):
                yield content
