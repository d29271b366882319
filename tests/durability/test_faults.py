"""Every disk operation fails, once or from then on: nothing saved earlier is lost."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from faulty import KINDS, FaultyStorage, noise, tiny
from sessions import Session, Weights, assert_same, figures

from cnn_tui.engine.errors import RunError
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.history import list_runs
from cnn_tui.engine.runs.names import run_names
from cnn_tui.engine.runs.recorder import Policy, Recorder
from cnn_tui.engine.runs.tensors import TensorFile
from cnn_tui.engine.runs.train import new_run
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import Alert, BatchCompleted, RunEnded, RunEvent
from cnn_tui.engine.training.trainer import Trainer
from cnn_tui.tui.cli.headless import train
from cnn_tui.tui.cli.reporters import Reporter

EVERY_STEP = Policy(steps=1)
DATA, NETWORK = noise(), tiny()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Session:
    storage = FaultyStorage()
    session = Session(
        tmp_path_factory.mktemp("runs"),
        NETWORK,
        DATA,
        policy=EVERY_STEP,
        storage=storage,
        settle=True,
    )
    session.calls = storage.calls
    return session


def faulty_session(root: Path, storage: FaultyStorage) -> Session | None:
    """The run, or None if it could not begin, which must give an error message."""
    try:
        return Session(root, NETWORK, DATA, policy=EVERY_STEP, storage=storage, settle=True)
    except RunError as error:
        assert "No space left" in error.message or "Input/output" in error.message
        assert run_names(root) == []
        return None


def check_kept(folder: RunFolder, weights: Weights) -> None:
    """No temporary and no partial file is left, and the run resumes to the same end."""
    left = [
        path.name for path in folder.path.rglob("*") if path.name.endswith((".tmp", ".damaged"))
    ]
    assert left == []
    for path in folder.path.rglob("*.safetensors"):
        TensorFile(path).read()
    assert_same(Session(folder, NETWORK, DATA).weights, weights)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_one_failure_anywhere_is_survived(kind: str, undisturbed: Session, tmp_path: Path) -> None:
    total = undisturbed.calls[kind]
    assert total >= 8
    failed_to_begin = alerts = 0
    for number in range(total):
        storage = FaultyStorage(kind, range(number, number + 1), errno.EIO)
        session = faulty_session(tmp_path / str(number), storage)
        if session is None:
            failed_to_begin += 1
            continue
        end = session.only(RunEnded)[0]
        if end.reason == "failed":
            assert "cannot be written" in end.message and end.step == 0
        else:
            assert_same(session.weights, undisturbed.weights)
            assert len(session.only(BatchCompleted)) == len(undisturbed.only(BatchCompleted))
            assert figures(session.folder) == figures(undisturbed.folder)
        alerts += bool(session.only(Alert))
        check_kept(session.folder, undisturbed.weights)
    assert failed_to_begin < total // 2 and alerts > total // 4


@pytest.mark.parametrize("kind", KINDS)
def test_a_disk_that_stays_full_ends_no_training(
    kind: str, undisturbed: Session, tmp_path: Path
) -> None:
    total = undisturbed.calls[kind]
    # Each write is tried above; a file consists of many that are all alike.
    for number in range(0, total, 5 if kind == "write" else 1):
        storage = FaultyStorage(kind, range(number, 10**9))
        session = faulty_session(tmp_path / str(number), storage)
        if session is None:
            continue
        end = session.only(RunEnded)[0]
        if end.reason == "completed":
            assert_same(session.weights, undisturbed.weights)
        check_kept(session.folder, undisturbed.weights)


def test_the_alert_says_what_where_and_that_training_goes_on(tmp_path: Path) -> None:
    storage = FaultyStorage("fsync", range(12, 10**9))
    session = Session(tmp_path, NETWORK, DATA, policy=EVERY_STEP, storage=storage, settle=True)
    alerts = [event for event in session.only(Alert) if event.code == "run-not-saved"]
    texts = [alert.message for alert in alerts]
    assert len(texts) == len(set(texts)), "each trouble is told once"
    assert any("a checkpoint cannot be saved: No space left on device" in text for text in texts)
    assert all("tiny-1" in text and "Training continues" in text for text in texts)


def test_a_disk_that_recovers_is_told_as_well(tmp_path: Path) -> None:
    storage = FaultyStorage("replace", range(4, 8))
    session = Session(tmp_path, NETWORK, DATA, policy=EVERY_STEP, storage=storage, settle=True)
    codes = [alert.code for alert in session.only(Alert)]
    assert codes[0] == "run-not-saved" and codes[-1] == "run-saved-again"


def test_a_fault_of_the_writer_itself_stops_nothing(tmp_path: Path) -> None:
    recorder = new_run(tmp_path, NETWORK, DATA, control=Control())
    events = []

    def emit(event: RunEvent) -> None:
        events.append(event)
        recorder.record(event)
        if isinstance(event, BatchCompleted):
            recorder.record(object())

    with recorder:
        Trainer(NETWORK, DATA, emit=emit, checkpointer=recorder).run()
    assert events[-1].reason == "completed"
    (alert,) = [e for e in events if isinstance(e, Alert) and e.code == "run-not-saved"][:1]
    assert "an event cannot be written: TypeError" in alert.message


@pytest.mark.parametrize("first, kind", [(6, "write"), (6, "replace")])
def test_an_end_that_could_not_be_written_is_no_success(
    first: int, kind: str, tmp_path: Path
) -> None:
    storage = FaultyStorage(kind, range(first, 10**9))
    ends = []

    class Ends(Reporter):
        def show(self, event: RunEvent) -> None:
            ends.extend([event] if isinstance(event, RunEnded) else [])

    def keep(control: Control) -> Recorder:
        return new_run(tmp_path, NETWORK, DATA, control=control, policy=Policy(storage=storage))

    with pytest.raises(RunError, match=r"The end of the run tiny-1 .* No space left on device"):
        train(NETWORK, DATA, Ends(), keep=keep)
    assert ends[0].reason == "completed"
    assert [entry.state for entry in list_runs(tmp_path)] == ["crashed"]
    (folder,) = (RunFolder(tmp_path / name) for name in run_names(tmp_path))
    assert Session(folder, NETWORK, DATA).only(RunEnded)[0].reason == "completed"


def test_a_summary_that_still_fits_does_not_claim_an_end(tmp_path: Path) -> None:
    class RoomForLittle(FaultyStorage):
        """A full disk with room for a summary, but for no state."""

        def replace(self, source: Path, target: Path) -> None:
            if target.suffix == ".safetensors":
                raise self._error()
            super().replace(source, target)

    Session(tmp_path, NETWORK, DATA, policy=EVERY_STEP, storage=RoomForLittle())
    assert [entry.state for entry in list_runs(tmp_path)] == ["crashed"]
