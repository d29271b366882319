"""Converts ONNX operators with windows, and the padding before them."""

from __future__ import annotations

from typing import Any, Literal

from cnn_tui.engine.importing.modules import multiplier_of
from cnn_tui.engine.importing.onnx_file import Node, OnnxFile
from cnn_tui.engine.importing.onnx_layers import CHW, LearnedLayers
from cnn_tui.engine.importing.onnx_reading import bias_of, expect, require_order, weight_of
from cnn_tui.engine.importing.onnx_settings import NO_PADS, Pads, Windows, refused, windows_of
from cnn_tui.engine.specs.depthwise import DWConv
from cnn_tui.engine.specs.layers import AvgPool, Conv, GlobalAvgPool, MaxPool, single
from cnn_tui.engine.specs.shaping import Pad

WINDOWED = ("Conv", "MaxPool", "AveragePool", "Pad")
_MODES: dict[object, Literal["zeros", "reflect", "replicate"]] = {
    b"constant": "zeros",
    b"reflect": "reflect",
    b"edge": "replicate",
}


def add_windowed(node: Node, before: Node | None, assembly: LearnedLayers, file: OnnxFile) -> None:
    """Append the counterpart of a node; ``before`` is a ``Pad`` that it may take in.

    Raises:
        SpecError: if the node has no counterpart, or its layer does not fit.
    """
    if node.op == "Pad":
        _pad(node, assembly, file)
        return
    require_order(node, assembly)
    if node.op == "Conv":
        _conv(node, before, assembly, file)
    else:
        _pool(node, assembly)


def is_taken_in(pad: Node, after: Node, file: OnnxFile) -> bool:
    """Whether a convolution takes in the zeros that a ``Pad`` before it adds."""
    return pad.op == "Pad" and after.op == "Conv" and _mode(pad, file) == "zeros"


def _conv(node: Node, before: Node | None, assembly: LearnedLayers, file: OnnxFile) -> None:
    weight = weight_of(file, node, 4)
    group = node.attributes.get("group", 1)
    if len(assembly.shape) == 3:
        expect(node, weight.shape[1] * group, assembly.shape[0], assembly)
    extra = _pads(before, assembly, file) if before else NO_PADS
    found = windows_of(node, assembly.shape[1:], (weight.shape[2], weight.shape[3]), extra)
    settings = _unpadded(node, found, assembly)
    settings |= {"bias": file.has(node, 2), "dilation": single(tuple(found.dilation))}
    layer: Conv | DWConv
    if multiplier := multiplier_of(len(weight), group, assembly):
        layer = DWConv(multiplier=multiplier, **settings)
    else:
        layer = Conv(out_channels=len(weight), groups=group, **settings)
    assembly.learn(layer, node.where, {"weight": weight, **bias_of(file, node, len(weight))})


def _pool(node: Node, assembly: LearnedLayers) -> None:
    found = windows_of(node, assembly.shape[1:], None)
    is_mean = node.op == "AveragePool"
    counts = bool(node.attributes.get("count_include_pad", 0))
    if tuple(found.dilation) != (1, 1):
        raise refused(node, "has a dilation, which pooling here does not support")
    if is_mean and found.covers_all and not counts and any(found.pads):
        assembly.add(GlobalAvgPool(), node.where)
        return
    ceil = found.ceil
    if not found.is_symmetric and not counts and found.is_ceil:
        settings, ceil = found.settings, True
    elif found.is_symmetric or counts or (not is_mean and _is_positive(assembly)):
        settings = _unpadded(node, found, assembly)
    else:
        raise refused(node, "pads opposite sides differently")
    if settings["stride"] == settings["kernel_size"]:
        del settings["stride"]
    if is_mean and settings["padding"] != 0:
        settings["count_include_pad"] = counts
    assembly.add((AvgPool if is_mean else MaxPool)(**settings), node.where, ceil=ceil)


def _unpadded(node: Node, found: Windows, assembly: LearnedLayers) -> dict[str, Any]:
    """The settings of windows; padding that differs on opposite sides becomes a layer before."""
    if found.is_symmetric:
        return found.settings
    if found.ceil:
        raise refused(node, "pads opposite sides differently and rounds sizes up")
    _add_pad(node, found.pads, "zeros", assembly)
    return found.settings | {"padding": 0}


def _is_positive(assembly: LearnedLayers) -> bool:
    """Whether no value is below zero, so that zeros around them are never the largest."""
    bounds = assembly.layers[-1].info.bounds if assembly.layers else None
    return bounds is not None and bounds[0] >= 0


def _pad(node: Node, assembly: LearnedLayers, file: OnnxFile) -> None:
    pads = _pads(node, assembly, file)
    if any(pads):
        _add_pad(node, pads, _mode(node, file), assembly)


def _add_pad(
    node: Node,
    pads: Pads,
    mode: Literal["zeros", "reflect", "replicate"],
    assembly: LearnedLayers,
) -> None:
    top, left, bottom, right = pads
    sides = (left, right, top, bottom)
    padding = left if len({*sides}) == 1 else sides
    assembly.add(Pad(padding=padding, padding_mode=mode), node.where)


def _mode(node: Node, file: OnnxFile) -> Literal["zeros", "reflect", "replicate"]:
    mode, value = node.attributes.get("mode", b"constant"), file.setting(node, "value", 2)
    if mode not in _MODES or (mode == b"constant" and any(value or ())):
        raise refused(node, "pads with other values than zeros or pixels")
    return _MODES[mode]


def _pads(node: Node, assembly: LearnedLayers, file: OnnxFile) -> Pads:
    """The rows and columns that a ``Pad`` adds."""
    pads, axes = file.setting(node, "pads", 1), file.setting(node, "axes", 3)
    order = [int(axis) % 4 for axis in axes] if axes else [0, 1, 2, 3]
    if pads is None or len(pads) != 2 * len(order):
        raise refused(node, "has padding that is not two-dimensional")
    before = dict(zip(order, pads, strict=False))
    after = dict(zip(order, pads[len(order) :], strict=True))
    batch, channels, *places = (0, *(1 + assembly.layout.index(axis) for axis in CHW))
    others = [one.get(at, 0) for one in (before, after) for at in (batch, channels)]
    sides = [int(one.get(at, 0)) for one in (before, after) for at in places]
    if any(others) or min(sides) < 0:
        raise refused(node, "pads other dimensions than height and width, or below zero")
    return sides[0], sides[1], sides[2], sides[3]
