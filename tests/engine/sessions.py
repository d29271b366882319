"""Runs in this process, as one process after another would train them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np

from cnn_tui.engine.data.dataset import Dataset, Split
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.lines import read_events
from cnn_tui.engine.runs.recorder import Policy
from cnn_tui.engine.runs.train import new_run, resume_run
from cnn_tui.engine.runs.writer import Sink
from cnn_tui.engine.specs.layers import FC, BatchNorm, Conv, Dropout, MaxPool, ReLU
from cnn_tui.engine.specs.network import Network, Recipe
from cnn_tui.engine.storage import Storage
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import BatchCompleted, EpochCompleted, RunEnded, RunEvent
from cnn_tui.engine.training.trainer import Trainer

Weights = dict[str, np.ndarray]
Event = TypeVar("Event", bound=RunEvent)


def noise_set(seed: int = 0) -> Dataset:
    """Three batches an epoch, the last of them short."""
    rng = np.random.default_rng(seed)

    def split(n: int) -> Split:
        images = rng.integers(0, 17, (n, 1, 6, 6), dtype=np.uint8)
        return Split(images, rng.integers(0, 3, n))

    return Dataset("noise", ("a", "b", "c"), split(20), split(7), split(7))


def small_network(**recipe: object) -> Network:
    settings = {"epochs": 3, "batch_size": 8, "lr": 0.01, "l2": 1e-3, "clip_norm": 1.0}
    return Network(
        name="small",
        input=(1, 6, 6),
        data="noise",
        layers=(
            Conv(out_channels=4, kernel_size=3, padding="same"),
            BatchNorm(),
            ReLU(),
            MaxPool(kernel_size=2),
            Dropout(p=0.3),
            FC(out_features=3),
        ),
        training=Recipe(**{**settings, **recipe}),
    )


class Session:
    """The part of a run that one process trains, in ``root``; stops after ``stop_at`` steps."""

    def __init__(
        self,
        folder_or_root: RunFolder | Path,
        described: Network,
        data: Dataset,
        *,
        stop_at: int | None = None,
        threads: int = 1,
        storage: Storage | None = None,
        policy: Policy | None = None,
        on_event: Callable[[RunEvent, Control], None] = lambda event, control: None,
        settle: bool = False,
        sinks: Sequence[Sink] = (),
        from_step: int | None = None,
    ) -> None:
        self.events: list[RunEvent] = []
        control = Control()
        start = new_run
        if isinstance(folder_or_root, RunFolder):
            start = partial(resume_run, from_step=from_step)
        with start(
            folder_or_root,
            described,
            data,
            control=control,
            policy=replace(policy or Policy(), storage=storage or Storage(), sinks=sinks),
        ) as recorder:

            def emit(event: RunEvent) -> None:
                recorder.record(event)
                self.events.append(event)
                if isinstance(event, BatchCompleted) and event.step == stop_at:
                    control.stop()
                on_event(event, control)
                if settle and isinstance(event, BatchCompleted):
                    recorder.flush()

            trainer = Trainer(
                described, data, emit=emit, control=control, threads=threads, checkpointer=recorder
            )
            trainer.run()
        self.folder = RunFolder(Path(recorder.path))
        self.weights: Weights = {n: a.copy() for n, a in trainer.model.arrays().items()}

    def only(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]


def assert_same(found: Weights, expected: Weights) -> None:
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert np.array_equal(found[name], array), name


def figures(folder: RunFolder) -> list[dict[str, object]]:
    """The recorded events of a run, without times."""
    timing = {"seconds", "images_per_second", "threads", "from_step", "path", "run"}
    events = [*read_events(folder.events_file), *read_events(folder.metrics_file)]
    kept = [e for e in events if isinstance(e, BatchCompleted | EpochCompleted | RunEnded)]
    return [
        {key: value for key, value in msgspec.to_builtins(event).items() if key not in timing}
        for event in kept
    ]
