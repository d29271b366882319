"""What the babysitter remembers of a run: a few numbers, however long it goes."""

from __future__ import annotations

import math
import statistics
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from cnn_tui.engine.specs.network import SVM, Network
from cnn_tui.engine.training.events import (
    BatchCompleted,
    EpochCompleted,
    LayerHealth,
    LayersMeasured,
    Remedy,
    RunEvent,
    RunStarted,
    SettingChanged,
    Severity,
)

MEASURED, EPOCHS = 8, 12
"""How many of the latest are remembered."""
SPAN = 20
"""Batches that the running means reach back over."""
AT_CHANCE = 0.97
"""Of the loss of a network that knows nothing: from here on nothing has been learned."""


class Facts:
    """Of one run; :meth:`take` brings them up to date."""

    def __init__(self, network: Network) -> None:
        self.network = network
        recipe = network.training
        self._lr = recipe.lr
        self._held_lr: float | None = None
        self.l2 = recipe.l2
        self.started: RunStarted | None = None
        self.batch: BatchCompleted | None = None
        self.loss, self.accuracy = math.nan, math.nan
        """Running means over batches."""
        self.lowest = math.inf
        """Of the running mean of the loss."""
        self.first: LayersMeasured | None = None
        self.measured = deque[LayersMeasured](maxlen=MEASURED)
        self.epochs = deque[EpochCompleted](maxlen=EPOCHS)
        self.chance_loss, self.chance = math.inf, 0.0
        """Loss and accuracy of a network that knows how common each class is and nothing else."""
        self._batches = 0

    def update(self, event: RunEvent) -> None:
        """Remember an event."""
        match event:
            case BatchCompleted():
                self._batch(event)
            case LayersMeasured():
                self.first = self.first or event
                self.measured.append(event)
            case EpochCompleted():
                self.epochs.append(event)
            case SettingChanged(name="lr", new=float() as lr):
                self._lr = lr
            case SettingChanged(name="held_lr", new=lr):
                self._held_lr = lr
            case SettingChanged(name="l2", new=float() as l2):
                self.l2 = l2
            case RunStarted():
                self._start(event)

    def _start(self, event: RunStarted) -> None:
        self.started, self._lr = event, event.lr
        shares = event.class_shares or (1 / len(event.classes),) * len(event.classes)
        self.chance = max(shares)
        self.chance_loss = _chance_loss(self.network, shares)

    def _batch(self, event: BatchCompleted) -> None:
        self.batch = event
        self._batches += 1
        # The plain mean at first, so that the first batch does not weigh more than others.
        weight = 1 / min(self._batches, SPAN)
        old_loss = event.loss if self._batches == 1 else self.loss
        old_accuracy = event.accuracy if self._batches == 1 else self.accuracy
        self.loss = old_loss + weight * (event.loss - old_loss)
        self.accuracy = old_accuracy + weight * (event.accuracy - old_accuracy)
        if self._batches >= SPAN:
            self.lowest = min(self.lowest, self.loss)

    @property
    def lr(self) -> float:
        """The recipe's learning rate as it stands now, or the one that is held in its place."""
        return self._lr if self._held_lr is None else self._held_lr

    @property
    def step(self) -> int:
        """The latest."""
        return self.batch.step if self.batch else 0

    @property
    def at_chance(self) -> bool:
        """Whether the network gets no better than one that knows nothing."""
        return self.loss >= AT_CHANCE * self.chance_loss

    @property
    def learning(self) -> bool:
        """Whether the network is clearly past chance."""
        return self.loss < 0.8 * self.chance_loss

    @property
    def full_rate(self) -> float:
        """By how much the learning rate of the last step would have to grow to be the recipe's."""
        return self.lr / self.batch.lr if self.batch and self.batch.lr > 0 else 1.0

    @property
    def began_small(self) -> bool:
        """Whether the initial weights were shorter than the layers need them."""
        return self.network.training.initializer in ("gaussian", "zeros")

    @property
    def growth(self) -> float:
        """How many times as long as at the first measurement the typical weight is now."""
        if self.first is None or self.began_small:
            return 1.0
        pairs = zip(weighted(self.first), weighted(self.measured[-1]), strict=True)
        growths = [
            b.weight_norm / a.weight_norm for a, b in pairs if a.weight_norm and b.weight_norm
        ]
        return statistics.median(growths) if growths else 1.0

    def latest(self, count: int) -> Sequence[LayersMeasured]:
        """The last ``count`` measurements; none if there are not so many yet."""
        return list(self.measured)[-count:] if len(self.measured) >= count else ()

    def recent_epochs(self, count: int) -> Sequence[EpochCompleted]:
        """The last ``count`` epochs; none if there are not so many yet."""
        return list(self.epochs)[-count:] if len(self.epochs) >= count else ()


def weighted(measured: LayersMeasured) -> list[LayerHealth]:
    """Its convolutions and fully connected layers."""
    return [layer for layer in measured.layers if layer.type in ("conv", "fc")]


def typical_ratio(measured: LayersMeasured) -> float | None:
    """The median of update:weight over those; None if no weight can tell."""
    ratios = [layer.update_ratio for layer in weighted(measured) if layer.update_ratio is not None]
    return statistics.median(ratios) if ratios else None


def _chance_loss(network: Network, shares: Sequence[float]) -> float:
    if isinstance(network.loss, SVM):
        margin = network.loss.delta**2 if network.loss.squared else network.loss.delta
        return (len(shares) - 1) * margin
    smoothing = network.loss.label_smoothing
    targets = [(1 - smoothing) * share + smoothing / len(shares) for share in shares]
    return -sum(target * math.log(target) for target in targets if target)


@dataclass(frozen=True)
class Verdict:
    """A fault, or praise, with what it rests on and the one thing to do about it."""

    code: str
    message: str
    evidence: tuple[str, ...]
    remedy: Remedy | None = None
    layer: str = ""
    severity: Severity = "warning"
    fading: bool = False
    """Whether this is too little to be told, though enough not to be over."""


Rule = Callable[[Facts], Iterator[Verdict]]
