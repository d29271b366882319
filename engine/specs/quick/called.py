"""Calls of other frameworks, such as ``nn.Conv2d(3, 8, 3)``, as layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from cnn_tui.engine.specs.layers import Layer

FLATTENS = "flatten is passed over: an fc layer flattens its input itself"
ENDS_IN_SOFTMAX = "softmax is passed over: it is part of the loss"
PASSED_OVER = {"flatten": FLATTENS, "softmax": ENDS_IN_SOFTMAX}
"""Words of quick entry that say what happens anyway, with a note."""


class Called(NamedTuple):
    """The layer that a call makes, and notes on it."""

    layers: tuple[Layer, ...] = ()
    receives: int | None = None
    """The channels, or the features of an fc layer, that the call declares to receive."""
    note: str = ""
    """A difference from the other framework."""
    is_softmax: bool = False
    """Whether the call ends in a softmax, which is part of the loss here."""


Given = dict[str, Any]


class CallRow(NamedTuple):
    """How to read a call."""

    arguments: tuple[str, ...]
    """The names of the arguments, in order."""
    make: Callable[[Given], Called]


CONV = ("out_channels", "kernel_size", "stride", "padding", "dilation", "groups", "bias")
POOL = ("kernel_size", "stride", "padding")


def one_layer(kind: Callable[..., Layer], *names: str, **others: str) -> Callable[[Given], Called]:
    """Make one layer from the arguments of the same names, or by field from other ones."""

    def make(given: Given) -> Called:
        wanted = {**dict(zip(names, names, strict=True)), **others}
        return Called((kind(**{field: given[at] for field, at in wanted.items() if at in given}),))

    return make


def no_layer(note: str = "", *, is_softmax: bool = False) -> Callable[[Given], Called]:
    """Make nothing; the call says what happens anyway."""
    return lambda given: Called(note=note, is_softmax=is_softmax)
