"""A run that is scripted, so that what the screen shows of it is the same every time."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable

from cnn_tui.engine.specs.layers import FC, Conv, MaxPool, ReLU
from cnn_tui.engine.specs.network import Network, Recipe
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import (
    BatchCompleted,
    EndReason,
    EpochCompleted,
    RunEnded,
    RunEvent,
    RunPaused,
    RunResumed,
    RunStarted,
    ValidationCompleted,
)
from cnn_tui.tui.session import Emit


def run_events(epochs: int = 3, batches: int = 10) -> list[RunEvent]:
    """A healthy run: the loss falls as 1/(1 + t), with a ripple."""
    events: list[RunEvent] = [started(epochs, batches)]
    for step in range(1, epochs * batches + 1):
        time = step / batches
        loss = 2.3 / (1 + time) + 0.1 * math.sin(7 * step)
        epoch = (step - 1) // batches + 1
        events.append(batch(step, loss, epoch, (step - 1) % batches + 1))
        if step % batches == 0:
            events += [validation(step, epoch, loss + 0.05), epoch_end(step, epoch, loss)]
    events.append(ended("completed", epochs * batches, epochs))
    return events


def started(epochs: int = 3, batches: int = 10) -> RunStarted:
    return RunStarted(
        arch="small",
        data="digits",
        params=1000,
        epochs=epochs,
        batch_size=64,
        batches=batches,
        train_images=64 * batches,
        val_images=64,
        test_images=64,
        classes=tuple("0123456789"),
        optimizer="momentum",
        lr=0.01,
        seed=0,
        threads=1,
    )


def batch(step: int, loss: float = 1.0, epoch: int = 1, number: int = 1) -> BatchCompleted:
    return BatchCompleted(
        step=step,
        epoch=epoch,
        batch=number,
        loss=loss,
        l2_loss=0.01,
        accuracy=_accuracy(loss),
        lr=0.01,
        images_per_second=12_345.0,
        seconds=step * 0.5,
    )


def validation(step: int, epoch: int, loss: float = 1.0) -> ValidationCompleted:
    return ValidationCompleted(step=step, epoch=epoch, loss=loss, accuracy=_accuracy(loss))


def epoch_end(step: int, epoch: int, loss: float = 1.0) -> EpochCompleted:
    return EpochCompleted(
        epoch=epoch,
        step=step,
        train_loss=loss,
        train_accuracy=_accuracy(loss),
        val_loss=loss + 0.05,
        val_accuracy=_accuracy(loss + 0.05),
        l2_loss=0.01,
        lr=0.01,
        images_per_second=12_345.0,
        seconds=step * 0.5,
    )


def ended(reason: EndReason, step: int = 1, epoch: int = 1, message: str = "") -> RunEnded:
    failed = reason == "failed"
    return RunEnded(
        reason=reason,
        step=step,
        epoch=epoch,
        seconds=step * 0.5,
        test_loss=None if failed else 0.1,
        test_accuracy=None if failed else 0.981,
        message=message,
    )


def _accuracy(loss: float) -> float:
    return max(0.0, min(1.0, 1 - loss / 2.6))


class Script:
    """A runner that gives out its events, up to ``hold`` of them until it is let go."""

    def __init__(self, events: Iterable[RunEvent], hold: int | None = None) -> None:
        self.events = list(events)
        self.hold = hold
        self.go = threading.Event()
        self.held = threading.Event()
        self.networks: list[Network] = []

    def __call__(self, network: Network, control: Control, emit: Emit) -> None:
        self.networks.append(network)
        for position, event in enumerate(self.events):
            if not self._may_go_on(position, control, emit):
                emit(ended("stopped", position))
                return
            emit(event)

    def _may_go_on(self, position: int, control: Control, emit: Emit) -> bool:
        while not control.stopping:
            if control.paused:
                emit(RunPaused(step=position))
                control.wait_while_paused()
                emit(RunResumed(step=position))
            elif position == self.hold and not self.go.is_set():
                self.held.set()
                self.go.wait(0.005)
            else:
                return True
        return False


SMALL = Network(
    name="small",
    layers=(
        Conv(out_channels=8, kernel_size=3, padding=1),
        ReLU(),
        MaxPool(),
        FC(out_features=10),
    ),
    training=Recipe(epochs=3, lr=0.01),
)
