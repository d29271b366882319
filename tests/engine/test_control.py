"""Steering a training: changes between batches, portions, ends; and all that after a resume."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from samples import network
from sessions import Session, assert_same, figures, noise_set, small_network

from cnn_tui.engine.build import build
from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.runs.recorder import Policy
from cnn_tui.engine.schedules import learning_rate
from cnn_tui.engine.specs.codec import dumps_network, loads_network
from cnn_tui.engine.specs.layers import FC, Dropout
from cnn_tui.engine.specs.network import Network, Recipe
from cnn_tui.engine.training.checkpointer import Checkpointer
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import (
    Alert,
    BatchCompleted,
    EpochCompleted,
    LayersMeasured,
    RunEnded,
    RunEvent,
    RunPaused,
    RunResumed,
    RunStarted,
    SettingChanged,
)
from cnn_tui.engine.training.settings import Settings
from cnn_tui.engine.training.snapshot import Snapshot
from cnn_tui.engine.training.trainer import Trainer

DATA = noise_set()
IMAGES = len(DATA.train)
Act = Callable[[Control], None]


class Run:
    """A run in this thread; ``acts`` steer it after the steps of their numbers."""

    def __init__(
        self, net: Network | None = None, checkpointer: Checkpointer | None = None, **acts: Act
    ) -> None:
        self.events: list[RunEvent] = []
        control = Control()

        def emit(event: RunEvent) -> None:
            self.events.append(event)
            name = f"after{event.step}" if isinstance(event, BatchCompleted) else ""
            if name in acts:
                acts[name](control)
            if isinstance(event, RunPaused):
                acts.get("paused", Control.resume)(control)

        self.trainer = Trainer(
            net or small_network(),
            DATA,
            emit=emit,
            control=control,
            checkpointer=checkpointer,
            threads=1,
        )
        self.trainer.run()

    def only(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def batches(self) -> list[BatchCompleted]:
        return self.only(BatchCompleted)

    @property
    def end(self) -> RunEnded:
        (end,) = self.only(RunEnded)
        assert self.events[-1] is end
        return end


def still(**recipe: Any) -> Network:
    """A rate that moves nothing, and no layer in which one image depends on another or on luck."""
    net = small_network(lr=1e-12, batch_size=4, **recipe)
    return msgspec.structs.replace(net, layers=(FC(out_features=3),))


def setting(name: Any, value: float | None) -> Act:
    return lambda control: control.set(name, value)


def test_each_change_is_told_and_holds_from_the_next_batch_on() -> None:
    run = Run(small_network(lr=0.1), after2=setting("lr", 0.05))
    assert [batch.lr for batch in run.batches[:4]] == [0.1, 0.1, 0.05, 0.05]
    (change,) = run.only(SettingChanged)
    assert (change.step, change.name, change.old, change.new) == (2, "lr", 0.1, 0.05)
    assert run.events.index(change) < run.events.index(run.batches[2])


def test_a_new_rate_is_what_the_schedule_goes_by() -> None:
    net = small_network(schedule="cosine", lr=0.1)
    run = Run(net, after3=setting("lr", 0.01))
    recipe = msgspec.structs.replace(net.training, lr=0.01)
    batches = len(run.batches) // net.training.epochs
    assert [b.lr for b in run.batches[3:]] == [
        learning_rate(recipe, step, batches) for step in range(3, len(run.batches))
    ]


def test_a_held_rate_overrides_the_schedule_until_it_is_let_go() -> None:
    net = small_network(schedule="cosine", lr=0.1)
    free = Run(net)
    held = Run(net, after2=setting("held_lr", 0.03), after5=setting("held_lr", None))
    rates, usual = [b.lr for b in held.batches], [b.lr for b in free.batches]
    assert rates[2:5] == [0.03] * 3
    assert rates[:2] + rates[5:] == usual[:2] + usual[5:]
    assert [(e.old, e.new) for e in held.only(SettingChanged)] == [(None, 0.03), (0.03, None)]


def test_l2_is_changed_without_touching_anything_else() -> None:
    run = Run(small_network(l2=0.0), after3=setting("l2", 0.5))
    assert [batch.l2_loss > 0 for batch in run.batches] == [False] * 3 + [True] * (
        len(run.batches) - 3
    )
    without = Run(small_network(l2=0.0))
    assert [b.loss for b in run.batches[:4]] == [b.loss for b in without.batches[:4]]
    assert run.batches[4].loss != without.batches[4].loss


def test_dropout_is_changed_in_every_layer_of_it() -> None:
    layers = (Dropout(p=0.9), FC(out_features=500), Dropout(p=0.1))
    model = build(network((1, 6, 6), *layers, classes=2))
    images = np.ones((8, 1, 6, 6), np.float32)
    scores = {p: [] for p in (None, 0.0, 0.5)}
    for p in scores:
        model.mode.dropout = p
        for step in range(3):
            model.mode.step = step
            scores[p].append(model.forward(images, training=True))
    plain = model.forward(images)
    assert all(np.allclose(found, plain, atol=1e-4) for found in scores[0.0])
    assert not np.allclose(scores[0.5][0], scores[0.5][1])
    assert not np.allclose(scores[0.5][0], scores[None][0])
    model.close()


def test_dropout_is_changed_while_it_runs() -> None:
    net = small_network()
    dropped = msgspec.structs.replace(net, layers=(Dropout(p=0.5), *net.layers))
    plain, changed = Run(dropped), Run(dropped, after4=setting("dropout", 0.0))
    losses, usual = [b.loss for b in changed.batches], [b.loss for b in plain.batches]
    assert losses[:4] == usual[:4] and losses[4] != usual[4]
    again = Run(dropped, after4=setting("dropout", 0.0), after5=setting("dropout", None))
    assert again.batches[4].loss == losses[4]
    assert [event.new for event in again.only(SettingChanged)] == [0.0, None]


@pytest.mark.parametrize(("step", "size"), [(1, 1), (1, 3), (2, 5), (2, IMAGES), (3, 60_000)])
def test_another_batch_size_meets_each_image_of_the_epoch_once(step: int, size: int) -> None:
    net = small_network(batch_size=4)
    run = Run(net, **{f"after{step}": setting("batch_size", size)})
    per_epoch = [e.step for e in run.only(EpochCompleted)]
    rest = IMAGES - 4 * step
    assert per_epoch[0] == step + -(-rest // size)
    assert per_epoch[1] - per_epoch[0] == -(-IMAGES // size)
    assert [b.batch for b in run.batches[: per_epoch[0]]] == list(range(1, per_epoch[0] + 1))
    assert run.end.reason == "completed" and run.end.epoch == net.training.epochs


def test_the_order_of_the_images_stays_when_the_batch_size_changes() -> None:
    """Where nothing moves the mean losses are those of the images."""
    usual, changed = Run(still()), Run(still(), after1=setting("batch_size", 2))
    means = [[e.train_loss for e in run.only(EpochCompleted)] for run in (usual, changed)]
    assert means[0] == pytest.approx(means[1], rel=1e-5)
    fours = usual.batches[1].loss
    assert np.mean([b.loss for b in changed.batches[1:3]]) == pytest.approx(fours, rel=1e-5)


def test_the_schedule_goes_by_epochs_whatever_the_batch_size() -> None:
    net = small_network(batch_size=4, schedule="cosine", epochs=4)
    run = Run(net, after2=setting("batch_size", 2))
    recipe, batches = msgspec.structs.replace(net.training, batch_size=2), IMAGES // 2
    assert run.batches[-1].lr == learning_rate(recipe, 4 * batches - 1, batches)
    assert [b.lr for b in run.batches] == sorted((b.lr for b in run.batches), reverse=True)


def test_bad_values_are_refused_where_they_are_asked_for() -> None:
    control = Control()
    for name, value in (
        ("lr", 0.0),
        ("lr", float("nan")),
        ("lr", None),
        ("l2", -1.0),
        ("dropout", 1.0),
        ("batch_size", 0),
        ("batch_size", 1.5),
        ("held_lr", "fast"),
        ("speed", 1.0),
    ):
        with pytest.raises(SpecError) as caught:
            control.set(name, value)  # type: ignore[arg-type]
        assert name in str(caught.value) and str(caught.value).isprintable()
    before = Settings.of(Recipe())
    assert control.take_changes(before) is before


# Portions and ends.


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


# The recipe's own ends.


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


# After a resume.


@pytest.mark.slow
def test_changed_settings_outlive_a_resume(tmp_path: Path) -> None:
    net = small_network(schedule="cosine", batch_size=4, epochs=4)
    net = msgspec.structs.replace(net, layers=(Dropout(p=0.2), *net.layers))
    changes: dict[int, list[tuple[Any, float]]] = {
        1: [("l2", 0.01), ("dropout", 0.4)],
        2: [("batch_size", 3)],
        4: [("held_lr", 0.02)],
    }

    def change(event: RunEvent, control: Control) -> None:
        if isinstance(event, BatchCompleted):
            for name, value in changes.get(event.step, ()):
                control.set(name, value)

    whole = Session(tmp_path, net, DATA, on_event=change)
    assert len(whole.only(SettingChanged)) == 4
    last_step = whole.events[-1].step
    for step in range(1, last_step):
        first = Session(tmp_path, net, DATA, stop_at=step, on_event=change)
        last = Session(first.folder, net, DATA, on_event=change)
        assert_same(last.weights, whole.weights)
        assert figures(last.folder) == figures(whole.folder)


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
