"""The training loop, seen through its stream of events."""

from __future__ import annotations

import math
import queue
import threading
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pytest
from samples import network
from small_runs import (
    BATCH,
    BATCHES,
    EPOCHS,
    TRAIN,
    dataset,
    described,
    ended,
    of,
    on_batch,
    run,
    untimed,
)

from cnn_tui.engine.data.catalog import load_dataset
from cnn_tui.engine.specs.layers import FC, Conv, MaxPool, ReLU
from cnn_tui.engine.specs.network import Recipe
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
    ValidationCompleted,
)
from cnn_tui.engine.training.trainer import Trainer


def test_stream_of_a_whole_run() -> None:
    events = run()
    assert [event.step for event in of(LayersMeasured, events)] == [1, 5, 10]
    assert {alert.code for alert in of(Alert, events)} <= {"healthy"}
    kinds = [type(event) for event in events if not isinstance(event, LayersMeasured | Alert)]
    epoch = [BatchCompleted] * BATCHES + [ValidationCompleted, EpochCompleted]
    assert kinds == [RunStarted, *epoch * EPOCHS, RunEnded]
    end = ended(events)
    assert (end.reason, end.step, end.epoch, end.message) == ("completed", 15, 3, "")
    assert end.test_loss is not None and end.test_accuracy is not None


def test_start_tells_sizes_and_settings() -> None:
    start = run(described(seed=7, optimizer="adam"), threads=2)[0]
    assert isinstance(start, RunStarted)
    assert (start.arch, start.data, start.classes) == ("sample", "sides", ("left", "right"))
    assert (start.train_images, start.val_images, start.test_images) == (TRAIN, 20, 37)
    assert (start.epochs, start.batch_size, start.batches) == (EPOCHS, BATCH, BATCHES)
    assert (start.optimizer, start.lr, start.seed, start.threads) == ("adam", 0.02, 7, 2)
    assert start.params == (9 * 4 + 4) + 2 * 4 + (4 * 9 * 2 + 2)


def test_batches_are_numbered_and_add_up_to_their_epoch() -> None:
    events = run(described(l2=0.01, schedule="cosine"))
    batches = of(BatchCompleted, events)
    assert [(b.step, b.epoch, b.batch) for b in batches] == [
        (e * BATCHES + b + 1, e + 1, b + 1) for e in range(EPOCHS) for b in range(BATCHES)
    ]
    weights = np.array([16, 16, 16, 16, 8]) / TRAIN
    for number, epoch in enumerate(of(EpochCompleted, events)):
        own = batches[number * BATCHES : (number + 1) * BATCHES]
        assert (epoch.epoch, epoch.step) == (number + 1, own[-1].step)
        assert epoch.train_loss == pytest.approx(weights @ [b.loss for b in own])
        assert epoch.train_accuracy == pytest.approx(weights @ [b.accuracy for b in own])
        assert epoch.l2_loss == pytest.approx(weights @ [b.l2_loss for b in own])
        assert epoch.lr == own[-1].lr
    assert batches[0].lr == 0.02
    assert [b.lr for b in batches] == sorted((b.lr for b in batches), reverse=True)
    assert all(b.l2_loss > 0 and 0 <= b.accuracy <= 1 for b in batches)


def test_validation_and_best_epoch() -> None:
    events = run()
    validations, epochs = of(ValidationCompleted, events), of(EpochCompleted, events)
    assert [(v.loss, v.accuracy) for v in validations] == [
        (e.val_loss, e.val_accuracy) for e in epochs
    ]
    best = max(epoch.val_accuracy for epoch in epochs)
    first = next(epoch.epoch for epoch in epochs if epoch.val_accuracy == best)
    assert (ended(events).best_val_accuracy, ended(events).best_epoch) == (best, first)


def test_seconds_run_on_and_speeds_are_positive() -> None:
    seconds = [event.seconds for event in run() if hasattr(event, "seconds")]
    assert seconds == sorted(seconds)
    assert all(b.images_per_second > 0 for b in of(BatchCompleted, run()))


def test_it_learns() -> None:
    events = run(described(optimizer="adam"))
    losses = [epoch.train_loss for epoch in of(EpochCompleted, events)]
    assert losses[-1] < 0.6 * losses[0]
    assert (ended(events).test_accuracy or 0) > 0.9


def test_same_seed_same_numbers_for_any_threads() -> None:
    once, again, wide = run(), run(), run(threads=3)
    assert untimed(once) == untimed(again) == untimed(wide)
    other = run(described(seed=1))
    assert of(BatchCompleted, other)[0].loss != of(BatchCompleted, once)[0].loss


def test_every_epoch_has_an_order_of_its_own() -> None:
    """With a rate that moves nothing only order and masks make the epochs differ."""
    still = described(lr=1e-30)
    first = [batch.loss for batch in of(BatchCompleted, run(still))]
    assert len(set(first)) == len(first)


@pytest.mark.parametrize("step", [1, 4, 5, 7, 15])
def test_stop_ends_the_run_after_the_batch(step: int) -> None:
    events = run(answer=on_batch(step, Control.stop))
    end = ended(events)
    assert (end.reason, end.step, end.epoch) == ("stopped", step, math.ceil(step / BATCHES))
    assert (end.test_loss, end.test_accuracy) == (None, None)
    # An epoch that was cut, or not validated, is not reported as one.
    assert len(of(EpochCompleted, events)) == (step - 1) // BATCHES


def test_stop_before_the_first_batch() -> None:
    def answer(event: RunEvent, control: Control) -> None:
        if isinstance(event, RunStarted):
            control.stop()

    events = run(answer=answer)
    assert [type(event) for event in events] == [RunStarted, RunEnded]
    assert (ended(events).reason, ended(events).step) == ("stopped", 0)


def test_pause_and_resume_change_no_number() -> None:
    def answer(event: RunEvent, control: Control) -> None:
        if isinstance(event, BatchCompleted) and event.step in (2, 5, 11):
            control.pause()
        if isinstance(event, RunPaused):
            control.resume()

    events = run(answer=answer)
    pauses = [(type(e), e.step) for e in events if isinstance(e, RunPaused | RunResumed)]
    assert pauses == [(kind, step) for step in (2, 5, 11) for kind in (RunPaused, RunResumed)]
    rest = [event for event in events if not isinstance(event, RunPaused | RunResumed)]
    assert untimed(rest) == untimed(run())


def test_stop_while_paused() -> None:
    def answer(event: RunEvent, control: Control) -> None:
        if isinstance(event, BatchCompleted) and event.step == 3:
            control.pause()
        if isinstance(event, RunPaused):
            control.stop()

    events = run(answer=answer)
    assert [type(event) for event in events[-2:]] == [RunPaused, RunEnded]
    assert (ended(events).reason, ended(events).step) == ("stopped", 3)


@pytest.fixture
def worker() -> Iterator[tuple[Control, queue.Queue[RunEvent]]]:
    """A long run on a thread of its own; stopped in the end whatever happens."""
    control, events = Control(), queue.Queue[RunEvent]()
    long = msgspec.structs.replace(described().training, epochs=10_000)
    net = msgspec.structs.replace(described(), training=long)
    trainer = Trainer(net, dataset(), emit=events.put, control=control, threads=2)
    thread = threading.Thread(target=trainer.run)
    thread.start()
    yield control, events
    control.stop()
    thread.join(60)
    assert not thread.is_alive()


def wait_for(kind: type[Any], events: queue.Queue[RunEvent]) -> Any:
    while True:
        event = events.get(timeout=60)
        if isinstance(event, kind):
            return event


def test_steering_from_another_thread(worker: tuple[Control, queue.Queue[RunEvent]]) -> None:
    control, events = worker
    wait_for(BatchCompleted, events)
    control.pause()
    paused = wait_for(RunPaused, events)
    with pytest.raises(queue.Empty):
        events.get(timeout=0.2)
    control.resume()
    assert wait_for(RunResumed, events).step == paused.step
    assert wait_for(BatchCompleted, events).step == paused.step + 1
    control.stop()
    assert wait_for(RunEnded, events).reason == "stopped"
    assert events.empty()


def test_real_digits_are_learned() -> None:
    layers = (Conv(out_channels=16, padding=1), ReLU(), MaxPool(), FC(out_features=64), ReLU())
    recipe = Recipe(epochs=6, batch_size=32, optimizer="adam", lr=3e-3, schedule="cosine")
    net = network((1, 8, 8), *layers, classes=10, training=recipe)
    end = ended(run(net, load_dataset("digits"), threads=2))
    assert end.reason == "completed"
    assert (end.test_accuracy or 0) > 0.96
