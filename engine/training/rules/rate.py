"""Rules about the learning rate: too high, diverging, too low. Notes, Neural Networks Part 3."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator

from cnn_tui.engine.training import remedies
from cnn_tui.engine.training.events import LayersMeasured, Remedy
from cnn_tui.engine.training.rules.facts import Facts, Verdict, typical_ratio, weighted

WILD, HIGH, LOW = 0.1, 0.03, 3e-4
"""Values of update:weight; 1e-3 is usual, and a third to thirty times that occurs in good runs."""
REPLACED, SETTLED, HARDLY = 1.0, 50, 0.2
"""update:weight of the first step from which nothing is left of the first weights; steps after
which a network has learned all the same; the share of accuracy above chance that shows it."""
BLOWN_UP = 5.0
"""Growth of the weight norms that does not occur in good runs."""
GROWN_UP = 100
"""Steps after which weights that began near zero have grown to their size."""
LIVELY = 1e-3
"""Value of gradient:weight below which the gradient, not the rate, keeps a layer from moving."""
SOLVED = 0.9
USUAL_FIRST = 0.03
"""update:weight of the first step at the full rate: 0.01 to 0.1 with the presets' rates."""
LEAST_CHANGE = 3
"""Factor by which a remedy changes the rate at least."""
FAR_BELOW = 50
"""Factor below a suitable rate for which momentum does not make up."""
HIGHEST = {"adagrad": 0.1, "rmsprop": 0.01, "adam": 0.01, "adamw": 0.01}
"""Highest rates to begin with, of optimizers that divide by the size of the gradient."""
FAR_ABOVE = 10
"""Factor above a suitable rate from which the rate is to blame, not the momentum."""
MUCH_MOMENTUM, USUAL_MOMENTUM = 0.95, 0.9
"""Steps add up to 20 and to 10 times the gradient's own."""


def lr_high(facts: Facts) -> Iterator[Verdict]:
    """Every step changes the weights by a large share of their norm."""
    ratios = _ratios(facts)
    if facts.began_small and (facts.step < GROWN_UP or facts.learning):
        return  # weights that begin near zero must first grow by more than their norm
    in_vain = _above(ratios, HIGH, 4) and not facts.learning
    if not in_vain and not _above(ratios, WILD, 2):
        return
    yield Verdict(
        "lr-high",
        f"The learning rate {facts.lr:g} is too high{with_momentum(facts)}: a step changes the "
        f"weights by about {ratios[-1]:.2g} of their norm, where 0.001 is usual.",
        (f"update:weight at the last measurements: {_listed(ratios)}",),
        lower(facts),
    )


def replaced(facts: Facts) -> Iterator[Verdict]:
    """The first step replaced the weights, and hardly anything has been learned since.

    RMSprop's first step is ten times as large as the next ones, whose share of the weights, large
    by then, looks usual. The running mean of the loss holds the loss after that step for long.
    """
    first = typical_ratio(facts.first) if facts.first and facts.fresh_step else None
    hardly_right = facts.chance + HARDLY * (1 - facts.chance)
    if not first or first < REPLACED or facts.step < SETTLED or facts.accuracy >= hardly_right:
        return
    yield Verdict(
        "lr-high",
        f"The learning rate {facts.lr:g} is too high{with_momentum(facts)}: the first step changed "
        f"the weights by {first:.2g} times their norm, where {USUAL_FIRST:g} is usual.",
        (f"accuracy {facts.accuracy:.1%} at step {facts.step:,}, chance {facts.chance:.1%}",),
        lower(facts, restart=True),
    )


def diverging(facts: Facts) -> Iterator[Verdict]:
    """The loss rises to chance again or above it, or the weights blow up."""
    climbing = facts.loss > max(1.3 * facts.chance_loss, 2 * facts.lowest)
    collapsed = facts.had_learned and facts.at_chance
    growth = facts.growth
    if not climbing and not collapsed and growth < BLOWN_UP:
        return
    what = f"the loss was {facts.lowest:.3g} and is {facts.loss:.3g}"
    if collapsed and not climbing:
        known = "by chance" if facts.chance else "at the start"
        what += f", as {known} ({facts.chance_loss:.3g})"
    climbing |= collapsed
    grown = f"the weights are {growth:.3g} times as large as at the start"
    yield Verdict(
        "diverging",
        f"Training diverges: {what if climbing else grown}. The learning rate {facts.lr:g} is too "
        f"high{with_momentum(facts)}.",
        ((what,) if climbing else ()) + ((grown,) if growth >= BLOWN_UP else ()),
        # Weights that have blown up do not shrink again in good time.
        lower(facts, restart=True if growth >= BLOWN_UP else None),
    )


def lr_low(facts: Facts) -> Iterator[Verdict]:
    """The weights hardly move although gradients are large enough."""
    latest = [m for m in facts.latest(4) if m.step >= 10]
    if len(latest) < 4 or facts.accuracy >= SOLVED:
        return
    ratios = [(typical_ratio(m) or math.inf) * facts.full_rate for m in latest]
    if max(ratios) >= LOW or not all(map(is_lively, latest)):
        return
    yield from too_low(facts)


def too_low(facts: Facts) -> Iterator[Verdict]:
    """Steps are too small: by the rate, or by weights that began too small for any rate."""
    ratios = _ratios(facts)
    evidence = (
        f"update:weight at the last measurements: {_listed(ratios)}",
        f"loss {facts.loss:.3g}, chance {facts.chance_loss:.3g}",
    )
    if facts.began_small and not facts.learning:
        initializer = facts.network.training.initializer
        yield Verdict(
            "flat-loss",
            f"The loss is stuck at {facts.loss:.3g} (chance: {facts.chance_loss:.3g}): the weights "
            f"of the initializer {initializer} are so small that the scores hardly differ.",
            evidence,
            remedies.initializer("he"),
        )
    elif remedy := _higher(facts, max(ratios[-4:])):
        yield Verdict(
            "lr-low",
            f"The learning rate {facts.lr:g} is too low: a step changes the weights by about "
            f"{ratios[-1]:.1g} of their norm, where 0.001 is usual.",
            evidence,
            remedy,
        )


def too_slow(facts: Facts) -> Iterator[Verdict]:
    """A network that is far from done in the last epochs, at a rate that was never a usual one."""
    known, most = suitable(facts), max(facts.lr, facts.network.training.lr)
    if known is None or facts.accuracy >= SOLVED or (facts.started and facts.started.origin):
        return  # trained weights are moved slowly on purpose
    rate = min(known, highest(facts))
    if FAR_BELOW * most >= rate:
        return
    yield Verdict(
        "lr-low",
        f"The learning rate {facts.lr:g} is too low for {facts.network.training.epochs} epochs: "
        f"about {rate:.2g} makes first steps of a usual size.",
        (f"loss {facts.loss:.3g}, chance {facts.chance_loss:.3g}",),
        remedies.learning_rate(rate, restart=True),
        fading=not facts.late,
    )


def suitable(facts: Facts) -> float | None:
    """The rate at which the first step would have been of a usual size; None if unknown."""
    return USUAL_FIRST / facts.fresh_step if facts.fresh_step else None


def highest(facts: Facts) -> float:
    """The highest rate to begin with: each step of the optimizer adds up over its momentum."""
    optimizer = facts.network.training.optimizer
    return HIGHEST.get(optimizer, 1 - facts.momentum)


def is_far_above(facts: Facts, *, undropped: bool = False) -> bool:
    """Whether the rate is known to be several times a suitable one, with dropout or without it.

    Dropout divides the values that it keeps by their share, so that the root mean square of values
    and gradients grows by the square root of that: 4.5 times for p = 0.95.
    """
    rate = suitable(facts)
    scale = (1 - facts.dropout) ** -0.5 if undropped else 1.0
    return rate is not None and facts.lr > LEAST_CHANGE * rate * scale


def lower(facts: Facts, *, restart: bool | None = None) -> Remedy:
    """A suitable rate or else a tenth, with a restart unless the network is learning.

    Where the rate is usual and the momentum is not, steps are large for that reason.
    """
    rate = suitable(facts) if is_far_above(facts) else None
    usual = rate is None or facts.lr < FAR_ABOVE * rate
    if usual and facts.momentum > MUCH_MOMENTUM:
        return remedies.momentum(USUAL_MOMENTUM)
    if rate is None:
        rate = facts.lr / 10
    return remedies.learning_rate(rate, restart=not facts.learning if restart is None else restart)


def _higher(facts: Facts, ratio: float) -> Remedy | None:
    """A suitable rate, or else the power of ten that brings ``ratio`` to 0.001.

    None if the rate is the highest already: then something else keeps steps small.
    """
    most, rate = highest(facts), suitable(facts)
    if most <= facts.lr:
        return None
    if rate is not None and rate >= facts.lr * LEAST_CHANGE:
        rate = min(rate, most)
        # Weights that have hardly moved lose nothing, and a schedule may begin low for a reason.
        return remedies.learning_rate(rate, restart=rate >= 10 * facts.lr)
    factor = 10.0 ** math.ceil(math.log10(1e-3 / ratio))
    # Limited, because larger changes cannot be judged.
    rate = facts.lr * min(max(factor, 10.0), 100.0)
    return remedies.learning_rate(min(rate, most), restart=False)


def with_momentum(facts: Facts) -> str:
    """The momentum in words behind the rate, if it is a large one."""
    return f" with a momentum of {facts.momentum:g}" if facts.momentum > MUCH_MOMENTUM else ""


def _ratios(facts: Facts) -> list[float]:
    ratios = (typical_ratio(measured) for measured in facts.measured)
    return [ratio for ratio in ratios if ratio is not None]


def _above(ratios: list[float], level: float, count: int) -> bool:
    return len(ratios) >= count and min(ratios[-count:]) > level


def is_lively(measured: LayersMeasured) -> bool:
    """Whether gradients are large enough, relative to the weights, to move them."""
    shares = [
        layer.gradient_norm / layer.weight_norm
        for layer in weighted(measured)
        if layer.weight_norm and layer.gradient_norm is not None
    ]
    return bool(shares) and statistics.median(shares) > LIVELY


def _listed(ratios: list[float]) -> str:
    return ", ".join(f"{ratio:.1e}" for ratio in ratios[-4:])
