"""What a rule finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cnn_tui.engine.training.events import Remedy, Severity
from cnn_tui.engine.training.rules.facts import Facts


@dataclass(frozen=True)
class Verdict:
    """A fault, or praise, with what it rests on and the one thing to do about it."""

    code: str
    message: str
    evidence: tuple[str, ...]
    remedy: Remedy | None = None
    layer: str = ""
    severity: Severity = "warning"
    fading: bool = False
    """Whether this is too little to be told, though enough not to be over."""


Rule = Callable[[Facts], Iterator[Verdict]]
