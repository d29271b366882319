"""Records of shape inference, which the shape doctor reads.

:mod:`cnn_tui.engine.specs.infer` fills them in; ``windows`` has the rules of convolutions and
pools, ``blocks`` those of blocks of layers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import Literal, NamedTuple

from cnn_tui.engine.shapes import ReceptiveField, Shape
from cnn_tui.engine.specs.inside import Place
from cnn_tui.engine.specs.layers import FC, Layer, Repeat
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.report import LayerReport

Topic = Literal["size", "parameters", "sharing", "pooling", "field", "cost"]
"""Topics of an explanation, the most important first."""


class Diagnostic(NamedTuple):
    """A fault of a layer and its cause; the report adds the place."""

    code: str
    text: str
    field: str = ""
    remedy: str = ""
    """Advice for when no suggested fix works."""
    wanted: int | str | list[int] | None = None
    """The only value of ``field`` that fixes the fault."""


class FeatureMap(NamedTuple):
    """A volume between two layers."""

    shape: Shape | None
    """``(C, H, W)`` or ``(D,)``; None after a fault."""
    flat: bool = False
    height: ReceptiveField = ReceptiveField()
    width: ReceptiveField = ReceptiveField()

    @property
    def longer_reach(self) -> int:
        """The longer side of the receptive field, in pixels."""
        return max(self.height.size, self.width.size)


class InferredLayer(NamedTuple):
    """One layer with its input, its output, and counts for one image."""

    layer: Layer
    before: FeatureMap
    after: FeatureMap
    faults: tuple[Diagnostic, ...] = ()
    weights: int = 0
    biases: int = 0
    macs: int = 0
    inner: tuple[tuple[InferredLayer, ...], ...] = ()
    """The layers inside a block: of branch and shortcut, of each branch, or of each copy."""

    @property
    def every(self) -> Iterator[InferredLayer]:
        """The layers directly inside, list after list."""
        return chain.from_iterable(self.inner)

    @property
    def broken(self) -> bool:
        """Whether the layer or a layer inside it has faults."""
        return bool(self.faults) or any(step.broken for step in self.every)

    @property
    def codes(self) -> Counter[str]:
        """Number of occurrences of each fault in the layer and inside it."""
        codes = Counter(fault.code for fault in self.faults)
        return sum((step.codes for step in self.every), codes)

    @property
    def size(self) -> int:
        """Number of layers: the layer itself and all inside it, every copy counted."""
        return 1 + sum(step.size for step in self.every)

    def at(self, place: Place) -> InferredLayer | None:
        """The layer at a place inside, ``(list, position, ...)``; None if it was not inferred.

        Of repeated layers it is the first copy that has a fault there, or else the first.
        """
        found = list(self.every_at(place))
        return next((step for step in found if step.faults), found[0] if found else None)

    def every_at(self, place: Place) -> Iterator[InferredLayer]:
        """The layer at a place inside, in each copy of what is repeated."""
        if not place:
            yield self
            return
        number, position, *rest = place
        lists = self.inner if isinstance(self.layer, Repeat) else self.inner[number : number + 1]
        for steps in lists:
            yield from steps[position].every_at(tuple(rest))


def batched_pairs(place: Place) -> Iterator[tuple[int, int]]:
    """Yield the lists and positions of a place inside a layer."""
    return zip(place[::2], place[1::2], strict=True)


class Note(NamedTuple):
    """A few short lines about one topic."""

    topic: Topic
    lines: tuple[str, ...]


def failed(layer: Layer, flow: FeatureMap, *faults: Diagnostic) -> InferredLayer:
    """Return a layer with faults, whose output shape is unknown."""
    # A layer that needs a volume gives one: one misplaced layer is one fault, not many.
    flat = isinstance(layer, FC) or (flow.flat and not layer.info.needs_volume)
    return InferredLayer(layer, flow, FeatureMap(None, flat), faults)


def weight_lines(step: InferredLayer, product: str) -> tuple[str, ...]:
    """Return the count of weights as a product, then the biases added to them."""
    weights = f"{product} = {step.weights:,} weights"
    params = f"+ {step.biases:,} biases = {step.weights + step.biases:,}"
    return (weights, params) if step.biases else (weights,)


class Edit(NamedTuple):
    """A network before and after an edit."""

    before: Network
    after: Network


class Found(NamedTuple):
    """Every layer of a network, and its faults in their order."""

    steps: tuple[InferredLayer, ...]
    reports: tuple[LayerReport, ...]
    faults: list[tuple[Place, Diagnostic]]

    @property
    def codes(self) -> list[tuple[Place, str]]:
        """The place and the code of each fault."""
        return [(place, fault.code) for place, fault in self.faults]
