"""Rules about faults from the first step on: in images, their order, loss and weights."""

from __future__ import annotations

import math
from collections.abc import Iterator

from cnn_tui.engine.specs.network import SVM, Network
from cnn_tui.engine.training import remedies
from cnn_tui.engine.training.events import BatchCompleted, LayersMeasured
from cnn_tui.engine.training.rules.facts import Facts, Verdict, weighted

MOST_MEAN, LEAST_STD, MOST_STD = 1.0, 0.1, 3.0
"""Bounds for normalised images with some room; plain pixels from 0 to 1 pass as well."""
FEW = 8
"""Images per batch; fewer may be of one class by chance."""
SLACK = 1.05


def input_scale(facts: Facts) -> Iterator[Verdict]:
    """Images far from mean 0 and standard deviation 1. Notes, Setting up the data."""
    measured = facts.measured[-1]
    mean, std = measured.input_mean, measured.input_std
    if abs(mean) <= MOST_MEAN and LEAST_STD <= std <= MOST_STD:
        return
    yield Verdict(
        "input-scale",
        f"The images reach the network with mean {mean:.3g} and deviation {std:.3g}, instead of "
        "about 0 and 1.",
        (f"mean {mean:.3g}, deviation {std:.3g} over a batch of {measured.images}",),
        remedies.normalize(),
    )


def one_class_batches(facts: Facts) -> Iterator[Verdict]:
    """Batches of a single class each, which differs from batch to batch."""
    latest = [m for m in facts.measured if m.images >= FEW][-3:]
    classes = {m.commonest_class for m in latest}
    if len(latest) < 3 or len(classes) < 2 or min(m.commonest_share for m in latest) < 0.9:
        return
    steps = ", ".join(f"{m.step:,}" for m in latest)
    yield Verdict(
        "one-class-batches",
        "Each batch holds images of one class only: the network forgets one class while it "
        "learns the next.",
        (f"at steps {steps} at least 90% of the batch were of one class, which changed",),
        remedies.shuffle(),
    )


def loss_scale(facts: Facts) -> Iterator[Verdict]:
    """A mean loss that is impossible for scores in this range."""
    batch, measured = facts.batch, facts.measured[-1]
    if batch is None or batch.step != measured.step:
        return
    low, high = _bounds(facts.network, measured, batch, facts)
    if low / SLACK <= batch.loss <= high * SLACK:
        return
    wrong = f"{batch.loss / high:.3g} times too large" if batch.loss > high else "far too small"
    yield Verdict(
        "loss-scale",
        f"The loss of {batch.loss:.3g} is {wrong} for its scores: it is not the mean over the "
        "batch, and the gradients are wrong by the same factor.",
        (
            f"scores of an image differ by at most {measured.score_range:.3g}, so the loss can be "
            f"{low:.3g} to {high:.3g}",
            f"chance would be {facts.chance_loss:.3g}",
        ),
        remedies.advise("Divide the loss and its gradient by the number of images in the batch."),
    )


def zero_weights(facts: Facts) -> Iterator[Verdict]:
    """Weights that are still exactly zero after a step. Notes, Weight Initialization, pitfall."""
    # L2 that is far too strong shrinks weights to zero later.
    since = [facts.first, *facts.latest(2)] if facts.first and facts.latest(2) else []
    zero = [
        {layer.layer for layer in weighted(measured) if layer.weight_norm == 0}
        for measured in since
    ]
    still = sorted(set.intersection(*zero)) if zero else []
    if not still:
        return
    count = len(still)
    yield Verdict(
        "zero-weights",
        f"All weights of {count} {'layers' if count > 1 else 'layer'} stay zero: equal "
        "weights get equal gradients, here zero, and never become different.",
        (f"norm 0 after {facts.step} steps: {', '.join(still[:4])}",),
        remedies.initializer("he"),
        layer=still[0],
    )


def _bounds(
    network: Network, measured: LayersMeasured, batch: BatchCompleted, facts: Facts
) -> tuple[float, float]:
    """The smallest and largest mean loss with this range of scores and this accuracy."""
    classes = len(facts.started.classes) if facts.started else 2
    wrong, spread = 1 - batch.accuracy, measured.score_range
    recipe = network.training
    if recipe.mixup or recipe.balance == "weights":
        return 0.0, math.inf  # losses are weighted, and the class that counts is one of two
    if isinstance(network.loss, SVM):
        power = 2 if network.loss.squared else 1
        delta = network.loss.delta
        return wrong * delta**power, (classes - 1) * (delta + spread) ** power
    return wrong * math.log(2), math.log(classes) + spread
