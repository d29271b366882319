"""Replaces some layers of a network by others, and compares the costs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from cnn_tui.engine.errors import ShapeError
from cnn_tui.engine.shapes import Shape
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.flow import FeatureMap
from cnn_tui.engine.specs.infer import infer_layers
from cnn_tui.engine.specs.inside import Place
from cnn_tui.engine.specs.layers import Layer
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.places import known_shapes, layer_at, replace_at
from cnn_tui.engine.specs.report import LayerReport

Kind = Literal["fc-to-conv", "conv-to-fc", "kernel-to-stack", "pool-to-conv"]


class Cost(msgspec.Struct, frozen=True):
    """The costs of a few layers for one image."""

    layers: int
    receptive_field: int
    """Receptive field in their own input, along the longer side."""
    params: int
    macs: int
    non_linearities: int
    activations: int
    """Number of values kept for the backward pass; activations work in place."""


class RewrittenLayer(NamedTuple):
    """One layer of the old network and the layers that replace it."""

    place: Place
    """Place in the old network."""
    shape: Shape
    """Shape of the input of the layer."""
    old: Layer
    new: tuple[Layer, ...]


class Rewrite(NamedTuple):
    """A network before and after; both are valid and give scores of the same shape."""

    kind: Kind
    before: Network
    after: Network
    parts: tuple[RewrittenLayer, ...]
    exact: bool
    """Whether the network computes the same function once the weights are transferred."""

    @property
    def costs(self) -> tuple[Cost, Cost]:
        """The costs of the replaced layers, and of the layers that replace them."""
        pairs = [(cost([part.old], part.shape), cost(part.new, part.shape)) for part in self.parts]
        old, new = zip(*pairs, strict=True)
        return _total(old), _total(new)


def rewrite(
    kind: Kind, network: Network, changes: Mapping[Place, Sequence[Layer]], *, exact: bool
) -> Rewrite:
    """Replace layers by others.

    Raises:
        ShapeError: if the network has issues before or after, or if the number of parameters of
            an unchanged layer would change.
    """
    parts = tuple(
        RewrittenLayer(place, known_shapes(network, place)[0], layer_at(network, place), tuple(new))
        for place, new in changes.items()
    )
    layers = network.layers
    # From the end, so that the places before remain valid.
    for part in sorted(parts, key=lambda part: part.place, reverse=True):
        layers = replace_at(layers, part.place, part.new)
    result = Rewrite(kind, network, msgspec.structs.replace(network, layers=layers), parts, exact)
    _refuse_misfits(result)
    return result


def cost(layers: Sequence[Layer], shape: Shape) -> Cost:
    """Return the costs of ``layers`` on a volume of ``shape``."""
    # To an FC layer a flat input is one pixel; the convolution that replaces it needs a volume.
    steps = infer_layers(layers, FeatureMap(shape if len(shape) == 3 else (*shape, 1, 1)))
    reach = (max(step.after.height.size, step.after.width.size) for step in steps)
    kept = (step for step in steps if not step.layer.info.is_activation)
    return Cost(
        layers=len(steps),
        receptive_field=max(reach, default=1),
        params=sum(step.weights + step.biases for step in steps),
        macs=sum(step.macs for step in steps),
        non_linearities=sum(step.layer.info.is_activation for step in steps),
        activations=sum(math.prod(step.after.shape or (0,)) for step in kept),
    )


def _total(costs: Sequence[Cost]) -> Cost:
    sums = {name: sum(getattr(cost, name) for cost in costs) for name in Cost.__struct_fields__}
    return Cost(**{**sums, "receptive_field": max(cost.receptive_field for cost in costs)})


class Pair(NamedTuple):
    """The report of a layer, and the reports of the same layer or its replacements afterwards."""

    part: RewrittenLayer | None
    old: LayerReport
    new: tuple[LayerReport, ...]


def pairs(rewritten: Rewrite) -> Iterator[Pair]:
    """Yield every layer of the old network, those inside blocks included."""
    parts = {part.place: part for part in rewritten.parts}
    yield from _pairs(check(rewritten.before).layers, check(rewritten.after).layers, parts, ())


def _pairs(
    old: Sequence[LayerReport],
    new: Sequence[LayerReport],
    parts: Mapping[Place, RewrittenLayer],
    above: Place,
) -> Iterator[Pair]:
    start = 0
    for position, report in enumerate(old):
        place = (*above, position)
        part = parts.get(place)
        size = len(part.new) if part else 1
        others = tuple(new[start : start + size])
        start += size
        yield Pair(part, report, others)
        if part is None:
            lists = zip(report.inner, others[0].inner, strict=True)
            for number, (first, second) in enumerate(lists):
                # What is rewritten in repeated layers is so in every copy.
                inner = (*place, 0 if report.type == "repeat" else number)
                yield from _pairs(first, second, parts, inner)


def _refuse_misfits(rewritten: Rewrite) -> None:
    for network, when in ((rewritten.before, ""), (rewritten.after, "Afterwards, ")):
        issues = check(network).issues
        if issues:
            raise ShapeError(f"{when}{issues[0].message}", "" if when else "Fix that first.")
    for pair in pairs(rewritten):
        if pair.part is None and not pair.old.inner:
            old, new = pair.old, pair.new[0]
            if (old.weights, old.biases) != (new.weights, new.biases):
                would = f"{new.name} would have {new.params:,} parameters"
                text = f"Afterwards, {would}, not {old.params:,}."
                raise ShapeError(text, "Remove it first.")
