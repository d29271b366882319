"""Rules about learning: none, too little, overfitting, or as it should be. Notes, Babysitting."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from cnn_tui.engine.specs.inside import walk_layers
from cnn_tui.engine.specs.layers import Dropout
from cnn_tui.engine.training import remedies
from cnn_tui.engine.training.events import Remedy, ValidationCompleted
from cnn_tui.engine.training.rules.facts import (
    PATIENT_EPOCHS,
    PATIENT_STEPS,
    Facts,
    Verdict,
    typical_ratio,
)
from cnn_tui.engine.training.rules.rate import is_lively, too_low

MOST_LUCK = 0.25
"""Accuracy above chance that validation may reach by luck without being useless."""
FEW_OTHERS = 0.03
"""Share of a class's images that may be given another class than the one given to nearly all."""
MOVING = 1e-3
"""Value of update:weight from which the weights move enough to learn."""
GAP = 0.1
FEW_PER_CLASS = 50
UNDERFIT, STALLED = 0.75, 0.99
WINDOW = 5
"""Epochs without progress."""


def timid(facts: Facts) -> Iterator[Verdict]:
    """Nothing is learned because steps are too small, although gradients are large enough."""
    if facts.full_rate > 2 and not facts.late:
        return  # the schedule has not come to the rate yet
    if facts.learns_nothing and not _moves(facts) and all(map(is_lively, facts.measured)):
        yield from too_low(facts)


def largest_class(facts: Facts) -> Iterator[Verdict]:
    """An accuracy that is the share of the largest class, which nearly every image is given."""
    latest, started = facts.validations, facts.started
    if started is None or not started.class_shares or facts.step < PATIENT_STEPS:
        return
    share = max(started.class_shares)
    largest = started.class_shares.index(share)
    if len(latest) < PATIENT_EPOCHS or not all(_gives_only(event, largest) for event in latest):
        return
    name, accuracy, balanced = (
        started.classes[largest],
        latest[-1].accuracy,
        latest[-1].balanced_accuracy or 0.0,
    )
    yield Verdict(
        "largest-class",
        f"The accuracy of {accuracy:.1%} is the share of the largest class, {name}: the network "
        "gives nearly every image that class.",
        (
            f"the classes' recalls have a mean of {balanced:.1%}",
            f"{name} has {share:.1%} of the training images",
        ),
        remedies.advise("Give more images of the other classes, or a longer training.")
        if facts.balances
        else remedies.balance(),
    )


def _gives_only(event: ValidationCompleted, label: int) -> bool:
    """Whether nearly all images of a validation were given one class."""
    recalls = [recall or 0.0 for recall in event.recalls]
    if label >= len(recalls):
        return False
    others = max((*recalls[:label], *recalls[label + 1 :]), default=1.0)
    return recalls[label] >= 1 - FEW_OTHERS and others <= FEW_OTHERS


def wrong_labels(facts: Facts) -> Iterator[Verdict]:
    """Labels that do not match the images, so that they can only be memorised."""
    if not (facts.learns_nothing and _moves(facts)) and not _memorises(facts):
        return
    if facts.had_learned and facts.at_chance:
        return  # it learned these labels once
    if facts.luck > MOST_LUCK:
        yield _few_to_judge(facts)
        return
    val = facts.epochs[-1].val_accuracy
    yield Verdict(
        "labels",
        "The labels seem not to match the images: the weights move as they should, but validation "
        "stays at chance.",
        (
            f"validation accuracy {val:.1%}, chance {facts.chance:.1%}",
            f"training loss {facts.loss:.3g}, chance {facts.chance_loss:.3g}",
            f"training accuracy {facts.accuracy:.1%}",
        ),
        remedies.advise("Compare some training images with their labels."),
    )


def flat_loss(facts: Facts) -> Iterator[Verdict]:
    """Nothing is learned because the weights hardly move."""
    if not facts.learns_nothing or _moves(facts) or all(map(is_lively, facts.measured)):
        return
    yield Verdict(
        "flat-loss",
        f"The loss is stuck at {facts.loss:.3g} (chance: {facts.chance_loss:.3g}): almost no "
        "gradient reaches the weights.",
        (f"accuracy {facts.accuracy:.1%}, chance {facts.chance:.1%}",),
        _liven(facts),
    )


def plateau(facts: Facts) -> Iterator[Verdict]:
    """No progress at a constant learning rate that has not been lowered yet."""
    latest = facts.recent_epochs(WINDOW)
    if not _stalls(facts) or latest[0].lr != latest[-1].lr or facts.full_rate > 2:
        return
    if max(epoch.train_accuracy for epoch in latest) >= 0.95:
        return
    yield Verdict(
        "plateau",
        f"The training loss has not fallen for {WINDOW} epochs at the learning rate {facts.lr:g}.",
        (_losses(facts),),
        remedies.learning_rate(facts.lr / 10, restart=False),
    )


def underfitting(facts: Facts) -> Iterator[Verdict]:
    """No progress at a lowered learning rate, with training images still misclassified."""
    if not _stalls(facts) or facts.full_rate <= 2 or facts.network.training.mixup:
        return  # blended images are never all right
    last = facts.epochs[-1]
    if last.train_accuracy >= UNDERFIT or last.train_accuracy - last.val_accuracy >= GAP:
        return
    yield Verdict(
        "underfitting",
        f"Underfitting: training accuracy has stopped rising at {last.train_accuracy:.1%}.",
        (
            _losses(facts),
            f"accuracy in training {last.train_accuracy:.1%}, validation {last.val_accuracy:.1%}",
        ),
        _strengthen(facts),
    )


def overfitting(facts: Facts) -> Iterator[Verdict]:
    """Training images are memorised, others are classified much worse."""
    latest = facts.recent_epochs(3)
    if not latest or facts.started is None:
        return
    if facts.validates_at_chance:
        return  # perhaps the labels: more steps will tell
    gap = statistics.fmean(epoch.train_accuracy - epoch.val_accuracy for epoch in latest)
    last, images = latest[-1], facts.started.train_images
    if gap < GAP / 2 or last.val_loss < 2 * last.train_loss:
        return
    if facts.luck > MOST_LUCK:
        yield _few_to_judge(facts)
        return
    per_class = images / len(facts.started.classes)
    code, message, remedy = _too_close(facts, images, few=per_class < FEW_PER_CLASS)
    evidence = (
        f"accuracy in training {last.train_accuracy:.1%}, validation {last.val_accuracy:.1%}",
        f"loss in training {last.train_loss:.3g}, validation {last.val_loss:.3g}",
        f"{per_class:,.3g} training images per class",
    )
    yield Verdict(code, message, evidence, remedy, fading=gap < GAP)


def _too_close(facts: Facts, images: int, *, few: bool) -> tuple[str, str, Remedy]:
    """Code, message and remedy of overfitting, by whether there are ``few`` images."""
    if few:
        message = (
            f"{images} training images are too few: the network memorises them instead of learning "
            "what they have in common."
        )
        return "little-data", message, remedies.augment(max(1, facts.network.input[1] // 8))
    message = "Overfitting: the network memorises training images and does much worse on others."
    remedy = remedies.l2_strength(max(5e-4, 3 * facts.l2), restart=False)
    return "overfitting", message, remedy


def healthy(facts: Facts) -> Iterator[Verdict]:
    """Praise: clearly better than chance, in validation as in training."""
    last = facts.epochs[-1]
    ratio = typical_ratio(facts.measured[-1]) if facts.measured else None
    learned = facts.judged(last) > min(2 * facts.chance, (1 + facts.chance) / 2)
    if not learned or facts.loss > 0.5 * facts.chance_loss or ratio is None:
        return
    if last.train_accuracy - last.val_accuracy >= GAP or facts.luck > MOST_LUCK:
        return
    yield Verdict(
        "healthy",
        f"Learning well: the loss is {facts.loss:.3g} (chance: {facts.chance_loss:.3g}), "
        f"validation accuracy {last.val_accuracy:.1%}.",
        (f"update:weight {ratio:.1e}",),
        severity="praise",
    )


def _few_to_judge(facts: Facts) -> Verdict:
    """In place of a verdict for which validation is no evidence."""
    images = facts.started.val_images if facts.started else 0
    return Verdict(
        "few-to-judge",
        f"Validation is far worse than training, but rests on {images} image{'s' * (images != 1)}: "
        "too few to tell a fault from bad luck.",
        (f"by luck alone the accuracy may be {min(1.0, facts.chance + facts.luck):.0%}",),
        remedies.advise("Give more images."),
    )


def _memorises(facts: Facts) -> bool:
    """Whether training is clearly better than chance and validation would show it, but does not."""
    epochs = facts.recent_epochs(2)
    enough = facts.chance + max(0.2 * (1 - facts.chance), 2 * facts.luck)
    return (
        bool(epochs)
        and facts.step >= PATIENT_STEPS
        and facts.network.training.balance != "weights"  # whose training accuracy is not balanced
        and epochs[-1].train_accuracy > enough
        and facts.validates_at_chance
    )


def _moves(facts: Facts) -> bool:
    ratios = [typical_ratio(measured) or 0.0 for measured in facts.measured]
    return max(ratios, default=0.0) >= MOVING


def _stalls(facts: Facts) -> bool:
    """Whether the lowest training loss of the last epochs is hardly below the previous lowest."""
    losses = [epoch.train_loss for epoch in facts.epochs]
    before, lately = losses[:-WINDOW], losses[-WINDOW:]
    return len(before) >= WINDOW and min(lately) > STALLED * min(before)


def _losses(facts: Facts) -> str:
    losses = [f"{epoch.train_loss:.4g}" for epoch in facts.recent_epochs(WINDOW)]
    return f"training loss of the last epochs: {', '.join(losses)}"


def _liven(facts: Facts) -> Remedy:
    if facts.network.training.initializer in ("gaussian", "zeros"):
        return remedies.initializer("he")
    if facts.squashing:
        return remedies.activation("relu")
    return remedies.learning_rate(facts.lr * 10, restart=False)


def _strengthen(facts: Facts) -> Remedy:
    """Less regularisation if there is much, or else a wider network."""
    if facts.l2 > 1e-3:
        return remedies.l2_strength(facts.l2 / 10, restart=False)
    layers = [layer for _, layer in walk_layers(facts.network.layers)]
    if any(isinstance(layer, Dropout) and layer.p > 0.2 for layer in layers):
        return remedies.drop(0.1)
    return remedies.widen(2)
