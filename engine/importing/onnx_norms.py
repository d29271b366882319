"""Converts ONNX operators that normalise, or learn a number for each channel."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from cnn_tui.engine.importing.modules import rounded
from cnn_tui.engine.importing.onnx_file import Node, OnnxFile
from cnn_tui.engine.importing.onnx_layers import LearnedLayers
from cnn_tui.engine.importing.onnx_reading import expect, require_order, weights_of
from cnn_tui.engine.importing.onnx_settings import refused
from cnn_tui.engine.specs.activations import PReLU
from cnn_tui.engine.specs.layers import LRN, BatchNorm
from cnn_tui.engine.specs.norms import GroupNorm, LayerNorm


def add_lrn(node: Node, assembly: LearnedLayers, file: OnnxFile) -> None:
    """Append an LRN; ONNX divides alpha by the size, the paper does not."""
    require_order(node, assembly)
    given = {"alpha": 1e-4, "beta": 0.75, "bias": 1.0, **node.attributes}
    size = max(1, given.get("size", 1))
    alpha, beta, k = rounded(given["alpha"] / size), rounded(given["beta"]), given["bias"]
    assembly.add(LRN(size=size, alpha=alpha, beta=beta, k=rounded(k)), node.where)


def add_batchnorm(node: Node, assembly: LearnedLayers, file: OnnxFile) -> None:
    """Append a batch norm; ONNX's momentum is the weight of the old mean."""
    require_order(node, assembly)
    given = {"epsilon": 1e-5, "momentum": 0.9, **node.attributes}
    momentum = rounded(1 - rounded(given["momentum"]))
    parts = ("weight", "bias", "running_mean", "running_var")
    arrays = {part: weights_of(file, node, at) for at, part in enumerate(parts, 1)}
    for array in arrays.values():
        expect(node, array.size, assembly.shape[0], assembly)
    if not 0 < momentum <= 1:
        # A file for inference may say that its statistics never move.
        momentum = BatchNorm().momentum
    layer = BatchNorm(eps=max(rounded(given["epsilon"]), 1e-12), momentum=momentum)
    assembly.learn(layer, node.where, arrays)


def add_prelu(node: Node, assembly: LearnedLayers, file: OnnxFile) -> None:
    """Append a PReLU for ``PRelu``, with a slope for all values or for each channel."""
    slopes = assembly.per_channel(weights_of(file, node, 1))
    if slopes is None:
        raise refused(node, "has slopes that are neither one nor one for each channel")
    layer = PReLU(per_channel=slopes.size > 1)
    assembly.learn(layer, node.where, {"weight": slopes})


def add_groupnorm(node: Node, assembly: LearnedLayers, file: OnnxFile) -> None:
    """Append a group norm for ``GroupNormalization`` or ``InstanceNormalization``."""
    require_order(node, assembly)
    scale, shift = (weights_of(file, node, at) for at in (1, 2))
    channels, eps = assembly.shape[0], rounded(node.attributes.get("epsilon", 1e-5))
    groups = node.attributes.get("num_groups", channels)
    if scale.size == groups != channels:
        # Up to opset 20 there is one scale for each group.
        scale, shift = (np.repeat(one, channels // groups) for one in (scale, shift))
    expect(node, scale.size, channels, assembly)
    assembly.learn(
        GroupNorm(num_groups=groups, eps=eps), node.where, {"weight": scale, "bias": shift}
    )


def add_layernorm(node: Node, assembly: LearnedLayers, file: OnnxFile) -> None:
    """Append a layer norm for ``LayerNormalization`` over the volume or over the channels."""
    given = {"axis": -1, "epsilon": 1e-5, **node.attributes}
    axis = given["axis"] % (2 if assembly.flat or len(assembly.shape) == 1 else 4)
    by_pixel = axis == 3 and assembly.layout[-1] == "C"
    if axis != 1 and not by_pixel:
        raise refused(node, "normalises neither an image nor the channels of a pixel")
    if not by_pixel:
        require_order(node, assembly)
    count = assembly.shape[0] if by_pixel else math.prod(assembly.shape)
    scale = weights_of(file, node, 1)
    expect(node, scale.size, count, assembly)
    shape = (count,) if by_pixel else assembly.shape
    shift = weights_of(file, node, 2) if file.has(node, 2) else np.zeros(count)
    over: Literal["channels", "volume"] = "channels" if by_pixel else "volume"
    layer = LayerNorm(over=over, eps=rounded(given["epsilon"]))
    arrays = {"weight": scale.reshape(shape), "bias": shift.reshape(shape)}
    assembly.learn(layer, node.where, arrays)
