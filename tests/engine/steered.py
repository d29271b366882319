"""Runs that are steered: at each batch one may act."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from sessions import noise_set, small_network

from cnn_tui.engine.specs.layers import FC
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training.checkpointer import Checkpointer
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import (
    BatchCompleted,
    RunEnded,
    RunEvent,
    RunPaused,
)
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
