"""Steering a trainer through its folder."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sessions import Session, noise_set, small_network

from cnn_tui.engine.errors import RunError
from cnn_tui.engine.runs.exchange import Reply
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.lock import Lock
from cnn_tui.engine.runs.requests import Request, RequestInbox, send
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import (
    BatchCompleted,
    RunEnded,
    RunEvent,
    RunPaused,
    RunResumed,
    RunStarted,
    SettingChanged,
)
from cnn_tui.engine.training.settings import Settings

BEFORE = Settings(lr=0.1)


class Steered:
    """A run in a thread that trains until it is stopped; its events can be awaited."""

    def __init__(self, root: Path) -> None:
        self.seen: list[RunEvent] = []
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._train, args=(root,))
        self._thread.start()
        started = self.wait_for(lambda event: isinstance(event, RunStarted))
        self.folder = RunFolder(Path(started.path))

    def _train(self, root: Path) -> None:
        def note(event: RunEvent, control: Control) -> None:
            with self._news:
                self.seen.append(event)
                self._news.notify_all()

        Session(root, small_network(epochs=100_000), noise_set(), on_event=note)

    def wait_for(self, wanted: Callable[[RunEvent], bool]) -> RunEvent:
        with self._news:
            self._news.wait_for(lambda: any(map(wanted, self.seen)), timeout=60)
            return next(filter(wanted, self.seen))

    def join(self) -> None:
        self._thread.join()


def test_a_run_is_paused_changed_continued_and_stopped(tmp_path: Path) -> None:
    run = Steered(tmp_path)
    assert "pauses" in send(run.folder, Request("pause"))
    paused = run.wait_for(lambda event: isinstance(event, RunPaused))
    assert "0.003" in send(run.folder, Request("lr", 0.003))
    assert "resumes" in send(run.folder, Request("resume"))
    run.wait_for(lambda event: isinstance(event, RunResumed))
    changed = run.wait_for(lambda event: isinstance(event, SettingChanged))
    assert (changed.step, changed.name, changed.new) == (paused.step, "lr", 0.003)
    after = run.wait_for(lambda event: isinstance(event, BatchCompleted) and event.lr == 0.003)
    assert after.step == paused.step + 1
    assert "stops" in send(run.folder, Request("stop"))
    assert run.wait_for(lambda event: isinstance(event, RunEnded)).reason == "stopped"
    run.join()
    with pytest.raises(RunError, match="is not being trained"):
        send(run.folder, Request("pause"))
    assert list(run.folder.commands.iterdir()) == []


@pytest.fixture
def desk(tmp_path: Path) -> tuple[RequestInbox, Control, Path]:
    control = Control()
    return RequestInbox(tmp_path, control), control, tmp_path


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b'{"action":"explode"}', b'{"action":"lr"}', b'{"action":"lr","lr":-1}',
        b'{"action":"lr","lr":1e9}', b'{"action":"pause","more":1}', b"[" * 99,
    ],
)  # fmt: skip
def test_nonsense_is_answered_and_does_nothing(
    content: bytes, desk: tuple[RequestInbox, Control, Path]
) -> None:
    server, control, folder = desk
    (folder / "1.request.json").write_bytes(content)
    server.serve()
    (answer,) = folder.iterdir()
    assert answer.name == "1.answer.json" and b'"accepted":false' in answer.read_bytes()
    assert not control.paused and not control.stopping and control.take_changes(BEFORE) == BEFORE


def test_requests_to_an_earlier_trainer_are_forgotten(
    desk: tuple[RequestInbox, Control, Path],
) -> None:
    server, control, folder = desk
    (folder / "1.request.json").write_bytes(b'{"action":"stop"}')
    server.clear()
    server.serve()
    assert list(folder.iterdir()) == [] and not control.stopping


def test_a_request_that_was_taken_back_is_not_obeyed(
    desk: tuple[RequestInbox, Control, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, control, folder = desk
    (folder / "1.request.json").write_bytes(b'{"action":"stop"}')
    unlink = Path.unlink

    def twice(path: Path, missing_ok: bool = False) -> None:
        unlink(path)
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", twice)
    server.serve()
    assert list(folder.iterdir()) == [] and not control.stopping


def test_a_trainer_that_does_not_answer_is_said_so(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.commands.mkdir()
    lock = Lock.acquire(folder.lock_file, folder.summary_file)
    with pytest.raises(RunError, match="does not answer"):
        send(folder, Request("pause"), patience=0.2)
    assert list(folder.commands.iterdir()) == []
    folder.commands.rmdir()
    with pytest.raises(RunError, match="cannot be written"):
        send(folder, Request("pause"))
    lock.release()


def test_a_refusal_reaches_the_one_who_asked(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.commands.mkdir()
    lock = Lock.acquire(folder.lock_file, folder.summary_file)
    desk = RequestInbox(folder.commands, Control())
    done = threading.Event()

    def serve() -> None:
        while not done.wait(0.01):
            desk.serve()

    thread = threading.Thread(target=serve)
    thread.start()
    with pytest.raises(
        RunError, match="refused: the request is invalid: the learning rate is missing"
    ):
        send(folder, Request("lr"))
    done.set()
    thread.join()
    lock.release()
    assert Reply(True, "x").accepted
