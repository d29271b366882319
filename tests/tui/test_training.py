"""The run of the app without its screen: what starts it, and what is known of it."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
from children import run
from scripted import SMALL, Script, run_events, started

from cnn_tui.engine.errors import MemoryLimitError
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training.control import Control
from cnn_tui.tui.session import Emit, Runner, Session, train
from cnn_tui.tui.training import Places, Training


def made(runner: Runner, runs: Path = Path("runs")) -> Training:
    return Training(Session(runner), Places(runs))


def test_it_needs_no_textual() -> None:
    program = "import cnn_tui.tui.training, sys; sys.exit('textual' in sys.modules)"
    assert run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_run_is_folded_into_the_board() -> None:
    training = made(Script(run_events()))
    assert training.view.state == "ready"
    training.start(SMALL)
    assert training.session.join(10)
    news = training.poll()
    assert news.changed
    assert training.view.state == "done"
    assert training.board.val_loss.points()
    assert not training.poll().changed


def test_the_run_before_is_drawn_behind() -> None:
    training = made(Script(run_events()))
    training.start(SMALL)
    assert training.session.join(10)
    training.poll()
    first = training.board
    training.start(SMALL)
    assert training.earlier is first
    assert training.board is not first


def test_what_is_known_of_a_run_that_goes_has_its_present_settings() -> None:
    script = Script(run_events(), hold=5)
    training = made(script)
    assert training.network is None
    training.start(SMALL)
    assert script.held.wait(10)
    training.poll()
    changed = msgspec.structs.replace(training.board.settings, lr=0.5)
    training.board.settings = changed
    assert training.network is not None
    assert training.network.training.lr == 0.5
    script.go.set()
    assert training.session.join(10)
    assert training.network is None


def test_a_kept_run_that_has_ended_gives_its_weights_even_if_another_follows(
    tmp_path: Path,
) -> None:
    kept = msgspec.structs.replace(started(), run="small-1", path=str(tmp_path / "small-1"))
    training = made(Script([kept, *run_events()[1:]]))
    training.start(SMALL)
    assert training.session.join(10)
    training.start(SMALL)
    trained = training.poll().trained
    assert trained is not None
    assert trained.folder.name == "small-1"
    assert trained.network is SMALL


def test_a_refused_run_is_tried_again_from_the_same_weights() -> None:
    def tight(network: Network, control: Control, emit: Emit) -> None:
        raise MemoryLimitError("Training needs 9 GB.", "Batches of 8 fit.", 8)

    training = made(tight)
    training.start(SMALL)
    assert training.session.join(10)
    refusal = training.poll().refusal
    assert refusal is not None and refusal.batch == 8
    assert training.poll().refusal is None
    tried = []
    training.session.start = lambda network, runner=None: tried.append(runner)  # type: ignore[method-assign]
    training.retry(SMALL, ignore_memory=True)
    (runner,) = tried
    assert runner.func is train
    assert runner.keywords["anyway"] is True


async def test_stop_waits_for_the_end() -> None:
    training = made(Script(run_events(), hold=5))
    training.start(SMALL)
    await training.stop()
    assert not training.active
    assert training.board.stopped
