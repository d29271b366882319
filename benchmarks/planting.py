"""Faults planted in the filters of a trained network, and whether filter health finds them all.

A few layers at a time get one fault of each kind that fits, in up to half of their filters. More
would change what later layers receive, so much that filters there die of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from cnn_tui.engine.insight.health import FilterHealth
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.insight.wiring import Wired, wired

COPIES = {"copied": 0.0, "copy + 10% noise": 0.1, "copy + 20% noise": 0.2, "scaled": 0.0}
NOISE = ("normal noise", "uniform noise", "Laplace noise")
DEAD = ("zeroed", "dead by bias", "scale of zero")
HARMLESS = ("negated",)
"""What must not be found."""
KINDS = (*COPIES, *DEAD, *NOISE, *HARMLESS)


class Planted(NamedTuple):
    """One fault."""

    layer: str
    filter: int
    kind: str
    twin: int | None = None
    """The original of a copy."""


class Finding(NamedTuple):
    """What filter health made of a fault, or what it found beside them (kind ``other``)."""

    kind: str
    found: bool
    what: str


def plant(
    subject: Subject,
    seed: int,
    kinds: Sequence[str] = KINDS,
    *,
    layers: int = 3,
    sparing: Mapping[str, Sequence[int]] | None = None,
) -> tuple[Subject, list[Planted]]:
    """The subject with faults in some layers, and the list of them.

    ``sparing`` are filters to leave as they are, such as those that training left dead.
    """
    rng = np.random.default_rng(seed)
    weights = subject.weights()
    faults: list[Planted] = []
    convs = list(wired(subject.network).values())
    for number in rng.permutation(len(convs))[:layers]:
        conv = convs[number]
        spared = (sparing or {}).get(conv.name, ())
        free = [n for n in rng.permutation(conv.layer.out_channels).tolist() if n not in spared]
        # At most half of a layer, so that the rest remains what training made of it.
        spare = len(free) // 2
        for kind in rng.permutation(_fitting(conv, kinds)).tolist():
            needed = 2 if kind in COPIES or kind in HARMLESS else 1
            if spare < needed:
                break
            spare -= needed
            one = free.pop()
            twin = free.pop() if needed == 2 else None
            _change(weights, conv, Planted(conv.name, one, kind, twin), rng)
            faults.append(Planted(conv.name, one, kind, twin))
    return subject.with_weights(weights, "planted"), faults


def _fitting(conv: Wired, kinds: Sequence[str]) -> list[str]:
    has_relu = conv.activation is not None and conv.activation.info.dies
    barred = set()
    if not conv.norms:
        barred.add("scale of zero")
    if not has_relu or not (conv.norms or conv.layer.bias):
        barred.add("dead by bias")
    if conv.layer.out_channels < 2:
        barred |= {*COPIES, *HARMLESS}
    return [kind for kind in kinds if kind not in barred]


def _change(
    weights: dict[str, np.ndarray], conv: Wired, fault: Planted, rng: np.random.Generator
) -> None:
    name, one, kind, twin = fault
    weight, layers = weights[f"{name}.weight"], (name, *conv.norms)
    last = layers[-1]
    if twin is not None:
        kinds = ("weight", "bias", "running_mean", "running_var")
        for array in (f"{layer}.{part}" for layer in layers for part in kinds):
            if array in weights:
                weights[array][one] = weights[array][twin]
    if kind in COPIES:
        noise = rng.standard_normal(weight[one].shape) * np.sqrt(np.square(weight[one]).mean())
        weight[one] += (COPIES[kind] * noise).astype(weight.dtype)
    if kind == "scaled":
        _scale(weights, conv, one, 3.0)
    elif kind == "negated":
        weight[one] *= -1
    elif kind == "zeroed":
        weight[one] = 0
    elif kind == "dead by bias":
        weights[f"{last}.bias"][one] = -1e3
    elif kind == "scale of zero":
        weights[f"{conv.norms[-1]}.weight"][one] = 0
    elif kind in NOISE:
        draw = (rng.standard_normal, lambda shape: rng.uniform(-1, 1, shape), rng.laplace)
        size = weight[one].shape
        values = rng.laplace(size=size) if kind == NOISE[2] else draw[NOISE.index(kind)](size)
        weight[one] = values / np.linalg.norm(values) * rng.uniform(0.3, 3)


def _scale(weights: dict[str, np.ndarray], conv: Wired, one: int, factor: float) -> None:
    """Scale a filter; a batch norm after it is as indifferent to that as a ReLU."""
    weights[f"{conv.name}.weight"][one] *= factor
    if conv.layer.bias:
        weights[f"{conv.name}.bias"][one] *= factor
    if conv.norms:
        weights[f"{conv.norms[0]}.running_mean"][one] *= factor
        weights[f"{conv.norms[0]}.running_var"][one] *= factor**2


def findings(
    planted: Subject,
    found: FilterHealth,
    faults: Sequence[Planted],
    *,
    before: Mapping[str, Sequence[int]],
) -> list[Finding]:
    """What became of each fault, and everything else that was found.

    Not counted are filters flagged ``before``, and those that are dead of a fault in an earlier
    layer, as their maps say: ``dead of it``.
    """
    results = [_finding(fault, found) for fault in faults]
    known = {(fault.layer, fault.filter) for fault in faults}
    for layer in found.layers:
        own = {number for name, number in known if name == layer.layer}
        own |= {*before.get(layer.layer, ())}
        for number in {*layer.dead} - own:
            kind = "dead of it" if _is_silent(planted, layer.layer, number) else "other"
            results.append(Finding(kind, True, f"dead: {layer.layer} {number}"))
        for number in {*layer.noisy} - own:
            results.append(Finding("other", True, f"like noise: {layer.layer} {number}"))
        pairs = {frozenset((f.filter, f.twin)) for f in faults if f.layer == layer.layer}
        for group in layer.duplicates:
            for pair in combinations(group, 2):
                if frozenset(pair) not in pairs:
                    results.append(Finding("other", True, f"duplicates: {layer.layer} {pair}"))
    return results


def _finding(fault: Planted, found: FilterHealth) -> Finding:
    layer = next(layer for layer in found.layers if layer.layer == fault.layer)
    if fault.kind in DEAD:
        seen = fault.filter in layer.dead
    elif fault.kind in NOISE:
        seen = fault.filter in layer.noisy
    else:
        pair = {fault.filter, fault.twin}
        seen = any(pair <= {*group} for group in layer.duplicates)
        # A copy of what an earlier fault has silenced is dead like its original.
        seen = seen != (fault.kind in HARMLESS) or pair <= {*layer.dead}
    return Finding(fault.kind, seen, str(fault))


def _is_silent(subject: Subject, layer: str, number: int) -> bool:
    maps = subject.activations(wired(subject.network)[layer].response, subject.images().images)
    return all(not part[:, number].any() for part in maps)
