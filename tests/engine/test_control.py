"""Steering a training: changes between batches, which outlive a resume."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from samples import network
from sessions import Session, assert_same, figures, small_network
from steered import DATA, IMAGES, Run, setting, still

from cnn_tui.engine.build import build
from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.schedules import learning_rate
from cnn_tui.engine.specs.layers import FC, Dropout
from cnn_tui.engine.specs.network import Recipe
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import (
    BatchCompleted,
    EpochCompleted,
    RunEvent,
    SettingChanged,
)
from cnn_tui.engine.training.settings import Settings


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
