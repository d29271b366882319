"""The registry data of a kind of layer: everything but its arithmetic.

Each class in :mod:`cnn_tui.engine.specs.layers` has one :class:`LayerInfo`. Quick entry, the
palette, patterns, costs, exports, imports and the documentation read it instead of listing kinds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, ClassVar, Literal, NamedTuple

import msgspec

# \Z, since $ would allow a final line break.
Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{0,64}\Z")]
Role = Literal["activation", "elementwise", "same-shape", "other"]
Group = Literal["conv", "pool", "fc", "activation", "norm", "dropout", "block", "other"]


class Setting(NamedTuple):
    """A setting of quick entry that takes a value; the usual word comes first."""

    field: str
    words: tuple[str, ...]
    short: str = ""
    """The letter directly before a number, as in ``s2``."""
    usual: tuple[str, ...] = ()
    """Values to suggest."""


class Flag(NamedTuple):
    """A word of quick entry that sets a field to a fixed value."""

    field: str
    value: object
    words: tuple[str, ...]


class Counterpart(NamedTuple):
    """The equivalent layer of another program."""

    name: str
    settings: Mapping[str, str] = MappingProxyType({})
    """Maps each field to the other program's argument, in the order of its signature."""
    fixed: Mapping[str, str | float] = MappingProxyType({})
    """Arguments of the other program that must have this value."""
    ignored: tuple[str, ...] = ()
    """Arguments of the other program that change no result."""
    defaults: Mapping[str, str | float] = MappingProxyType({})
    """What the other program takes for an argument that is left out, where a field has another
    default."""

    @property
    def arguments(self) -> tuple[str, ...]:
        """All arguments of the other program."""
        return (*self.settings.values(), *self.fixed, *self.ignored)

    @property
    def written(self) -> str:
        """The name with the fixed arguments: ``GELU(approximate='tanh')``."""
        fixed = ", ".join(
            f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value!r}"
            for name, value in self.fixed.items()
        )
        return f"{self.name}({fixed})" if fixed else self.name


class LayerInfo(NamedTuple):
    """One kind of layer. In quick entry a field without a :class:`Setting` goes by its own name."""

    words: tuple[str, ...]
    """Names in quick entry and in patterns: its type, by which it is shown, and shorter ones."""
    meaning: str
    """The layer in a few words, with the numbers after its name in quick entry in capitals."""
    help: str
    """The purpose of the layer, one line of the palette."""
    torch: Counterpart
    onnx: Counterpart
    role: Role = "other"
    """``activation``: an activation function. ``elementwise``: no value depends on another channel
    or pixel. ``same-shape``: the volume keeps its shape. Each includes the previous ones."""
    bounds: tuple[float, float] | None = None
    """The outputs at which the gradient of an activation vanishes; infinite where it does not."""
    rectifies: bool = False
    """Whether the function is zero for all negative values although it has an upper bound, too."""
    needs_volume: bool = False
    """Whether the layer needs height and width, and so cannot follow an fc layer."""
    example: str = ""
    """An example in quick entry; the usual name by default."""
    places: tuple[str, ...] = ()
    """The fields that plain numbers fill, in this order."""
    settings: tuple[Setting, ...] = ()
    flags: tuple[Flag, ...] = ()
    aliases: Mapping[str, Mapping[str, object]] = MappingProxyType({})
    """Further names in quick entry, each with the fields that it sets."""
    brief: str = ""
    """Format string for the settings in a table, applied to the layer: ``p {0.p:g}``."""
    stem: str = ""
    """The prefix of the names of its weights; the type by default."""
    family: Group = "other"
    """The kind of layer, which a screen shows by a colour; activations need not say it."""

    @property
    def group(self) -> Group:
        """The kind of layer, each of which has a colour of its own."""
        return "activation" if self.is_activation else self.family

    @property
    def is_activation(self) -> bool:
        """Whether the layer is an activation function."""
        return self.role == "activation"

    @property
    def dies(self) -> bool:
        """Whether a unit can die: its gradient vanishes for all negative values."""
        return self.bounds is not None and (self.rectifies or math.isinf(self.bounds[1]))

    @property
    def saturates(self) -> bool:
        """Whether the gradient vanishes at both bounds, and neither is the usual output."""
        return self.bounds is not None and not self.dies

    @property
    def is_elementwise(self) -> bool:
        """Whether each value depends only on the value in the same position."""
        return self.role in ("activation", "elementwise")

    @property
    def keeps_shape(self) -> bool:
        """Whether the output always has the shape of the input."""
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
    """Optional and unique in the network; by default the type and the number."""
