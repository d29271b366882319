"""How far a run has come: besides the arrays, all that decides how it goes on."""

from __future__ import annotations

import msgspec

from cnn_tui.engine.decoding import Count, Seconds, Share
from cnn_tui.engine.training.epoch_metrics import EpochMetrics
from cnn_tui.engine.training.settings import Settings


class Best(msgspec.Struct, frozen=True):
    """The epoch with the highest validation accuracy, the first of equals."""

    epoch: Count
    accuracy: Share


class Progress(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a run stands between two batches.

    The order of an epoch, the masks of a step and the rate of a step are derived from the recipe
    and these numbers; no state of a random generator needs to be kept.
    """

    step: Count
    """Optimizer steps done."""
    epochs_done: Count
    """Epochs that were trained and validated."""
    batch: Count
    """Batches done in the epoch after those."""
    settings: Settings
    """The recipe's values, which may have been changed on the way."""
    seconds: Seconds
    """Worked so far, pauses left out."""
    tally: EpochMetrics
    """Of the epoch that is under way."""
    best: Best | None = None


def beginning(settings: Settings) -> Progress:
    """Where a run stands before its first step."""
    return Progress(
        step=0, epochs_done=0, batch=0, settings=settings, seconds=0.0, tally=EpochMetrics()
    )
