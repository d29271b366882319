"""The babysitter of a training whose network is unknown: the rules that need only its figures."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training import remedies
from cnn_tui.engine.training.babysitter import Babysitter
from cnn_tui.engine.training.events import (
    Alert,
    AlertCleared,
    BatchCompleted,
    RunEnded,
    RunEvent,
)
from cnn_tui.engine.training.rules import learning, rate
from cnn_tui.engine.training.rules.facts import Facts, Verdict

if TYPE_CHECKING:
    from cnn_tui.engine.runs.writer import Writer

NOT_FINITE = "non-finite"
WORSE = 1.1
"""Multiple of the lowest validation loss from which a rising one is reported."""
RISING = 3
"""Epochs in a row in which validation must have become worse while training became better."""


def overfitting(facts: Facts) -> Iterator[Verdict]:
    """Validation becomes worse, epoch after epoch, while training becomes better."""
    latest = facts.recent_epochs(RISING + 1)
    if not latest:
        return
    val = [epoch.val_loss for epoch in latest]
    train = [epoch.train_loss for epoch in latest]
    best = min(epoch.val_loss for epoch in facts.epochs)
    rising = all(later > before for before, later in pairwise(val))
    if not rising or not train[-1] < train[0] or not val[-1] > WORSE * best:
        return
    yield Verdict(
        "overfitting",
        f"Overfitting: the validation loss has risen for {RISING} epochs, to {val[-1]:.3g}, while "
        f"the training loss fell to {train[-1]:.3g}.",
        (f"lowest validation loss {best:.3g}",),
        remedies.advise("Stop here and keep the earlier weights, or regularise more."),
    )


class Sitter:
    """A sink of a run's events, on the writer's thread, which queues what it finds there."""

    trouble = "its figures cannot be judged"

    def __init__(self) -> None:
        self._sitter = Babysitter(
            Network(),
            measured=(rate.lr_high,),
            epochs=(learning.plateau, overfitting),
            steps=(rate.diverging,),
        )
        self._sick = self._ended = False
        self.writer: Writer | None = None

    def take(self, event: RunEvent) -> None:
        """Judge an event."""
        self._ended |= isinstance(event, RunEnded)
        for finding in self._findings(event):
            self._put(finding)

    def flush(self) -> None:
        """Report what the writer itself has to say, such as that a disk is full."""
        while self.writer and self.writer.reports:
            self._put(self.writer.reports.popleft())

    def close(self) -> None:
        """Nothing is open."""

    def _put(self, event: RunEvent) -> None:
        if self.writer is not None and not self._ended:
            self.writer.put(event)

    def _findings(self, event: RunEvent) -> Iterator[RunEvent]:
        if not isinstance(event, BatchCompleted):
            yield from self._sitter.consume(event)
            return
        if math.isnan(event.loss):
            return  # the training did not tell it
        sick = math.isinf(event.loss)
        if not sick:
            yield from self._sitter.consume(event)
        if sick and not self._sick:
            message = f"The loss is not finite at step {event.step:,}: training has diverged."
            yield self._sitter.explain(Alert(code=NOT_FINITE, message=message, step=event.step))
        elif self._sick and not sick:
            yield AlertCleared(code=NOT_FINITE, step=event.step)
        self._sick = sick
