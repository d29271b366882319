"""Expands a pattern into layers, with warnings about unusual choices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple

import msgspec

from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.flow import FeatureMap
from cnn_tui.engine.specs.infer import infer
from cnn_tui.engine.specs.layers import FC, Conv, Features, Layer, Size
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.pattern import PATTERN, POOLS, Atom, Group, parse_pattern
from cnn_tui.engine.specs.report import Report
from cnn_tui.engine.specs.tokens import Token

Count = Annotated[int, msgspec.Meta(ge=0, le=100)]

_MOST_CONVS = 3
_MOST_FCS = 2


class PatternOptions(msgspec.Struct, frozen=True):
    """The numbers that a pattern leaves open."""

    n: Count = 2
    """Number of convolutions before a pool, usually at most 3."""
    m: Count = 3
    """Number of stages, each of which ends in a pool."""
    k: Count = 1
    """Number of hidden fully connected layers, usually fewer than 3."""
    filters: Features = 16
    """Filters of the first stage."""
    growth: Annotated[int, msgspec.Meta(ge=1, le=16)] = 2
    """Factor by which the filters grow from stage to stage."""
    most_filters: Features = 512
    kernel: Size = 3
    """Kernel of the convolutions, which keep height and width."""
    pool: Size = 2
    fc: Features = 128
    """Outputs of the hidden fully connected layers."""
    classes: Features = 10
    """Outputs of the last fully connected layer."""


DEFAULTS = PatternOptions()


class PatternWarning(NamedTuple):
    """A warning, and the characters of the pattern that cause it."""

    message: str
    column: int
    width: int


class Preview(NamedTuple):
    """The expansion of a pattern."""

    layers: tuple[Layer, ...]
    warnings: tuple[PatternWarning, ...]
    report: Report
    """The check of a network of these layers."""


def preview(
    text: str = PATTERN,
    options: PatternOptions = DEFAULTS,
    shape: tuple[int, int, int] = (3, 32, 32),
) -> Preview:
    """Expand a pattern for images of ``shape`` (C, H, W).

    Optional pools are included as long as they divide the volume evenly.

    Raises:
        EntryError: if the pattern cannot be parsed, or makes too many layers.
    """
    counts = {"N": options.n, "M": options.m, "K": options.k}
    pattern = parse_pattern(text, counts)
    maker = _Maker(options, pattern, shape)
    layers = tuple(maker.layers())
    warnings = (*_unusual(pattern), *maker.left_out())
    report = check(Network(input=shape, layers=layers), options.classes)
    return Preview(layers, warnings, report)


class _Maker:
    """Turns the words of a pattern into layers."""

    def __init__(
        self, options: PatternOptions, pattern: Group, shape: tuple[int, int, int]
    ) -> None:
        self.options, self._flow = options, FeatureMap(shape)
        self._atoms = list(pattern.atoms())
        self._filters = options.filters
        self._pooled = self._convolved = False
        self._skipped: dict[Token, str] = {}

    def layers(self) -> Iterator[Layer]:
        fcs = [position for position, atom in enumerate(self._atoms) if atom.kind is FC]
        for position, atom in enumerate(self._atoms):
            layer = self._layer(atom, position in fcs[-1:])
            step = infer(layer, self._flow)
            self._pooled |= atom.kind in POOLS
            if atom.optional and step.faults:
                self._skipped.setdefault(atom.token, self._reason(layer))
                continue
            self._flow = step.after
            yield layer

    def left_out(self) -> Iterator[PatternWarning]:
        """A warning for each optional pool that does not fit."""
        for token, reason in self._skipped.items():
            yield _warning(token, reason)

    def _layer(self, atom: Atom, is_last_fc: bool) -> Layer:
        if atom.kind is Conv:
            return self._conv()
        if atom.kind is FC:
            return FC(out_features=self.options.classes if is_last_fc else self.options.fc)
        settings: dict[str, Any] = {"kernel_size": self.options.pool} if atom.kind in POOLS else {}
        return atom.kind(**settings)

    def _conv(self) -> Layer:
        if self._pooled and self._convolved:
            more = self._filters * self.options.growth
            self._filters = max(self._filters, min(more, self.options.most_filters))
        self._pooled, self._convolved = False, True
        kernel = self.options.kernel
        return Conv(out_channels=self._filters, kernel_size=kernel, padding="same")

    def _reason(self, layer: Layer) -> str:
        if self._flow.flat:
            return "An optional pool after an FC is left out: its input is flat."
        before, size = format_shape(self._flow.shape or ()), self.options.pool
        return f"An optional pool is left out: {size}x{size} does not divide {before} evenly."


def _unusual(group: Group) -> Iterator[PatternWarning]:
    """Warnings about counts beyond what the notes call usual."""
    kinds = {item.kind for item in group.items if isinstance(item, Atom)}
    if Conv in kinds and group.times > _MOST_CONVS:
        text = f"N is {group.times}; usually at most {_MOST_CONVS} convolutions come before a pool."
        yield _warning(group.token, text)
    elif FC in kinds and group.times > _MOST_FCS:
        text = f"K is {group.times}; usually at most {_MOST_FCS} hidden FC layers are enough."
        yield _warning(group.token, text)
    for item in group.items:
        if isinstance(item, Group):
            yield from _unusual(item)


def _warning(token: Token, message: str) -> PatternWarning:
    return PatternWarning(message, token.column, len(token.text))
