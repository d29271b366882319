"""Reproducing a run: the same bits if nothing is changed, and a report of it."""

from __future__ import annotations

import dataclasses
import shutil
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
import pytest
import sessions
from sessions import Session, assert_same, figures, noise_set, small_network

from cnn_tui.engine.errors import RunError, SpecError
from cnn_tui.engine.runs import manage
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.history import read_entry
from cnn_tui.engine.runs.reproduction import plan_again
from cnn_tui.engine.runs.train import new_run
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import (
    Alert,
    BatchCompleted,
    RunEvent,
    RunStarted,
    SettingChanged,
)

DATA = noise_set()
CODES = {"same-bits", "other-bits", "compared", "not-compared"}


def steer(event: RunEvent, control: Control) -> None:
    """A person who changes settings during the run, one of them before its first batch."""
    if isinstance(event, RunStarted) and not event.from_step:
        control.set("l2", 0.01)
    if isinstance(event, BatchCompleted) and event.step == 3:
        control.set("lr", 0.05)
    if isinstance(event, BatchCompleted) and event.step == 4:
        control.set("batch_size", 4)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Session:
    root = tmp_path_factory.mktemp("runs")
    return Session(root, small_network(optimizer="adam", flip=True), DATA, on_event=steer)


@pytest.fixture
def again(monkeypatch: pytest.MonkeyPatch):
    """Reproduces a run."""

    def train(folder: RunFolder, change: tuple[str, str] | None = None, **how: object) -> Session:
        network, plan = plan_again(folder, change)
        with monkeypatch.context() as patch:
            patch.setattr(sessions, "new_run", partial(new_run, again=plan))
            return Session(folder.path.parent, network, how.pop("data", DATA), **how)

    return train


def verdict(session: Session) -> Alert:
    (alert,) = [alert for alert in session.only(Alert) if alert.code in CODES]
    assert session.events.index(alert) == len(session.events) - 2, "the last word before the end"
    return alert


def test_the_same_run_again_has_the_same_bits(again, original: Session) -> None:
    repeated = again(original.folder, threads=4)
    assert_same(repeated.weights, original.weights)
    assert figures(repeated.folder) == figures(original.folder)
    alert = verdict(repeated)
    assert (alert.code, alert.severity) == ("same-bits", "praise")
    assert "all 12 steps" in alert.message and "weights after step 12" in alert.message
    assert repeated.only(RunStarted)[0].again_of == original.folder.name
    assert read_entry(repeated.folder).summary.again_of == original.folder.name


def test_a_repeated_run_that_is_resumed_is_steered_on(again, original: Session) -> None:
    for step in (1, 3, 4, 7):
        first = again(original.folder, stop_at=step)
        assert not CODES & {alert.code for alert in first.only(Alert)}
        last = Session(first.folder, first.folder.network(), DATA)
        assert verdict(last).code == "same-bits"
        assert_same(last.weights, original.weights)


def test_with_one_value_changed_both_are_compared(again, original: Session) -> None:
    repeated = again(original.folder, ("lr", "0.2"))
    alert = verdict(repeated)
    assert alert.code == "compared"
    assert "lr 0.2 in place of 0.01" in alert.message
    assert original.folder.name in alert.message
    changed = [event.name for event in repeated.only(SettingChanged)]
    assert changed == ["l2", "batch_size"], "what is to have another value is not changed back"
    assert repeated.only(BatchCompleted)[-1].lr == 0.2


def test_a_run_that_ended_early_is_repeated_as_far_as_it_went(again, tmp_path: Path) -> None:
    for steps, words in ((2, "no state of the same step"), (5, "the weights after step 3")):
        stopped = Session(tmp_path, small_network(), DATA, stop_at=steps)
        alert = verdict(again(stopped.folder))
        assert alert.code == "same-bits" and f"the {steps} steps of both" in alert.message
        assert words in alert.message


def test_other_bits_are_told_with_the_step_and_what_changed(again, tmp_path: Path) -> None:
    first = Session(tmp_path, small_network(), DATA)
    lines = first.folder.metrics_file.read_text().splitlines()
    line = msgspec.json.decode(lines[6])
    lines[6] = msgspec.json.encode({**line, "loss": line["loss"] + 1e-6}).decode()
    first.folder.metrics_file.write_text("\n".join([*lines, ""]))
    environment = first.folder.environment_file.read_text()
    first.folder.environment_file.write_text(environment.replace(np.__version__, "1.0"))
    alert = verdict(again(first.folder))
    assert (alert.code, alert.severity) == ("other-bits", "warning")
    assert "they differ from step 7" in alert.message
    assert f"numpy was 1.0, is {np.__version__}" in alert.message


def test_other_weights_are_told_though_every_loss_is_equal(again, tmp_path: Path) -> None:
    first = Session(tmp_path, small_network(), DATA)
    (state,) = first.folder.checkpoints.glob("*")
    content = bytearray(state.read_bytes())
    content[-1] ^= 1
    state.write_bytes(content)
    alert = verdict(again(first.folder))
    assert alert.code == "other-bits" and "but the weights after step 9 differ" in alert.message


@pytest.mark.parametrize("lost", ["deleted", "renamed"])
def test_the_run_that_is_repeated_may_go_meanwhile(again, tmp_path: Path, lost: str) -> None:
    first = Session(tmp_path, small_network(), DATA)

    def lose(event: RunEvent, control: Control) -> None:
        if isinstance(event, BatchCompleted) and event.step == 2:
            if lost == "deleted":
                shutil.rmtree(first.folder.path)
            else:
                manage.rename_run(first.folder, "other")

    repeated = again(first.folder, on_event=lose)
    alert = verdict(repeated)
    assert alert.code == "not-compared" and "run small-1 no longer exists" in alert.message
    assert repeated.events[-1].reason == "completed"


def test_other_data_is_refused_before_anything_is_written(again, original: Session) -> None:
    root = original.folder.path.parent
    before = sorted(root.iterdir())
    with pytest.raises(RunError, match="other images or labels"):
        again(original.folder, data=noise_set(seed=1))
    assert sorted(root.iterdir()) == before


def test_another_dataset_may_be_the_value_that_is_changed(again, original: Session) -> None:
    other = dataclasses.replace(noise_set(seed=1), name="hiss")
    assert verdict(again(original.folder, ("data", "hiss"), data=other)).code == "compared"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("lr", "0.01"), "lr is 0.01 in small-1 already"),
        (("lr", "fast"), "training.lr: expected a number above 0"),
        (("lrr", "1"), "no setting 'lrr' in this run"),
    ],
)
def test_a_change_that_is_none(original: Session, change: tuple[str, str], words: str) -> None:
    with pytest.raises((RunError, SpecError), match=words):
        plan_again(original.folder, change)
