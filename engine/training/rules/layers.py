"""Rules about layers: dead ReLUs, saturated outputs, too much L2 and too much dropout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnn_tui.engine.training import remedies
from cnn_tui.engine.training.events import LayersMeasured, Remedy
from cnn_tui.engine.training.rules.facts import Facts, Verdict, weighted
from cnn_tui.engine.training.rules.rate import is_far_above, lower

ALL, MANY = 0.98, 0.5
FEW = 16
"""Images per batch; with fewer, healthy units may be silent by chance."""
SATURATED = 0.5
MODERATE_L2 = 5e-4
MUCH_DROPOUT, MODERATE_DROPOUT = 0.6, 0.3
HELD_BACK = 0.15
"""Accuracy that dropout takes from the training images, where validation goes without it."""


def dead_relus(facts: Facts) -> Iterator[Verdict]:
    """ReLUs that are zero for every image and pass no gradient. Notes, Activation functions.

    A whole layer at two consecutive measurements, or half of one at six while the rest learns.
    """
    for name, units, shares in _shares(facts, "dead"):
        whole = _is_dead(shares)
        many = min(shares[-6:], default=0.0) >= MANY and len(shares) >= 6 and facts.learning
        if whole or many:
            count = round(shares[-1] * units)
            why, remedy = _cause_of_death(facts, name, whole=whole)
            yield Verdict(
                "dead-relus",
                f"{count} of {units} ReLUs of {name} are dead: they are zero for every image, so "
                f"that no gradient passes through them. {why}",
                (f"share of silent units at the last measurements: {_percents(shares)}",),
                remedy,
                layer=name,
            )
        if whole:
            return  # later layers receive only zeros and are silent for that reason


def _cause_of_death(facts: Facts, name: str, *, whole: bool) -> tuple[str, Remedy]:
    """Why the ReLUs of a layer died, and a remedy: by where they began, or by large steps."""
    initializer = facts.network.training.initializer
    if _began_dead(facts, name):
        why = "They were so before the first step: their biases or weights began in a bad place."
        return why, remedies.fresh_weights(initializer)
    # Half a layer is no proof against a rate that is usual otherwise.
    if whole or is_far_above(facts):
        why = f"Steps at the learning rate {facts.lr:g} were large enough to kill them."
        return why, lower(facts, restart=True)
    return "", remedies.activation("leaky_relu")


def _is_dead(shares: Sequence[float]) -> bool:
    """Whether a whole layer was silent at the last two measurements."""
    return len(shares) >= 2 and min(shares[-2:]) >= ALL


def _began_dead(facts: Facts, name: str) -> bool:
    """Whether half of a layer was silent before any step."""
    first = facts.first
    if first is None or first.step != 1:
        return False
    return any((one.dead or 0.0) >= MANY for one in first.layers if one.layer == name)


def saturated(facts: Facts) -> Iterator[Verdict]:
    """Sigmoids and tanhs at their bounds, where gradients vanish. Notes, Activation functions."""
    for name, _, shares in _shares(facts, "saturated"):
        if name not in facts.squashing:
            continue
        if len(shares) >= 3 and min(shares[-3:]) >= SATURATED:
            yield Verdict(
                "saturated",
                f"{shares[-1]:.0%} of the outputs of {name} are saturated: almost no gradient "
                "passes through them.",
                (f"share of saturated outputs at the last measurements: {_percents(shares)}",),
                remedies.activation("relu"),
                layer=name,
            )


def l2_high(facts: Facts) -> Iterator[Verdict]:
    """L2 outweighs the data before anything is learned, or shrinks the weights."""
    batch = facts.batch
    # Weights that have grown are not held down: then the steps were too large.
    if batch is None or batch.l2_loss <= batch.loss or facts.growth > 1:
        return
    shrunk = facts.growth < 0.5 and facts.loss > 0.15 * facts.chance_loss
    if not shrunk and not _outweighs(facts):
        return
    better = MODERATE_L2 if facts.l2 > 2 * MODERATE_L2 else facts.l2 / 10
    yield Verdict(
        "l2-high",
        f"L2 of {facts.l2:g} is too strong: it shrinks the weights faster than the data loss "
        "changes them.",
        (
            f"L2 loss {batch.l2_loss:.3g}, data loss {batch.loss:.3g}",
            f"the weights have {facts.growth:.0%} of their initial norm",
        ),
        remedies.l2_strength(better, restart=True),
    )


def dropout_high(facts: Facts) -> Iterator[Verdict]:
    """Dropout leaves too little of a layer to learn from. Notes, Regularization."""
    epochs = facts.recent_epochs(2)
    if facts.dropout < MUCH_DROPOUT or not epochs:
        return
    held_back = min(epoch.val_accuracy - epoch.train_accuracy for epoch in epochs) > HELD_BACK
    if held_back or facts.learns_nothing:
        last = epochs[-1]
        evidence = (
            f"accuracy in training {last.train_accuracy:.1%}, validation {last.val_accuracy:.1%}"
        )
        # What is left of the schedule has to suffice for a network that goes on.
        late = 2 * last.epoch > facts.network.training.epochs
        yield _too_much_dropout(facts, evidence, restart=facts.learns_nothing or late)


def dropout_kills(facts: Facts) -> Iterator[Verdict]:
    """Values scaled up by dropout kill a layer of ReLUs at a rate that would do without it."""
    if facts.dropout < MUCH_DROPOUT or is_far_above(facts, undropped=True):
        return
    for name, units, shares in _shares(facts, "dead"):
        if _is_dead(shares) and not _began_dead(facts, name):
            evidence = (
                f"share of silent units of {name} ({units}) at the last measurements: "
                f"{_percents(shares)}"
            )
            yield _too_much_dropout(facts, evidence, restart=True)
            return


def _too_much_dropout(facts: Facts, evidence: str, *, restart: bool) -> Verdict:
    return Verdict(
        "dropout-high",
        f"Dropout of {facts.dropout:g} is too strong: a step sees only "
        f"{1 - facts.dropout:.0%} of the values of a layer.",
        (evidence,),
        remedies.drop(MODERATE_DROPOUT, restart=restart),
    )


def _outweighs(facts: Facts) -> bool:
    latest = facts.latest(2)
    learned = facts.loss < 0.5 * facts.chance_loss
    return bool(latest) and not learned and all(_pulled(m, facts.l2) for m in latest)


def _pulled(measured: LayersMeasured, l2: float) -> bool:
    """Whether the gradient of L2 is larger than that of the data in most layers."""
    layers = weighted(measured)
    pulled = sum(l2 * (layer.weight_norm or 0) > (layer.gradient_norm or 0) for layer in layers)
    return 2 * pulled > len(layers)


def _shares(facts: Facts, field: str) -> Iterator[tuple[str, int, Sequence[float]]]:
    """The layers with this figure: name, units, and the figure at the latest measurements."""
    measured = [m for m in facts.measured if m.images >= FEW]
    for number, layer in enumerate(measured[-1].layers if measured else ()):
        if getattr(layer, field) is not None:
            shares = [getattr(m.layers[number], field) for m in measured]
            yield layer.layer, layer.units or 1, shares


def _percents(shares: Sequence[float]) -> str:
    return ", ".join(f"{share:.0%}" for share in shares[-4:])
