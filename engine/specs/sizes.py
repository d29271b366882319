"""The types of sizes, and the words of quick entry that several kinds of layers share."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from cnn_tui.engine.specs.info import Flag, Setting

Size = Annotated[int, msgspec.Meta(ge=1, le=1024)]
Pad = Annotated[int, msgspec.Meta(ge=0, le=512)]
# The length is a constraint, not a type: msgspec (up to 0.22) crashes the interpreter at exit
# for a union of a constrained int and a tuple[X, Y].
Pair = Annotated[tuple[Size, ...], msgspec.Meta(min_length=2, max_length=2)]
PadPair = Annotated[tuple[Pad, ...], msgspec.Meta(min_length=2, max_length=2)]
Features = Annotated[int, msgspec.Meta(ge=1, le=65536)]
Rounding = Literal["exact", "floor"]
KERNEL = Setting("kernel_size", ("kernel", "kernel_size"), "k", ("3x3", "5x5", "1x1"))
STRIDE = Setting("stride", ("stride",), "s", ("2",))
PADDING = Setting("padding", ("pad", "padding"), "p", ("1", "2"))
ROUNDING = (Flag("rounding", "floor", ("floor",)), Flag("rounding", "exact", ("exact",)))
NO_BIAS = Flag("bias", False, ("nobias", "no-bias", "no bias"))
