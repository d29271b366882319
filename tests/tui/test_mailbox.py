"""The mailbox stays small whatever is put in, and what matters comes out in order."""

from __future__ import annotations

import math
import threading

from hypothesis import given
from hypothesis import strategies as st

from cnn_tui.engine.training.events import BatchCompleted, RunEvent, RunPaused, RunStarted
from cnn_tui.tui.mailbox import Mailbox

CAPACITY = 16


def batch(step: int, loss: float) -> BatchCompleted:
    return BatchCompleted(
        step=step,
        epoch=1,
        batch=1,
        loss=loss,
        l2_loss=0.0,
        accuracy=0.5,
        lr=0.1,
        images_per_second=1.0,
        seconds=float(step),
    )


def fill(losses: list[float]) -> tuple[list[BatchCompleted], tuple[RunEvent, ...]]:
    box = Mailbox(CAPACITY)
    put = [batch(step, loss) for step, loss in enumerate(losses)]
    for event in put:
        box.put(event)
    return put, box.drain()


losses = st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=400)


@given(losses)
def test_what_comes_out_is_few_in_order_and_was_put_in(values: list[float]) -> None:
    put, out = fill(values)
    assert 0 < len(out) <= CAPACITY + 1
    batches = [event for event in out if isinstance(event, BatchCompleted)]
    steps = [event.step for event in batches]
    assert steps == sorted(set(steps))
    assert all(event is put[event.step] for event in batches)


@given(losses)
def test_the_first_the_last_and_the_extremes_survive(values: list[float]) -> None:
    put, out = fill(values)
    assert out[0] is put[0]
    assert out[-1] is put[-1]
    kept = [event.loss for event in out if isinstance(event, BatchCompleted)]
    finite = [value for value in values if math.isfinite(value)]
    if len(finite) == len(values):
        assert min(kept) == min(finite)
        assert max(kept) == max(finite)
    else:
        assert any(not math.isfinite(loss) for loss in kept)


def test_few_events_come_out_as_they_are() -> None:
    put, out = fill([3.0, 1.0, 2.0])
    assert list(out) == put


def test_a_second_look_finds_nothing() -> None:
    box = Mailbox()
    box.put(batch(1, 1.0))
    assert len(box.drain()) == 1
    assert box.drain() == ()


def test_rare_events_outlive_a_flood_of_batches() -> None:
    box = Mailbox(CAPACITY)
    box.put(RunPaused(step=0))
    for step in range(10_000):
        box.put(batch(step, 1.0))
    out = box.drain()
    assert isinstance(out[0], RunPaused)
    assert len(out) <= CAPACITY + 2


def test_a_flood_of_pauses_is_bounded_too() -> None:
    box = Mailbox(CAPACITY)
    for step in range(1000):
        box.put(RunPaused(step=step))
    out = box.drain()
    assert len(out) <= CAPACITY + 1
    assert out[-1] == RunPaused(step=999)


def test_nothing_is_lost_between_two_threads() -> None:
    box = Mailbox(10_000)
    seen: list[RunEvent] = []
    done = threading.Event()

    def write() -> None:
        for step in range(5000):
            box.put(batch(step, 1.0))
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not done.is_set():
        seen += box.drain()
    writer.join()
    seen += box.drain()
    assert [event.step for event in seen if isinstance(event, BatchCompleted)] == list(range(5000))


def test_the_start_of_a_run_is_never_dropped() -> None:
    box = Mailbox(CAPACITY)
    start = RunStarted(
        arch="a",
        data="d",
        params=1,
        epochs=1,
        batch_size=1,
        batches=1,
        train_images=1,
        val_images=1,
        test_images=1,
        classes=("a",),
        optimizer="sgd",
        lr=0.1,
        seed=0,
        threads=1,
    )
    box.put(start)
    for step in range(1000):
        box.put(batch(step, 1.0))
    assert box.drain()[0] is start
