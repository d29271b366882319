"""Runs of a small network on random images, and what their streams of events tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
from samples import network

from cnn_tui.engine.data.dataset import Dataset, Split
from cnn_tui.engine.specs.layers import BatchNorm, Conv, Dropout, MaxPool, ReLU
from cnn_tui.engine.specs.network import Network, Recipe
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import (
    BatchCompleted,
    RunEnded,
    RunEvent,
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


def on_batch(step: int, act: Callable[[Control], None]) -> Callable[[RunEvent, Control], None]:
    def answer(event: RunEvent, control: Control) -> None:
        if isinstance(event, BatchCompleted) and event.step == step:
            act(control)

    return answer
