"""What is known of the volume at a place in the network, and what a layer made of it."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from cnn_tui.engine.shapes import Reach, Shape
from cnn_tui.engine.specs.layers import Layer

Place = tuple[int, ...]
"""0-based positions: ``(3, 1)`` is the second layer in the branch of the fourth layer."""


class Fault(NamedTuple):
    """What is wrong with a layer, and why; the place is added by whoever reports it."""

    code: str
    text: str
    field: str = ""
    remedy: str = ""
    """What to do, in case no fix that was tried works."""
    wanted: int | str | None = None
    """The one value of ``field`` that mends it, where there is no choice; without a field the
    layers to be added behind it, in quick entry."""


class Flow(NamedTuple):
    """A volume between two layers."""

    shape: Shape | None
    """``(C, H, W)`` or ``(D,)``; None behind a fault."""
    flat: bool = False
    height: Reach = Reach()
    width: Reach = Reach()


class Step(NamedTuple):
    """One layer between two volumes, with its counts for one image."""

    layer: Layer
    before: Flow
    after: Flow
    faults: tuple[Fault, ...] = ()
    weights: int = 0
    biases: int = 0
    macs: int = 0
    branch: tuple[Step, ...] = ()
    shortcut: tuple[Step, ...] = ()

    @property
    def broken(self) -> bool:
        """Whether anything is wrong with the layer or inside it."""
        return bool(self.faults) or any(step.broken for step in self.branch + self.shortcut)

    @property
    def codes(self) -> Counter[str]:
        """How often each fault occurs in the layer and inside it."""
        codes = Counter(fault.code for fault in self.faults)
        return sum((step.codes for step in self.branch), codes)


def dims(shape: Shape) -> str:
    """``(16, 10, 10)`` as ``16x10x10``."""
    return "x".join(map(str, shape))
