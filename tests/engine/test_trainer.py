"""The training loop, seen through its stream of events."""

from __future__ import annotations

import math
import queue
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import numpy as np
import pytest
from samples import network

from cnn_tui.engine.data.catalog import load_dataset
from cnn_tui.engine.data.dataset import Dataset, Split
from cnn_tui.engine.specs.layers import FC, BatchNorm, Conv, Dropout, MaxPool, ReLU
from cnn_tui.engine.specs.network import SVM, Network, Recipe
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

EPOCHS, BATCH, TRAIN = 3, 16, 72
BATCHES = 5
"""Per epoch: four of 16 images and a short one of 8."""
TIMED = ("seconds", "images_per_second", "threads")


def split(images: int, seed: int) -> Split:
    """Noise, brighter on the side that the label names."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, images)
    pixels = rng.integers(0, 150, (images, 1, 6, 6))
    for label, columns in enumerate((slice(0, 3), slice(3, 6))):
        pixels[labels == label, :, :, columns] += 100
    return Split(pixels.astype(np.uint8), labels)


def dataset() -> Dataset:
    return Dataset("sides", ("left", "right"), split(TRAIN, 0), split(20, 1), split(37, 2))


def described(**settings: Any) -> Network:
    recipe = Recipe(epochs=EPOCHS, batch_size=BATCH, **({"lr": 0.02} | settings))
    layers = (Conv(out_channels=4, padding=1), BatchNorm(), ReLU(), MaxPool(), Dropout(p=0.1))
    return network((1, 6, 6), *layers, classes=2, training=recipe)


def run(
    net: Network | None = None,
    data: Dataset | None = None,
    *,
    answer: Callable[[RunEvent, Control], None] = lambda event, control: None,
    threads: int = 1,
) -> list[RunEvent]:
    """All events of a run; ``answer`` may steer it as each arrives."""
    events: list[RunEvent] = []
    control = Control()

    def emit(event: RunEvent) -> None:
        events.append(event)
        answer(event, control)

    Trainer(
        net or described(), data or dataset(), emit=emit, control=control, threads=threads
    ).run()
    return events


def of(kind: type[Any], events: list[RunEvent]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def ended(events: list[RunEvent]) -> RunEnded:
    """The end, which must be the last event and the only one of its kind."""
    (end,) = of(RunEnded, events)
    assert events[-1] is end
    return end


def untimed(events: list[RunEvent]) -> list[dict[str, Any]]:
    """The events without what a clock or the number of threads put in."""
    plain = [msgspec.to_builtins(event) for event in events]
    return [{k: v for k, v in event.items() if k not in TIMED} for event in plain]


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


def on_batch(step: int, act: Callable[[Control], None]) -> Callable[[RunEvent, Control], None]:
    def answer(event: RunEvent, control: Control) -> None:
        if isinstance(event, BatchCompleted) and event.step == step:
            act(control)

    return answer


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


def hot(optimizer: Any) -> Network:
    """So large a rate, on linear layers and a loss that grows with its square, cannot end well."""
    recipe = Recipe(epochs=200, batch_size=BATCH, lr=1e6, optimizer=optimizer)
    layers, loss = [FC(out_features=20)] * 6, SVM(squared=True)
    return network((1, 6, 6), *layers, classes=2, loss=loss, training=recipe)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_run_that_diverges_ends_with_the_layer_and_advice(optimizer: str) -> None:
    noise = Split(split(TRAIN, 0).images, np.random.default_rng(5).integers(0, 2, TRAIN))
    events = run(hot(optimizer), with_train(dataset(), noise))
    end = ended(events)
    (alert,) = of(Alert, events)
    assert events[-2] is alert
    assert (end.reason, end.test_loss, end.test_accuracy) == ("failed", None, None)
    assert (alert.code, alert.message, alert.step) == ("non-finite", end.message, end.step)
    assert alert.layer in {"fc1", "fc2", "fc3", "fc4", "fc5", "fc6", "scores"}
    assert alert.layer in end.message
    assert "learning rate" in end.message
    assert end.step == len(of(BatchCompleted, events))


def test_images_that_went_bad_end_the_run_with_a_message() -> None:
    data = dataset()
    images = data.train.images.astype(np.float32)
    spoiled = Split(images, data.train.labels)
    images[40, 0, 2, 2] = np.nan  # after the split was checked
    events = run(data=with_train(data, spoiled))
    assert ended(events).reason == "failed"
    assert of(Alert, events)[0].layer == "conv1"


def with_train(data: Dataset, train: Split) -> Dataset:
    return Dataset(data.name, data.classes, train, data.val, data.test)


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (
            network((1, 7, 6), classes=2),
            "expects images of 1x7x6, received 1x6x6 from sides.*input = .1, 6, 6.",
        ),
        (network((3, 6, 6), classes=2), "3x6x6"),
        (network((1, 6, 6), classes=3), "3 scores, but the data has 2 classes"),
        (Network(input=(1, 6, 6), layers=(Conv(out_channels=2),)), "ends in a volume of 2x4x4"),
        (Network(input=(1, 6, 6)), "no layers"),
    ],
)
def test_network_that_does_not_fit_the_data_is_not_started(net: Network, message: str) -> None:
    events = run(net)
    assert len(events) == 1
    assert (ended(events).reason, ended(events).step) == ("failed", 0)
    assert re.search(message, ended(events).message)
    assert "\n" not in ended(events).message


def test_fault_of_the_program_is_reported_and_raised() -> None:
    data = dataset()
    # What no check can see: labels that vanish once training runs.
    object.__setattr__(data.train, "labels", data.train.labels[:10])
    events: list[RunEvent] = []
    with pytest.raises(IndexError):
        Trainer(described(), data, emit=events.append).run()
    assert ended(events).reason == "failed"
    assert "internal error: IndexError" in ended(events).message


def test_run_ends_once_even_if_a_listener_fails() -> None:
    events: list[RunEvent] = []

    def emit(event: RunEvent) -> None:
        events.append(event)
        if isinstance(event, EpochCompleted):
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        Trainer(described(), dataset(), emit=emit).run()
    assert ended(events).reason == "failed"
    assert "disk full" in ended(events).message


def test_no_threads_are_left_behind() -> None:
    before = set(threading.enumerate())
    run(threads=4)
    run(hot("adam"), threads=4)
    run(threads=4, answer=on_batch(2, Control.stop))
    assert set(threading.enumerate()) <= before


def test_real_digits_are_learned() -> None:
    layers = (Conv(out_channels=16, padding=1), ReLU(), MaxPool(), FC(out_features=64), ReLU())
    recipe = Recipe(epochs=6, batch_size=32, optimizer="adam", lr=3e-3, schedule="cosine")
    net = network((1, 8, 8), *layers, classes=10, training=recipe)
    end = ended(run(net, load_dataset("digits"), threads=2))
    assert end.reason == "completed"
    assert (end.test_accuracy or 0) > 0.96


def test_weights_that_explode_in_the_very_last_step_are_no_success() -> None:
    rng = np.random.default_rng(0)
    split = Split(rng.integers(0, 255, (16, 1, 6, 6)).astype(np.uint8), rng.integers(0, 2, 16))
    network = Network(
        input=(1, 6, 6),
        layers=(*(FC(out_features=20) for _ in range(6)), FC(out_features=2)),
        loss=SVM(squared=True),
        training=Recipe(epochs=1, batch_size=16, lr=1e6, optimizer="sgd"),
    )
    events: list[RunEvent] = []
    data = Dataset("two", ("a", "b"), split, split, split)
    Trainer(network, data, emit=events.append, threads=1).run()
    assert isinstance(events[-1], RunEnded)
    assert events[-1].reason == "failed"
    assert "explode" in events[-1].message
