"""Looking at the weights of a run that trains: copied between two steps, when asked, seldom."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from typing import Any

import numpy as np
import pytest
from sessions import assert_same, noise_set, small_network

from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.training import control as control_module
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import BatchCompleted, RunEnded, RunEvent, RunPaused
from cnn_tui.engine.training.glimpse import Glimpse, Pace
from cnn_tui.engine.training.snapshot import copy_weights
from cnn_tui.engine.training.trainer import Trainer
from cnn_tui.engine.transforms.carry import model_with, weights_of

DATA = noise_set()


class Clock:
    """The time as the control sees it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr("time.monotonic", lambda: self.now)


def trained(on_event: Callable[[RunEvent, Trainer], None], **recipe: Any) -> Trainer:
    """A run in this thread, at the end of it."""
    trainer: Trainer

    def emit(event: RunEvent) -> None:
        on_event(event, trainer)

    trainer = Trainer(small_network(**recipe), DATA, emit=emit, threads=1)
    trainer.run()
    return trainer


def free() -> Any:
    """A pace that is always due."""
    return lambda: Pace(share=1.0, least=0.0)


def test_weights_are_those_between_two_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for on another thread all the time, each copy is that of the step it names."""
    monkeypatch.setattr(control_module, "Pace", free())
    after: dict[int, Any] = {}
    seen: list[Glimpse] = []
    control, over = Control(), threading.Event()

    def look() -> None:
        while not over.is_set():
            found = control.glimpse()
            if found is not None:
                seen.append(found)

    def emit(event: RunEvent) -> None:
        if isinstance(event, BatchCompleted):
            after[event.step] = copy_weights(trainer.model)

    trainer = Trainer(small_network(epochs=20), DATA, emit=emit, control=control, threads=1)
    looker = threading.Thread(target=look)
    looker.start()
    trainer.run()
    over.set()
    looker.join()
    assert len({glimpse.step for glimpse in seen}) > 1
    for glimpse in seen:
        assert_same(dict(glimpse.weights), after[glimpse.step])


def test_looking_changes_no_bit_of_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_module, "Pace", free())
    looked = trained(lambda event, trainer: [trainer.control.glimpse(), None][1])
    unseen = trained(lambda event, trainer: None)
    assert_same(dict(copy_weights(looked.model)), dict(copy_weights(unseen.model)))


def test_nothing_is_copied_that_nobody_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    monkeypatch.setattr(Trainer, "_glimpse", lambda self: made.append(self.step))
    trained(lambda event, trainer: None)
    assert made == []

    def once(event: RunEvent, trainer: Trainer) -> None:
        if isinstance(event, BatchCompleted) and event.step == 2:
            trainer.control.glimpse()

    trained(once)
    assert made == [2]


def test_a_copy_is_given_once_and_replaced_by_the_next() -> None:
    control = Control()
    given = [object(), object()]
    assert control.glimpse() is None
    control.show(lambda: given[0])  # type: ignore[arg-type, return-value]
    assert control.glimpse() is given[0]
    assert control.glimpse() is None


def test_copies_take_a_hundredth_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, copies = Clock(monkeypatch), []
    control = Control()

    def copy() -> Any:
        clock.now += 0.1
        copies.append(clock.now)

    for _ in range(6000):
        control.glimpse()
        control.show(copy)
        clock.now += 0.01
    spent, passed = 0.1 * len(copies), clock.now - 1000
    assert len(copies) > 5
    assert spent / passed <= 0.012


def test_small_copies_are_made_four_times_a_second_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, copies = Clock(monkeypatch), []
    control = Control()
    for _ in range(1000):
        control.glimpse()
        control.show(lambda: copies.append(clock.now))  # type: ignore[arg-type, func-returns-value]
        clock.now += 0.01
    assert 38 <= len(copies) <= 41


def test_a_paused_run_can_be_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_module, "Pace", free())
    control, paused, found = Control(), threading.Event(), []

    def emit(event: RunEvent) -> None:
        if isinstance(event, BatchCompleted) and event.step == 3:
            control.pause()
        if isinstance(event, RunPaused):
            paused.set()

    def look() -> None:
        paused.wait()
        while not found:
            glimpse = control.glimpse()
            if glimpse is not None and glimpse.step == 3:
                found.append(glimpse)
        control.stop()

    looker = threading.Thread(target=look)
    looker.start()
    Trainer(small_network(), DATA, emit=emit, control=control, threads=1).run()
    looker.join()
    assert [glimpse.step for glimpse in found] == [3]


def test_a_subject_of_a_glimpse_sees_as_the_run_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_module, "Pace", free())
    found: list[Glimpse] = []

    def look(event: RunEvent, trainer: Trainer) -> None:
        if isinstance(event, BatchCompleted | RunEnded):
            glimpse = trainer.control.glimpse()
            if glimpse is not None:
                found.append(glimpse)

    trainer = trained(look)
    # The last one asked for was copied while the run was validated, after its last step.
    subject = Subject.of_snapshot(found[-1])
    assert (subject.name, subject.state) == ("live", f"epoch 3, step {trainer.step}")
    assert subject.data is DATA
    examples = subject.images()
    np.testing.assert_array_equal(examples.images, trainer.normalizer.apply(DATA.val.images[:]))
    # The trainer has closed its model, whose weights are still there.
    with (
        closing(model_with(trainer.network, weights_of(trainer.model))) as model,
        subject.model.opened(examples.images) as inside,
    ):
        np.testing.assert_array_equal(inside.logits, model.forward(examples.images))
    subject.close()
