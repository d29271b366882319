"""Portions of a training, and its ends: asked for, by patience, with the best weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from sessions import Session, assert_same, figures, small_network
from steered import DATA, IMAGES, Run, still

from cnn_tui.engine.runs.recorder import Policy
from cnn_tui.engine.specs.codec import dumps_network, loads_network
from cnn_tui.engine.training.checkpointer import Checkpointer
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import (
    Alert,
    EpochCompleted,
    LayersMeasured,
    RunPaused,
    RunResumed,
    RunStarted,
)
from cnn_tui.engine.training.snapshot import Snapshot


def test_batch_by_batch() -> None:
    """Every pause is answered with one more batch."""
    run = Run(after1=Control.pause, paused=lambda control: control.run_one("batch"))
    steps = len(run.batches)
    assert [event.step for event in run.only(RunPaused)] == list(range(1, steps))
    assert len(run.only(RunResumed)) == steps - 1
    assert [b.loss for b in run.batches] == [b.loss for b in Run().batches]


def test_epoch_by_epoch() -> None:
    run = Run(after2=Control.pause, paused=lambda control: control.run_one("epoch"))
    ends = [event.step for event in run.only(EpochCompleted)]
    assert [event.step for event in run.only(RunPaused)] == [2, *ends[:-1]]
    paused = [run.events.index(event) for event in run.only(RunPaused)[1:]]
    assert all(isinstance(run.events[place - 1], EpochCompleted | Alert) for place in paused)


def test_going_on_forgets_the_portion() -> None:
    def go_on(control: Control) -> None:
        control.run_one("batch")
        control.resume()

    assert len(Run(after1=Control.pause, paused=go_on).only(RunPaused)) == 1
    control = Control()
    control.run_one("epoch")
    control.has_done("batch")
    assert not control.paused
    control.has_done("epoch")
    assert control.paused


class Saves(Checkpointer):
    """Notes at which steps it was asked to keep something."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[int] = []

    def save(self, snapshot: Snapshot, *, best: bool = False, lasting: bool = False) -> None:
        if not best:
            self.steps.append(snapshot.progress.step)


def test_stop_keeps_the_state_or_not() -> None:
    kept, thrown = Saves(), Saves()
    assert not Run(None, kept, after2=Control.stop).end.discarded
    assert Run(None, thrown, after2=lambda control: control.stop(keep=False)).end.discarded
    assert (kept.steps, thrown.steps) == ([2], [])


def accuracies(run: Run) -> list[float]:
    return [epoch.val_accuracy for epoch in run.only(EpochCompleted)]


def test_patience_ends_the_run_so_many_epochs_after_the_best() -> None:
    whole = accuracies(Run(small_network(epochs=30)))
    for patience in (1, 2, 5):
        run = Run(small_network(epochs=30, patience=patience))
        end = run.end
        assert end.reason == "completed" and end.best_epoch is not None
        assert end.epoch == min(30, end.best_epoch + patience)
        assert accuracies(run) == whole[: end.epoch]
        assert ("not exceeded" in end.message) == (end.epoch < 30)
        assert end.test_accuracy is not None
    assert Run(small_network(epochs=3, patience=50)).end.message == ""


def test_keep_best_ends_with_the_weights_of_the_best_epoch() -> None:
    net = small_network(epochs=8, keep_best=True)
    run = Run(net)
    best = run.end.best_epoch
    assert best is not None and best < 8
    then = Run(msgspec.structs.replace(net, training=small_network(epochs=best).training))
    for name, parameter in run.trainer.model.parameters.items():
        assert np.array_equal(parameter.data, then.trainer.model.parameters[name].data), name
    assert run.end.test_accuracy == then.end.test_accuracy
    assert run.end.test_loss != Run(small_network(epochs=8)).end.test_loss


def test_best_weights_that_are_lost_are_missed() -> None:
    """A checkpointer that gives the progress back, but not the weights of the best epoch."""
    net = small_network(epochs=8, keep_best=True)

    class Forgetful(Checkpointer):
        def save(self, snapshot: Snapshot, *, best: bool = False, lasting: bool = False) -> None:
            self.last = snapshot

        def restore(self, model: Any, optimizer: Any) -> Any:
            return getattr(self, "last", None) and self.last.progress

    checkpointer = Forgetful()
    best = Run(net, checkpointer).end.best_epoch
    again = Run(net, checkpointer)
    assert best != 8 and [alert.code for alert in again.only(Alert)] == ["best-lost"]


def test_both_are_written_and_read() -> None:
    net = small_network(patience=7, keep_best=True, normalize=False, shuffle=False)
    text = dumps_network(net)
    assert all(f"{line}\n" in text for line in ("patience = 7", "keep_best = true"))
    assert loads_network(text, "here") == net
    assert "patience" not in dumps_network(small_network())


def test_pixels_as_they_are_and_images_in_their_order() -> None:
    start = Run(small_network(normalize=False)).only(RunStarted)[0]
    assert (start.mean, start.std) == ((0.0,), (1.0,))
    measured = Run(small_network(normalize=False)).only(LayersMeasured)[0]
    pixels = DATA.train.images
    assert measured.input_mean == pytest.approx(pixels.mean(), rel=0.5)
    sorted_losses, mixed = (
        [batch.loss for batch in Run(still(shuffle=shuffle)).batches] for shuffle in (False, True)
    )
    epochs = np.reshape(sorted_losses, (-1, IMAGES // 4))
    assert np.allclose(epochs, epochs[0], rtol=1e-5)
    assert not np.allclose(sorted_losses, mixed, rtol=1e-3)


def test_early_end_and_best_weights_are_the_same_after_a_resume(tmp_path: Path) -> None:
    net = small_network(epochs=30, patience=3, keep_best=True)
    whole = Session(tmp_path, net, DATA)
    last_step = whole.events[-1].step
    assert whole.only(EpochCompleted)[-1].epoch < 30
    for step in {1, last_step // 2, last_step - 1, last_step}:
        first = Session(tmp_path, net, DATA, stop_at=step, policy=Policy(steps=2))
        last = Session(first.folder, net, DATA)
        assert_same(last.weights, whole.weights)
        assert figures(last.folder) == figures(whole.folder)
