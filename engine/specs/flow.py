"""What is known of the volume at a place in the network, and what a layer made of it.

What the shape rules of all layers share. :mod:`cnn_tui.engine.specs.windows` has the rules of
convolutions and pools, ``plain`` those without a window, ``blocks`` those of residual blocks.
"""

from __future__ import annotations

from collections import Counter
from typing import Literal, NamedTuple

from cnn_tui.engine.shapes import ReceptiveField, Shape
from cnn_tui.engine.specs.layers import FC, Layer, Place
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.report import Fix

Topic = Literal["size", "parameters", "sharing", "pooling", "field", "cost"]
"""What an explanation is about, the most important first."""


class Diagnostic(NamedTuple):
    """What is wrong with a layer, and why; the place is added by whoever reports it."""

    code: str
    text: str
    field: str = ""
    remedy: str = ""
    """What to do, in case no fix that was tried works."""
    wanted: int | str | None = None
    """The one value of ``field`` that mends it, where there is no choice; without a field the
    layers to be added behind it, in quick entry."""


class FeatureMap(NamedTuple):
    """A volume between two layers."""

    shape: Shape | None
    """``(C, H, W)`` or ``(D,)``; None behind a fault."""
    flat: bool = False
    height: ReceptiveField = ReceptiveField()
    width: ReceptiveField = ReceptiveField()

    @property
    def longer_reach(self) -> int:
        """Pixels of the receptive field along its longer side."""
        return max(self.height.size, self.width.size)


class InferredLayer(NamedTuple):
    """One layer between two volumes, with its counts for one image."""

    layer: Layer
    before: FeatureMap
    after: FeatureMap
    faults: tuple[Diagnostic, ...] = ()
    weights: int = 0
    biases: int = 0
    macs: int = 0
    branch: tuple[InferredLayer, ...] = ()
    shortcut: tuple[InferredLayer, ...] = ()

    @property
    def broken(self) -> bool:
        """Whether anything is wrong with the layer or inside it."""
        return bool(self.faults) or any(step.broken for step in self.branch + self.shortcut)

    @property
    def codes(self) -> Counter[str]:
        """How often each fault occurs in the layer and inside it."""
        codes = Counter(fault.code for fault in self.faults)
        return sum((step.codes for step in self.branch), codes)


class Note(NamedTuple):
    """A few short lines on one topic."""

    topic: Topic
    lines: tuple[str, ...]


def failed(layer: Layer, flow: FeatureMap, *faults: Diagnostic) -> InferredLayer:
    """A layer with faults: the shape behind it is not known."""
    # What slides over pixels gives pixels, so one layer in the wrong place is one fault, not many.
    flat = isinstance(layer, FC) or (flow.flat and not layer.info.needs_volume)
    return InferredLayer(layer, flow, FeatureMap(None, flat), faults)


def weight_lines(step: InferredLayer, product: str) -> tuple[str, ...]:
    """Weights as a product, and the biases added to them."""
    weights = f"{product} = {step.weights:,} weights"
    params = f"+ {step.biases:,} biases = {step.weights + step.biases:,}"
    return (weights, params) if step.biases else (weights,)


class Case(NamedTuple):
    """A fault in its place; the empty place is the network as a whole."""

    network: Network
    steps: tuple[InferredLayer, ...]
    place: Place
    fault: Diagnostic

    @property
    def chain(self) -> tuple[InferredLayer, ...]:
        """The faulty layer, led by the residual blocks that it is in."""
        steps, chain = self.steps, []
        for position in self.place:
            chain.append(steps[position])
            steps = steps[position].branch
        return tuple(chain)

    @property
    def step(self) -> InferredLayer:
        """The faulty layer."""
        return self.chain[-1]

    def fix(self, field: str, value: int | str | list[int], *also: Fix) -> Fix:
        """A change of the faulty layer or, by ``branch[1].stride``, of one inside it."""
        inner = "".join(f"branch[{position}]." for position in self.place[1:])
        return Fix(self.place[0] + 1, inner + field, value, "", also)


class FixCandidate(NamedTuple):
    """A change worth trying."""

    fix: Fix
    label: str
    cost: float
    """How much it changes, to rank by."""
    note: str = ""
    """A drawback that the numbers do not show."""
