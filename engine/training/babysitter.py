"""The babysitter: reports from a run's events what goes wrong, why, and what would help."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training import remedies
from cnn_tui.engine.training.events import (
    Alert,
    AlertCleared,
    BatchCompleted,
    EpochCompleted,
    LayersMeasured,
    Remedy,
    RunEvent,
)
from cnn_tui.engine.training.rules import layers, learning, rate, start
from cnn_tui.engine.training.rules.facts import Facts, Rule, Verdict, typical_ratio

Finding = Alert | AlertCleared
_Key = tuple[str, str]
"""An alert's code and layer."""

Rules = tuple[Rule, ...]
_MEASURED: Rules = (
    start.input_scale,
    start.loss_scale,
    start.one_class_batches,
    start.zero_weights,
    layers.l2_high,
    layers.dropout_kills,
    rate.lr_high,
    rate.replaced,
    rate.diverging,
    layers.dead_relus,
    layers.saturated,
    rate.lr_low,
)
_EPOCH: Rules = (
    layers.dropout_high,
    learning.timid,
    rate.too_slow,
    learning.largest_class,
    learning.wrong_labels,
    learning.flat_loss,
    learning.plateau,
    learning.underfitting,
    learning.overfitting,
    learning.healthy,
)
"""The rules after a measurement and after an epoch, causes before their effects."""

_FROM_THE_START = {"input-scale", "loss-scale", "one-class-batches", "zero-weights"}
_WAY = {"l2-high", "dropout-high", "lr-high", "diverging"}
_STUCK = {"dead-relus", "saturated", "lr-low", "labels", "flat-loss"}
_OVERFIT = {"overfitting", "little-data"}
_STALLED = {"plateau", "underfitting"}
_EFFECT_OF: dict[str, set[str]] = {
    **dict.fromkeys(_WAY, _FROM_THE_START | _WAY | {"labels"}),
    **dict.fromkeys(_STUCK, _FROM_THE_START | _WAY | _STUCK),
    "labels": _FROM_THE_START | _WAY | _STUCK | {"largest-class"},
    "flat-loss": _FROM_THE_START | _WAY | _STUCK | {"largest-class"},
    "largest-class": _FROM_THE_START | _WAY,
    **dict.fromkeys(_OVERFIT, _FROM_THE_START | _WAY | {"dead-relus", "labels"}),
    **dict.fromkeys(_STALLED, _FROM_THE_START | _WAY | _STUCK | _OVERFIT | _STALLED),
}
"""The causes of each code, which is not reported while one of them is active."""
_LASTING = _WAY | {"labels", "lr-low", "flat-loss"}
"""Cleared only when the network learns: weights that have blown up may hardly move."""
PRAISE = "healthy"
EVERY = 100
"""Steps between two checks of a training whose layers are not measured."""
CALM = 4
"""Consecutive checks in which a fault must be absent before it is cleared."""


class Babysitter:
    """The babysitter of one run: a pure function of its events, recorded or live.

    Each fault is reported once until it clears. The caller emits the findings after the event, and
    must not pass them back.
    """

    def __init__(
        self,
        network: Network,
        measured: Rules = _MEASURED,
        epochs: Rules = _EPOCH,
        steps: Rules = (),
    ) -> None:
        """Apply rules after measurements, epochs and every :data:`EVERY` steps."""
        self._facts = Facts(network)
        self._measured, self._epochs, self._steps = measured, epochs, steps
        self._active: dict[_Key, _ActiveAlert] = {}

    def consume(self, event: RunEvent) -> list[Finding]:
        """The findings after this event."""
        self._facts.update(event)
        match event:
            case LayersMeasured():
                return self._apply(self._measured)
            case EpochCompleted():
                return self._apply(self._epochs)
            case BatchCompleted() if self._steps and event.step % EVERY == 0:
                return self._apply(self._steps)
        return []

    def explain(self, alert: Alert) -> Alert:
        """The trainer's alert that a value is not finite, with what may have caused it."""
        facts = self._facts
        earlier = [
            f"earlier: {active.alert.gist}"
            for (code, _), active in self._active.items()
            if code != PRAISE
        ]
        ratios = [
            f"update:weight {typical_ratio(measured) or 0:.1e} at step {measured.step:,}"
            for measured in list(facts.measured)[-3:]
        ]
        if not facts.step:
            remedy = remedies.advise("Check the images for values that are not finite.")
        else:
            remedy = self._earlier_remedy() or rate.lower(facts, restart=True)
        return msgspec.structs.replace(
            alert, severity="fatal", evidence=(*ratios, *earlier), remedy=remedy
        )

    def _earlier_remedy(self) -> Remedy | None:
        """The remedy of the first fault that is to be mended by a restart: it is the cause."""
        offered = (active.alert.remedy for active in self._active.values())
        return next((one for one in offered if one and one.restart and one.changes), None)

    def _apply(self, rules: Rules) -> list[Finding]:
        present: set[_Key] = set()
        findings: list[Finding] = []
        for verdict in (verdict for rule in rules for verdict in rule(self._facts)):
            key = verdict.code, verdict.layer
            present.add(key)
            if key in self._active or verdict.fading or self._is_effect(verdict.code):
                continue
            alert = self._alert(verdict)
            self._active[key] = _ActiveAlert(rules, alert)
            findings.append(alert)
        if any(isinstance(finding, Alert) and finding.severity != "praise" for finding in findings):
            self._active.pop((PRAISE, ""), None)
        return findings + self._cleared(rules, present)

    def _is_effect(self, code: str) -> bool:
        """Whether an active alert explains this code; praise is suppressed by any alert."""
        others = {active for active, _ in self._active} - {code}
        return bool(others if code == PRAISE else others & _EFFECT_OF.get(code, set()))

    def _cleared(self, rules: Rules, present: set[_Key]) -> list[Finding]:
        """The alerts of these rules that have been absent long enough."""
        cleared: list[Finding] = []
        for key, active in list(self._active.items()):
            if active.rules is not rules or key[0] in {PRAISE, *_FROM_THE_START}:
                continue
            active.absent = 0 if key in present else active.absent + 1
            if active.absent >= CALM and (key[0] not in _LASTING or self._facts.learning):
                del self._active[key]
                code, layer = key
                cleared.append(AlertCleared(code=code, step=self._facts.step, layer=layer))
        return cleared

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
class _ActiveAlert:
    """An alert that was reported and has not cleared."""

    rules: Rules
    alert: Alert
    absent: int = 0
    """Consecutive checks without the fault."""
