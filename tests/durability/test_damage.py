"""Damaged checkpoints of a real run: the one before is used, and this is reported."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from faulty import noise, tiny
from sessions import Session, assert_same, figures

from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.recorder import Policy
from cnn_tui.engine.runs.tensors import TensorFile, encode
from cnn_tui.engine.storage import Storage, replace_file
from cnn_tui.engine.training.events import Alert, BatchCompleted, RunEnded, RunStarted

DATA, NETWORK = noise(), tiny()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Session:
    return Session(tmp_path_factory.mktemp("whole"), NETWORK, DATA)


@pytest.fixture
def stopped(tmp_path: Path) -> RunFolder:
    """A run with checkpoints of its steps 2 and 3, and the best one of step 2."""
    session = Session(tmp_path, NETWORK, DATA, stop_at=3, policy=Policy(steps=1), settle=True)
    names = [path.name for path in sorted(session.folder.checkpoints.iterdir())]
    assert names == ["step-000000002.safetensors", "step-000000003.safetensors"]
    return session.folder


def latest(folder: RunFolder) -> Path:
    return folder.checkpoints / "step-000000003.safetensors"


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-5] ^= 4
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def flip_in_header(path: Path, field: bytes) -> None:
    """Change the first digit of a digest to another one."""
    content = path.read_bytes()
    at = content.index(b'\\"%s\\":\\"' % field) + len(field) + 7
    digit = b"0" if content[at : at + 1] != b"0" else b"1"
    path.write_bytes(content[:at] + digit + content[at + 1 :])


def flip_network(path: Path) -> None:
    flip_in_header(path, b"network")


def flip_data(path: Path) -> None:
    flip_in_header(path, b"data")


def sign(path: Path, field: str, value: float) -> None:
    """Rewrite a state, intact except for one senseless field."""
    file = TensorFile(path)
    meta = msgspec.json.decode(file.meta)
    meta["progress"][field] = value
    replace_file(Storage(), path, encode(file.read(), msgspec.json.encode(meta)))


def before_the_first_step(path: Path) -> None:
    sign(path, "step", -1)


def for_30_million_years(path: Path) -> None:
    sign(path, "seconds", 1e15)


DAMAGES = (
    flip, cut, empty, flip_network, flip_data, before_the_first_step, for_30_million_years,
)  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_one_before_is_used_and_that_is_said(
    damage: Callable[[Path], None], stopped: RunFolder, whole: Session
) -> None:
    damage(latest(stopped))
    session = Session(stopped, NETWORK, DATA)
    assert session.only(RunStarted)[0].from_step == 2
    (alert,) = session.only(Alert)
    assert alert.code == "checkpoint-damaged"
    assert "step-000000003" in alert.message and "resumes from step 2" in alert.message
    assert_same(session.weights, whole.weights)
    assert figures(session.folder) == figures(whole.folder)


def test_the_best_is_the_last_resort(stopped: RunFolder, whole: Session) -> None:
    for path in stopped.checkpoints.iterdir():
        flip(path)
    session = Session(stopped, NETWORK, DATA)
    assert session.only(RunStarted)[0].from_step == 2
    assert len(session.only(Alert)) > 0
    assert_same(session.weights, whole.weights)


def test_none_left_is_an_error_and_nothing_is_touched(stopped: RunFolder) -> None:
    for path in (*stopped.checkpoints.iterdir(), stopped.best_file):
        flip(path)
    before = sorted(path.name for path in stopped.path.rglob("*"))
    session = Session(stopped, NETWORK, DATA)
    end = session.only(RunEnded)[0]
    assert end.reason == "failed" and "does not match its checksum" in end.message
    assert session.only(BatchCompleted) == []
    assert sorted(path.name for path in stopped.path.rglob("*")) == before


def test_that_of_another_network_is_refused(stopped: RunFolder, tmp_path: Path) -> None:
    wider = msgspec.structs.replace(NETWORK, layers=NETWORK.layers[1:])
    other = Session(tmp_path / "other", wider, DATA, stop_at=3)
    shutil.copy(latest(other.folder), latest(stopped))
    end = Session(stopped, NETWORK, DATA).only(RunEnded)[0]
    assert end.reason == "failed" and "another architecture" in end.message


def test_torn_lines_at_the_end_are_ignored(stopped: RunFolder, whole: Session) -> None:
    for path in (stopped.events_file, stopped.metrics_file):
        path.write_bytes(path.read_bytes() + b'{"event":"batch_comp')
    session = Session(stopped, NETWORK, DATA)
    assert figures(session.folder) == figures(whole.folder)
