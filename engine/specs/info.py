"""What the rest of the program knows about a kind of layer, apart from its arithmetic.

Each class in :mod:`cnn_tui.engine.specs.layers` has one :class:`LayerInfo`. Quick entry, the
palette, patterns, costs, exports, imports and the documentation read it instead of listing kinds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, ClassVar, Literal, NamedTuple

import msgspec

# \Z and not $, which would let a line break in at the end.
Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{0,64}\Z")]
Role = Literal["activation", "elementwise", "same-shape", "other"]


class Setting(NamedTuple):
    """A setting of quick entry that takes a value: its field and its words, the usual one first."""

    field: str
    words: tuple[str, ...]
    short: str = ""
    """The letter that a number is glued to."""
    usual: tuple[str, ...] = ()
    """Values worth offering."""


class Flag(NamedTuple):
    """A word of quick entry that stands for a value of a field."""

    field: str
    value: object
    words: tuple[str, ...]


class Counterpart(NamedTuple):
    """The same layer in another program."""

    name: str
    settings: Mapping[str, str] = MappingProxyType({})
    """The other program's name of each field, in the order of its arguments."""
    fixed: Mapping[str, str] = MappingProxyType({})
    """Settings of the other program that must have this value."""
    ignored: tuple[str, ...] = ()
    """Settings of the other program that change no result."""

    @property
    def arguments(self) -> tuple[str, ...]:
        """All settings of the other program, by its names."""
        return (*self.settings.values(), *self.fixed, *self.ignored)

    @property
    def written(self) -> str:
        """Its name with the fixed settings: ``GELU(approximate='tanh')``."""
        fixed = ", ".join(f"{name}={value!r}" for name, value in self.fixed.items())
        return f"{self.name}({fixed})" if fixed else self.name


class LayerInfo(NamedTuple):
    """One kind of layer. A field that quick entry has no setting for goes by its own name."""

    words: tuple[str, ...]
    """Its names in quick entry and in patterns, the usual one first."""
    meaning: str
    """What it is, and in capitals the numbers that follow its name in quick entry."""
    help: str
    """Its purpose, in one line of the palette."""
    torch: Counterpart
    onnx: Counterpart
    role: Role = "other"
    """``activation``: a non-linearity between layers. ``elementwise``: no value depends on another
    channel or pixel. ``same-shape``: the volume keeps its shape. Each includes the ones before."""
    bounds: tuple[float, float] | None = None
    """Of an activation: the outputs at which its gradient vanishes; where it does not, infinity."""
    needs_volume: bool = False
    """Whether it needs height and width, so that it cannot stand behind an fc layer."""
    example: str = ""
    """A line of quick entry; the usual name by default."""
    places: tuple[str, ...] = ()
    """The fields that take a number without a word before it, in this order."""
    settings: tuple[Setting, ...] = ()
    flags: tuple[Flag, ...] = ()
    brief: str = ""
    """The settings in a row of a table, as a format of the layer: ``p {0.p:g}``."""
    stem: str = ""
    """The beginning of its weights' names; the type by default."""
    title: str = ""
    """Its name in narrow columns; the type by default."""

    @property
    def is_activation(self) -> bool:
        """Whether it is a non-linearity that stands between layers."""
        return self.role == "activation"

    @property
    def dies(self) -> bool:
        """Whether a unit may be silent for good: its gradient vanishes at the lower bound alone."""
        return self.bounds is not None and math.isinf(self.bounds[1])

    @property
    def saturates(self) -> bool:
        """Whether the gradient vanishes at both bounds."""
        return self.bounds is not None and not self.dies

    @property
    def is_elementwise(self) -> bool:
        """Whether it keeps the channels of a volume, and the outputs of a layer, apart."""
        return self.role in ("activation", "elementwise")

    @property
    def keeps_shape(self) -> bool:
        """Whether the volume behind it always has the shape of the one before."""
        return self.role != "other"


class LayerSpec(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag_field="type",
):
    """The base of all layers."""

    info: ClassVar[LayerInfo]

    name: Name = ""
    """Optional; unique in the network. Without it a layer is called by its type and number."""
