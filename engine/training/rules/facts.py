"""The babysitter's memory of a run, of constant size, and the verdicts of its rules."""

from __future__ import annotations

import math
import statistics
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.inside import walk_layers
from cnn_tui.engine.specs.layers import Dropout
from cnn_tui.engine.specs.network import SVM, Network
from cnn_tui.engine.specs.placed import place_network
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
    ValidationCompleted,
)

MEASURED, EPOCHS = 8, 12
"""Numbers of the latest measurements and epochs that are remembered."""
SPAN = 20
"""Batches in the running means."""
AT_CHANCE = 0.97
"""Share of the chance loss from which nothing has been learned."""
PATIENT_STEPS, PATIENT_EPOCHS = 100, 2
"""Steps and epochs after which a network must be better than chance."""
LEARNED = 0.8
"""Share of the chance loss below which something has been learned."""


class Facts:
    """The facts of one run, updated from its events."""

    def __init__(self, network: Network) -> None:
        self.network = network
        recipe = network.training
        self._lr = recipe.lr
        self._held_lr: float | None = None
        self.l2 = recipe.l2
        self.dropout = max(_dropouts(network), default=0.0)
        """The highest probability of any dropout layer."""
        self.started: RunStarted | None = None
        self.batch: BatchCompleted | None = None
        self.loss, self.accuracy = math.nan, math.nan
        """Running means over batches."""
        self.lowest = math.inf
        """Lowest running mean of the loss."""
        self.first: LayersMeasured | None = None
        self.fresh_step: float | None = None
        """update:weight of the first step for a learning rate of 1; None unless it was measured on
        random weights."""
        self.measured = deque[LayersMeasured](maxlen=MEASURED)
        self.epochs = deque[EpochCompleted](maxlen=EPOCHS)
        self.validations = deque[ValidationCompleted](maxlen=PATIENT_EPOCHS)
        self.chance_loss, self.chance = math.inf, 0.0
        """Loss and accuracy of always predicting the frequencies of the classes; for unknown
        classes the first loss and 0."""
        self._batches = 0

    def update(self, event: RunEvent) -> None:
        """Update the facts from an event."""
        match event:
            case BatchCompleted():
                self._batch(event)
            case LayersMeasured():
                if self.first is None:
                    self.first, self.fresh_step = event, self._fresh_step(event)
                self.measured.append(event)
            case ValidationCompleted():
                self.validations.append(event)
            case EpochCompleted():
                self.epochs.append(event)
            case SettingChanged(name="lr", new=float() as lr):
                self._lr = lr
            case SettingChanged(name="held_lr", new=lr):
                self._held_lr = lr
            case SettingChanged(name="l2", new=float() as l2):
                self.l2 = l2
            case SettingChanged(name="dropout", new=float() as dropout):
                self.dropout = dropout
            case RunStarted():
                self._start(event)

    def _start(self, event: RunStarted) -> None:
        self.started, self._lr = event, event.lr
        if not event.classes:
            return
        shares = event.class_shares or (1 / len(event.classes),) * len(event.classes)
        if self.balances:
            present = [share for share in shares if share]
            shares = (1 / len(present),) * len(present)
        self.chance = max(shares)
        self.chance_loss = _chance_loss(self.network, shares)

    def _batch(self, event: BatchCompleted) -> None:
        self.batch = event
        self._batches += 1
        if self.chance_loss == math.inf:
            self.chance_loss = event.loss
        # A plain mean at first, so that the first batch has no more weight than others.
        weight = 1 / min(self._batches, SPAN)
        old_loss = event.loss if self._batches == 1 else self.loss
        old_accuracy = event.accuracy if self._batches == 1 else self.accuracy
        self.loss = old_loss + weight * (event.loss - old_loss)
        self.accuracy = old_accuracy + weight * (event.accuracy - old_accuracy)
        if self._batches >= SPAN:
            self.lowest = min(self.lowest, self.loss)

    def _fresh_step(self, first: LayersMeasured) -> float | None:
        """The value of :attr:`fresh_step`, from the first measurement."""
        ratio, batch = typical_ratio(first), self.batch
        if batch is None or first.step != 1 or not ratio or batch.lr <= 0 or self.began_small:
            return None
        # Trained weights hardly move at first, at any rate.
        is_untrained = batch.loss >= AT_CHANCE * self.chance_loss
        return ratio / batch.lr if is_untrained and math.isfinite(ratio) else None

    @property
    def balances(self) -> bool:
        """Whether the recipe makes up for classes of uneven size."""
        return self.network.training.balance != "natural"

    def judged(self, epoch: EpochCompleted) -> float:
        """The validation accuracy; balanced if the training is."""
        balanced = epoch.val_balanced_accuracy if self.balances else None
        return epoch.val_accuracy if balanced is None else balanced

    @property
    def lr(self) -> float:
        """The recipe's current learning rate, or the held one that overrides it."""
        return self._lr if self._held_lr is None else self._held_lr

    @property
    def momentum(self) -> float:
        """The momentum of the optimizer; 0 for one that has none."""
        recipe = self.network.training
        return recipe.momentum if recipe.optimizer in ("momentum", "nesterov") else 0.0

    @property
    def late(self) -> bool:
        """Whether the second half of the epochs has begun, or is about to."""
        return bool(self.epochs) and 2 * self.epochs[-1].epoch >= self.network.training.epochs

    @property
    def step(self) -> int:
        """The latest step."""
        return self.batch.step if self.batch else 0

    @property
    def at_chance(self) -> bool:
        """Whether the network is no better than chance."""
        return self.loss >= AT_CHANCE * self.chance_loss

    @property
    def had_learned(self) -> bool:
        """Whether the network was clearly better than chance at some time."""
        return self.lowest < LEARNED * self.chance_loss

    @property
    def learning(self) -> bool:
        """Whether the network is clearly better than chance."""
        return self.loss < LEARNED * self.chance_loss

    @property
    def luck(self) -> float:
        """Three standard deviations of the validation accuracy of a network that guesses."""
        images = self.started.val_images if self.started else 0
        return 3 * math.sqrt(self.chance * (1 - self.chance) / images) if images else math.inf

    @property
    def validates_at_chance(self) -> bool:
        """Whether the last two validations are no better than luck."""
        latest = self.recent_epochs(2)
        return bool(latest) and all(self.judged(e) <= self.chance + self.luck for e in latest)

    @property
    def learns_nothing(self) -> bool:
        """Whether the network is at chance after two epochs and at least a hundred steps."""
        if len(self.epochs) < PATIENT_EPOCHS or self.step < PATIENT_STEPS:
            return False
        return self.at_chance and self.validates_at_chance

    @property
    def full_rate(self) -> float:
        """Ratio of the recipe's learning rate to that of the last step."""
        return self.lr / self.batch.lr if self.batch and self.batch.lr > 0 else 1.0

    @property
    def began_small(self) -> bool:
        """Whether the initial weights were smaller than the layers need."""
        return self.network.training.initializer in ("gaussian", "zeros")

    @cached_property
    def squashing(self) -> frozenset[str]:
        """The names of the sigmoids and tanhs, apart from gates, which may be all or nothing.

        A gate ends a branch whose values multiply others, as in squeeze-and-excitation.
        """
        placed = place_network(self.network, check(self.network))
        layers = [inner for layer in placed for inner in layer.walk()]
        products = (one for one in layers if getattr(one.layer, "merge", "") == "multiply")
        gates = {branch[-1].name for block in products for branch in block.branches if branch}
        return frozenset(one.name for one in layers if one.layer.info.saturates) - gates

    @property
    def growth(self) -> float:
        """Median ratio of the weight norms to those of the first measurement."""
        if self.first is None or self.began_small:
            return 1.0
        pairs = zip(weighted(self.first), weighted(self.measured[-1]), strict=True)
        growths = [
            b.weight_norm / a.weight_norm for a, b in pairs if a.weight_norm and b.weight_norm
        ]
        return statistics.median(growths) if growths else 1.0

    def latest(self, count: int) -> Sequence[LayersMeasured]:
        """The last ``count`` measurements; empty if there are fewer."""
        return list(self.measured)[-count:] if len(self.measured) >= count else ()

    def recent_epochs(self, count: int) -> Sequence[EpochCompleted]:
        """The last ``count`` epochs; empty if there are fewer."""
        return list(self.epochs)[-count:] if len(self.epochs) >= count else ()


def weighted(measured: LayersMeasured) -> list[LayerHealth]:
    """The measured convolutions and fully connected layers, whose weights begin at random."""
    return [layer for layer in measured.layers if layer.type in ("conv", "dwconv", "fc")]


def typical_ratio(measured: LayersMeasured) -> float | None:
    """The median of update:weight over :func:`weighted` layers; None if no layer has it."""
    ratios = [layer.update_ratio for layer in weighted(measured) if layer.update_ratio is not None]
    return statistics.median(ratios) if ratios else None


def _dropouts(network: Network) -> Iterator[float]:
    layers = (layer for _, layer in walk_layers(network.layers))
    return (layer.p for layer in layers if isinstance(layer, Dropout))


def _chance_loss(network: Network, shares: Sequence[float]) -> float:
    if isinstance(network.loss, SVM):
        margin = network.loss.delta**2 if network.loss.squared else network.loss.delta
        return (len(shares) - 1) * margin
    smoothing = network.loss.label_smoothing
    targets = [(1 - smoothing) * share + smoothing / len(shares) for share in shares]
    return -sum(target * math.log(target) for target in targets if target)


@dataclass(frozen=True)
class Verdict:
    """A fault or praise, with its evidence and one remedy."""

    code: str
    message: str
    evidence: tuple[str, ...]
    remedy: Remedy | None = None
    layer: str = ""
    severity: Severity = "warning"
    fading: bool = False
    """Whether the fault is too weak to report but too strong to clear."""


Rule = Callable[[Facts], Iterator[Verdict]]
