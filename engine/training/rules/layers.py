"""Layers that do not work: silent, stuck at their bounds, or shrunk away by L2."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnn_tui.engine.training import remedies
from cnn_tui.engine.training.events import LayersMeasured
from cnn_tui.engine.training.rules.facts import Facts, Verdict, weighted

ALL, MANY = 0.98, 0.5
FEW = 16
"""Images; a batch of fewer may leave healthy units silent."""
SATURATED = 0.5
MODERATE_L2 = 5e-4


def dead_relus(facts: Facts) -> Iterator[Verdict]:
    """ReLUs that give zero whatever the image: no gradient passes. Notes, Activation functions.

    A whole layer at two measurements running, or half of one at six while the rest learns.
    """
    for name, units, shares in _shares(facts, "dead"):
        whole = min(shares[-2:], default=0.0) >= ALL and len(shares) >= 2
        many = min(shares[-6:], default=0.0) >= MANY and len(shares) >= 6 and facts.learning
        if whole or many:
            count = round(shares[-1] * units)
            yield Verdict(
                "dead-relus",
                f"{count} of {units} ReLUs of {name} are dead: they give zero for every image, so "
                "that nothing below learns from them.",
                (f"share of silent units at the last measurements: {_percents(shares)}",),
                remedies.activation("leaky_relu"),
                layer=name,
            )
        if whole:
            return  # the layers above get nothing and are silent for that


def saturated(facts: Facts) -> Iterator[Verdict]:
    """Sigmoids and tanhs at their bounds, where the gradient dies. Notes, Activation functions."""
    for name, _, shares in _shares(facts, "saturated"):
        if len(shares) >= 3 and min(shares[-3:]) >= SATURATED:
            yield Verdict(
                "saturated",
                f"{shares[-1]:.0%} of the outputs of {name} have reached their bounds, where "
                "hardly any gradient passes.",
                (f"share of saturated outputs at the last measurements: {_percents(shares)}",),
                remedies.activation("relu"),
                layer=name,
            )


def l2_high(facts: Facts) -> Iterator[Verdict]:
    """L2 pulls harder than the images do before anything is learned, or shrinks what is."""
    batch = facts.batch
    if batch is None or batch.l2_loss <= batch.loss:
        return
    shrunk = facts.growth < 0.5 and facts.loss > 0.15 * facts.chance_loss
    if not shrunk and not _outweighs(facts):
        return
    better = MODERATE_L2 if facts.l2 > 2 * MODERATE_L2 else facts.l2 / 10
    yield Verdict(
        "l2-high",
        f"L2 of {facts.l2:g} is too strong: it pulls the weights to zero harder than the images "
        "pull them anywhere.",
        (
            f"L2 loss {batch.l2_loss:.3g}, data loss {batch.loss:.3g}",
            f"the weights have {facts.growth:.0%} of the length that they had at the start",
        ),
        remedies.l2_strength(better, restart=True),
    )


def _outweighs(facts: Facts) -> bool:
    latest = facts.latest(2)
    learned = facts.loss < 0.5 * facts.chance_loss
    return bool(latest) and not learned and all(_pulled(m, facts.l2) for m in latest)


def _pulled(measured: LayersMeasured, l2: float) -> bool:
    """Whether in most layers the gradient of L2 is the longer one."""
    layers = weighted(measured)
    pulled = sum(l2 * (one.weight_norm or 0) > (one.gradient_norm or 0) for one in layers)
    return 2 * pulled > len(layers)


def _shares(facts: Facts, field: str) -> Iterator[tuple[str, int, Sequence[float]]]:
    """Each layer that has this figure, its units, and the figure at the latest measurements."""
    measured = [m for m in facts.measured if m.images >= FEW]
    for number, layer in enumerate(measured[-1].layers if measured else ()):
        if getattr(layer, field) is not None:
            shares = [getattr(m.layers[number], field) for m in measured]
            yield layer.layer, layer.units or 1, shares


def _percents(shares: Sequence[float]) -> str:
    return ", ".join(f"{share:.0%}" for share in shares[-4:])
