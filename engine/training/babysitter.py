"""Looks at the stream of a run and says in words what goes wrong, why, and what would help."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training import remedies
from cnn_tui.engine.training.events import (
    Alert,
    AlertCleared,
    EpochCompleted,
    LayersMeasured,
    RunEvent,
)
from cnn_tui.engine.training.rules import layers, learning, rate, start
from cnn_tui.engine.training.rules.facts import Facts, Rule, Verdict, typical_ratio

Finding = Alert | AlertCleared
_Key = tuple[str, str]
"""Code and layer."""

_MEASURED: tuple[Rule, ...] = (
    start.input_scale,
    start.loss_scale,
    start.one_class_batches,
    start.zero_weights,
    layers.l2_high,
    rate.lr_high,
    rate.diverging,
    layers.dead_relus,
    layers.saturated,
    rate.lr_low,
)
_EPOCH: tuple[Rule, ...] = (
    learning.timid,
    learning.wrong_labels,
    learning.flat_loss,
    learning.plateau,
    learning.underfitting,
    learning.overfitting,
    learning.healthy,
)
"""Causes before their effects."""

_FROM_THE_START = {"input-scale", "loss-scale", "one-class-batches", "zero-weights"}
_WAY = {"l2-high", "lr-high", "diverging"}
_STUCK = {"dead-relus", "saturated", "lr-low", "labels", "flat-loss"}
_OVERFIT = {"overfitting", "little-data"}
_STALLED = {"plateau", "underfitting"}
_EFFECT_OF: dict[str, set[str]] = {
    **dict.fromkeys(_WAY, _FROM_THE_START | _WAY | {"labels"}),
    **dict.fromkeys(_STUCK, _FROM_THE_START | _WAY | _STUCK),
    **dict.fromkeys(_OVERFIT, _FROM_THE_START | {"labels"}),
    **dict.fromkeys(_STALLED, _FROM_THE_START | _WAY | _STUCK | _OVERFIT | _STALLED),
}
"""While one of these stands, what it brings about is not told as well."""
_LASTING = _WAY | {"labels", "lr-low", "flat-loss"}
"""Over only when the network learns: weights that have blown up may well lie still."""
PRAISE = "healthy"
CALM = 4
"""Looks in a row at which a fault must be absent to count as over."""


class Babysitter:
    """One run's; a pure function of the events, so that it can be asked again from a recording.

    Each fault is told once until it clears. Whoever emits the events emits the findings after
    them, and must not hand those back.
    """

    def __init__(self, network: Network) -> None:
        self._facts = Facts(network)
        self._standing: dict[_Key, _Standing] = {}

    def consume(self, event: RunEvent) -> list[Finding]:
        """What there is to say after this event."""
        self._facts.update(event)
        match event:
            case LayersMeasured():
                return self._look(_MEASURED)
            case EpochCompleted():
                return self._look(_EPOCH)
        return []

    def explain(self, alert: Alert) -> Alert:
        """The trainer's alert that a number is no longer finite, with what may have led to it."""
        facts = self._facts
        told = [f"told before: {code}" for code, _ in self._standing if code != PRAISE]
        ratios = [
            f"update:weight {typical_ratio(measured) or 0:.1e} at step {measured.step:,}"
            for measured in list(facts.measured)[-3:]
        ]
        remedy = (
            remedies.learning_rate(facts.lr / 10, restart=True)
            if facts.step
            else remedies.advise("Look for values that are not finite in the images.")
        )
        return msgspec.structs.replace(
            alert, severity="fatal", evidence=(*ratios, *told), remedy=remedy
        )

    def _look(self, rules: tuple[Rule, ...]) -> list[Finding]:
        found: set[_Key] = set()
        findings: list[Finding] = []
        for verdict in (verdict for rule in rules for verdict in rule(self._facts)):
            key = verdict.code, verdict.layer
            found.add(key)
            if key in self._standing or verdict.fading or self._follows(verdict.code):
                continue
            self._standing[key] = _Standing(rules)
            findings.append(self._alert(verdict))
        if any(isinstance(one, Alert) and one.severity != "praise" for one in findings):
            self._standing.pop((PRAISE, ""), None)
        return findings + self._cleared(rules, found)

    def _follows(self, code: str) -> bool:
        """Whether it follows from what stands already."""
        others = {standing for standing, _ in self._standing} - {code}
        return bool(others if code == PRAISE else others & _EFFECT_OF.get(code, set()))

    def _cleared(self, rules: tuple[Rule, ...], found: set[_Key]) -> list[Finding]:
        """What is over after this look by the same rules."""
        over: list[Finding] = []
        for key, standing in list(self._standing.items()):
            if standing.rules is not rules or key[0] in {PRAISE, *_FROM_THE_START}:
                continue
            standing.absent = 0 if key in found else standing.absent + 1
            if standing.absent >= CALM and (key[0] not in _LASTING or self._facts.learning):
                del self._standing[key]
                code, layer = key
                over.append(AlertCleared(code=code, step=self._facts.step, layer=layer))
        return over

    def _alert(self, verdict: Verdict) -> Alert:
        return Alert(
            code=verdict.code,
            message=verdict.message,
            step=self._facts.step,
            layer=verdict.layer,
            severity=verdict.severity,
            evidence=verdict.evidence,
            remedy=verdict.remedy,
        )


@dataclass
class _Standing:
    """An alert that was told and is not over."""

    rules: tuple[Rule, ...]
    absent: int = 0
    """Looks in a row at which it was not found."""
