"""A look at the weights of a run that trains: copied between two steps, on request."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnn_tui.engine.specs.network import Network

if TYPE_CHECKING:
    from cnn_tui.engine.data.dataset import Dataset
    from cnn_tui.engine.data.preprocess import Normalizer
    from cnn_tui.engine.training.snapshot import Weights

SHARE = 0.01
"""Share of the time that repeated work beside a training may take."""
OFTEN = 0.25
"""Fewest seconds between two copies: about as often as the screen is drawn."""


@dataclass(frozen=True, eq=False)
class Glimpse:
    """The weights of a run after a step, with what is needed to look at them."""

    network: Network
    dataset: Dataset
    normalizer: Normalizer
    peak: float
    """The brightest value of a pixel in the data."""
    step: int
    epoch: int
    """The epoch that the step belongs to, counted from 1; 0 before the first step."""
    weights: Weights


class Pace:
    """Spaces out work that is repeated while a run trains, so that it takes a share of the time.

    Work that takes t seconds is due again t / ``share`` seconds later, and not before ``least``.
    """

    def __init__(self, share: float = SHARE, least: float = OFTEN) -> None:
        self._share, self._least = share, least
        self._next = 0.0

    @property
    def due(self) -> bool:
        """Whether enough time has passed since the last work."""
        return time.monotonic() >= self._next

    def worked(self, seconds: float) -> None:
        """Say that the work has just been done, and how long it took."""
        self._next = time.monotonic() + max(self._least, seconds / self._share)
