"""What a network says about every image of a split."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.insight.examples import SplitName
from cnn_tui.engine.insight.passes import Cancelled, Progress, check_in
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.ops.memory import Array


@dataclass(frozen=True, eq=False)
class Answers:
    """The scores of all images of a split, in its order."""

    classes: tuple[str, ...]
    targets: NDArray[np.int64]
    """``(N,)``."""
    logits: Array
    """``(N, classes)``."""

    @property
    def predicted(self) -> NDArray[np.int64]:
        """The class with the highest score, ``(N,)``."""
        found: NDArray[np.int64] = self.logits.argmax(1)
        return found


def answers(
    subject: Subject,
    split: SplitName = "validation",
    progress: Progress = None,
    cancelled: Cancelled = None,
) -> Answers:
    """Show every image of a split to the network.

    Raises:
        InsightError: if there is no data, or the weights are not finite.
        CancelledError: if ``cancelled`` says so.
    """
    subject.require_finite()
    total = len(subject.split(split))
    targets, logits, done = [], [], 0
    for examples in subject.batches(split):
        check_in(done / total, progress, cancelled)
        targets.append(examples.targets)
        logits.append(subject.scores(examples.images))
        done += len(examples)
    return Answers(subject.classes, np.concatenate(targets), np.concatenate(logits))
