"""What :func:`cnn_tui.engine.specs.check.check` answers; its JSON is ``cnn-tui check --json``."""

from __future__ import annotations

import msgspec


class Fix(msgspec.Struct, frozen=True):
    """One way out of an issue, tried before it is offered."""

    layer: int
    """Number of the layer to change, counted from 1; 0 is the network."""
    field: str
    """The setting, such as ``stride``, or ``branch[1].stride`` inside a residual block.

    ``replace`` and ``after`` are no settings: the layers that ``value`` names in quick entry take
    the place of the layer, or stand behind it.
    """
    value: int | str | list[int]
    description: str
    """What to change and what comes of it: ``stride 1: 16x10x10, all later layers fit``."""
    also: tuple[Fix, ...] = ()
    """Further changes that this one needs; ``doctor.apply_fix`` makes them all."""


class Issue(msgspec.Struct, frozen=True):
    """A mistake in a network: what, where, why and what to do, in one line."""

    layer: int
    """Number of the layer, counted from 1; 0 is the network as a whole."""
    code: str
    message: str
    fixes: tuple[Fix, ...] = ()
    """Best first: those after which all later layers fit, then by how little they change."""
    path: str = ""
    """The setting at fault as a file has it, counted from 0: ``layers[3].kernel_size``."""


class LayerReport(msgspec.Struct, frozen=True):
    """One layer in its place; counts are for one image."""

    index: int
    """Counted from 1 in its list of layers."""
    type: str
    name: str
    """The user's, or type and number; unique in the network."""
    settings: str
    """In short: ``6  5x5 s1 p2``."""
    output: list[int] | None
    """``[C, H, W]`` or ``[D]``; None from the first fault on."""
    weights: int
    """Entries of weight arrays; gamma of a batch norm."""
    biases: int
    """Entries of bias vectors; beta of a batch norm."""
    params: int
    """Weights and biases: all that is learned. Running statistics are not."""
    macs: int
    """Multiply-adds of convolutions and fully connected layers, which dwarf all others."""
    receptive_field: int | None
    """Input pixels along the longer side that one output depends on, padding included."""
    activations: int
    """Values in the output."""
    branch: tuple[LayerReport, ...] = ()
    shortcut: tuple[LayerReport, ...] = ()


class Report(msgspec.Struct, frozen=True):
    """A network, checked."""

    name: str
    valid: bool
    input: tuple[int, int, int]
    layers: tuple[LayerReport, ...]
    total_params: int
    total_macs: int
    issues: tuple[Issue, ...]
