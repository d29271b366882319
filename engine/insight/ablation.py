"""Ablation: what the network loses without some of its filters, and a network without them."""

from __future__ import annotations

import msgspec
import numpy as np

from cnn_tui.engine.errors import InsightError
from cnn_tui.engine.insight.fitting import hits
from cnn_tui.engine.insight.passes import affordable
from cnn_tui.engine.insight.pruning import Filters, masked, pruned, require_filters
from cnn_tui.engine.insight.subject import SplitName, Subject
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.keep_weights import keep_weights
from cnn_tui.engine.runs.watcher import NOBODY, Watcher
from cnn_tui.engine.specs.wording import listed
from cnn_tui.engine.storage import Storage
from cnn_tui.engine.transforms.carry import load_weights

DRAWS = 3
"""Random choices of as many other filters, whose mean is the yardstick."""


class Scored(msgspec.Struct, frozen=True):
    """Accuracy, 0 to 1, of all images and of those of each class; None for a class without any."""

    accuracy: float
    by_class: tuple[float | None, ...]


class Ablation(msgspec.Struct, frozen=True, kw_only=True):
    """The accuracy with and without some filters, ``inspect RUN ablate --json``."""

    removed: dict[str, tuple[int, ...]]
    """The filters by layer, counted from 0."""
    classes: tuple[str, ...]
    images: int
    before: Scored
    after: Scored
    others: tuple[Scored, ...] = ()
    """Figures without as many other filters of the same layers, chosen at random, a few times."""

    @property
    def cost(self) -> float:
        """Accuracy that the filters are worth: before minus after."""
        return self.before.accuracy - self.after.accuracy

    @property
    def cost_of_others(self) -> float | None:
        """Mean accuracy that as many others are worth; None if none were tried."""
        if not self.others:
            return None
        return self.before.accuracy - sum(s.accuracy for s in self.others) / len(self.others)


class FilterCost(msgspec.Struct, frozen=True):
    """The worth of one filter."""

    filter: int
    after: Scored
    cost: float
    """Accuracy before minus after."""


def ablate(
    subject: Subject,
    removed: Filters,
    *,
    spared: Filters | None = None,
    draws: int = DRAWS,
    split: SplitName = "validation",
    limit: int | None = None,
    seed: int = 0,
    watcher: Watcher = NOBODY,
) -> Ablation:
    """Accuracy before and after the maps of some filters are set to zero, after bias and ReLU.

    Memory is that of a copy of the weights and of a pass of 250 images.

    Args:
        subject: the network; its weights come back as they were.
        removed: the filters by layer, such as ``FilterHealth.flagged``.
        spared: filters that the random others must not contain, such as all flagged ones.
        draws: how often as many others are taken out; 0 for not at all.
        split: the images that are classified.
        limit: number of images; None for the whole split.
        seed: which images and which other filters are drawn.
        watcher: sees the progress, and can cancel.

    Raises:
        InsightError: if there is no such filter, it is all of a layer, or there is no data.
        CancelledError: if ``watcher`` cancels.
    """
    wanted = _checked(subject, removed)
    others = _draw_others(subject, wanted, spared or {}, draws, seed)
    trial = _Trial(subject, split, limit, seed)
    with trial:
        steps = [{}, wanted, *others]
        scores = [
            trial.score(choice, part)
            for choice, part in zip(steps, watcher.parts(len(steps)), strict=True)
        ]
    return Ablation(
        removed=wanted,
        classes=subject.classes,
        images=trial.count,
        before=scores[0],
        after=scores[1],
        others=tuple(scores[2:]),
    )


def cost_of_each(
    subject: Subject,
    layer: str,
    *,
    split: SplitName = "validation",
    limit: int | None = None,
    seed: int = 0,
    watcher: Watcher = NOBODY,
) -> tuple[Scored, tuple[FilterCost, ...]]:
    """The worth of every single filter of a layer; the accuracy with all of them comes first.

    See :func:`ablate` for the arguments and errors.
    """
    name = subject.require_layer(layer, conv=True)
    filters = subject.reports[name].output or [0]
    trial = _Trial(subject, split, limit, seed)
    with trial:
        first, *parts = watcher.parts(filters[0] + 1)
        before = trial.score({}, first)
        costs = []
        for number, part in enumerate(parts):
            after = trial.score({name: (number,)}, part)
            costs.append(FilterCost(number, after, before.accuracy - after.accuracy))
    return before, tuple(costs)


def keep_without(
    subject: Subject, removed: Filters, *, storage: Storage | None = None
) -> RunFolder:
    """Keep a network smaller by some filters as a new run beside that of the subject.

    Its scores are those of the network whose maps are set to zero, to 1e-5.

    Raises:
        InsightError: if a layer cannot become narrower, or the subject is no run; says why.
        RunError: if the run cannot be written.
    """
    wanted, origin = _checked(subject, removed), subject.folder
    if origin is None:
        raise InsightError(f"{subject.name} is not a run that was kept.", "Choose one of the list.")
    network, weights = pruned(subject.network, subject.weights(), wanted)
    gone = [f"{len(numbers)} of {name}" for name, numbers in wanted.items()]
    note = f"{origin.name} ({subject.state}) without filters: {listed(gone, 'and')}."
    return keep_weights(network, weights, origin, note, storage=storage)


def _checked(subject: Subject, removed: Filters) -> dict[str, tuple[int, ...]]:
    wanted = {
        subject.require_layer(name, conv=True): tuple(sorted(set(numbers)))
        for name, numbers in removed.items()
        if numbers
    }
    if not wanted:
        raise InsightError("No filters are chosen.", "Name some, or those that are flagged.")
    require_filters(subject.network, wanted)
    return wanted


def _draw_others(
    subject: Subject, removed: Filters, spared: Filters, draws: int, seed: int
) -> list[dict[str, tuple[int, ...]]]:
    """Choices of as many filters of the same layers; fewer where a layer has no more others."""
    rng = np.random.default_rng(seed)
    choices = []
    for _ in range(draws):
        choice = {}
        for name, numbers in removed.items():
            filters = (subject.reports[name].output or [0])[0]
            free = np.setdiff1d(np.arange(filters), [*numbers, *spared.get(name, ())])
            count = min(len(numbers), len(free))
            choice[name] = tuple(sorted(rng.choice(free, count, replace=False).tolist()))
        choices.append(choice)
    return choices if all(any(choice.values()) for choice in choices) else []


class _Trial:
    """Scores a network with some filters silenced; gives the weights back at the end."""

    def __init__(self, subject: Subject, split: SplitName, limit: int | None, seed: int) -> None:
        subject.require_finite()
        examples = subject.images(split, affordable(subject, limit), seed)
        self._subject, self._weights = subject, subject.weights()
        self._images, self._targets = examples.images, examples.targets

    @property
    def count(self) -> int:
        """Number of images."""
        return len(self._targets)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        load_weights(self._subject.model, self._weights)

    def score(self, removed: Filters, watcher: Watcher) -> Scored:
        weights = masked(self._subject.network, self._weights, removed)
        load_weights(self._subject.model, weights)
        right = hits(self._subject.model, self._images, self._targets, watcher)
        classes = len(self._subject.classes)
        totals = np.bincount(self._targets, minlength=classes)
        counts = np.bincount(self._targets[right], minlength=classes)
        return Scored(
            float(right.mean()),
            tuple(
                r / t if t else None for r, t in zip(counts.tolist(), totals.tolist(), strict=True)
            ),
        )
