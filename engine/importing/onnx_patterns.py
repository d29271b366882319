"""Layers that programs write as several ONNX operators one after another."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from cnn_tui.engine.importing.modules import rounded
from cnn_tui.engine.importing.onnx_file import Node, OnnxFile
from cnn_tui.engine.importing.onnx_graph import Join, Path
from cnn_tui.engine.importing.onnx_layers import CHW, LearnedLayers
from cnn_tui.engine.specs.layers import LRN
from cnn_tui.engine.specs.norms import GroupNorm, LayerNorm
from cnn_tui.engine.specs.shaping import ChannelShuffle

Pattern = Callable[[Path, LearnedLayers, OnnxFile], int]
"""Appends a layer if a path begins with it; returns the number of operators that it consists of."""


def add_pattern(path: Path, assembly: LearnedLayers, file: OnnxFile) -> int:
    """Append the layer that a path begins with, if it takes several operators; see ``Pattern``.

    Raises:
        SpecError: if the layer does not fit.
    """
    for pattern in _PATTERNS:
        if count := pattern(path, assembly, file):
            return count
    return 0


def _ops(path: Path) -> tuple[str, ...]:
    """The operators of a path; one that joins its input with itself counts as single."""
    return tuple(
        item.op if isinstance(item, Node) else item.node.op if not any(item.branches) else "join"
        for item in path
    )


def node_of(item: Node | Join) -> Node:
    """The operator, or the one at which branches meet."""
    return item if isinstance(item, Node) else item.node


def _numbers(item: Node | Join, file: OnnxFile) -> tuple[float, ...]:
    constants = map(file.numbers, filter(file.is_constant, node_of(item).inputs))
    return tuple(number for numbers in constants if numbers for number in numbers)


_RESHAPING = ("Reshape", "Squeeze", "Unsqueeze")


def _local_norm(path: Path, assembly: LearnedLayers, file: OnnxFile) -> int:
    """A division by the power of k plus alpha times the mean square of neighbouring channels."""
    item = path[0]
    if not isinstance(item, Join) or item.node.op != "Div" or len(item.branches) != 2:
        return 0
    above, below = item.branches
    nodes = [inner for inner in below if _ops((inner,))[0] not in _RESHAPING]
    if above or _ops(tuple(nodes)) != ("Mul", "Pad", "AveragePool", "Mul", "Add", "Pow"):
        return 0
    _, pad, pool, *rest = nodes
    size = node_of(pool).attributes["kernel_shape"][0]
    constants = [_numbers(inner, file) for inner in rest]
    if not _averages_channels(node_of(pool), size) or not _pads_channels(node_of(pad), size, file):
        return 0
    (alpha,), (k,), (beta,) = constants
    layer = LRN(size=size, alpha=rounded(alpha / size), beta=rounded(beta), k=rounded(k))
    assembly.add(layer, item.node.where)
    return 1


def _averages_channels(pool: Node, size: int) -> bool:
    kernel, strides = pool.attributes["kernel_shape"], pool.attributes.get("strides", (1,))
    padding = pool.attributes.get("pads", (0,))
    return tuple(kernel) == (size, 1, 1) and set(strides) == {1} and set(padding) == {0}


def _pads_channels(pad: Node, size: int, file: OnnxFile) -> bool:
    """Whether volumes ``(N, 1, C, H, W)`` are padded to give one mean per channel."""
    pads = file.setting(pad, "pads", 1)
    expected = [0] * 10
    expected[2], expected[7] = size // 2, (size - 1) // 2
    # The ten numbers may be followed by the padding value.
    return pads is not None and list(pads) == expected and not any(_numbers(pad, file)[10:])


def _group_norm(path: Path, assembly: LearnedLayers, file: OnnxFile) -> int:
    """Groups of channels made the channels of a volume, which is normalised and made as before."""
    if _ops(path[:5]) != ("Reshape", "InstanceNormalization", "Reshape", "Mul", "Add"):
        return 0
    grouped, normal, _, scale, shift = map(node_of, path[:5])
    groups = file.numbers(grouped.inputs[1])
    plain = [file.tensors.array(name) for name in normal.inputs[1:]]
    factors = [
        assembly.per_channel(file.tensors.array(name))
        for node in (scale, shift)
        for name in node.inputs
        if file.is_constant(name)
    ]
    channels = assembly.shape[0]
    if groups is None or len(groups) != 3 or channels % max(1, int(groups[1])):
        return 0
    if not all(map(np.allclose, plain, (1, 0))) or len(factors) != 2 or assembly.layout != CHW:
        return 0
    weight, bias = (np.broadcast_to(one, (channels,)) for one in factors if one is not None)
    eps = rounded(normal.attributes.get("epsilon", 1e-5))
    layer = GroupNorm(num_groups=int(groups[1]), eps=eps)
    assembly.learn(layer, normal.where, {"weight": weight, "bias": bias})
    return 5


def _layer_norm(path: Path, assembly: LearnedLayers, file: OnnxFile) -> int:
    """The distance from the mean, divided by the root of its mean square, scaled and shifted."""
    if len(path) < 4:
        return 0
    centred, divided, *rest = path[:4]
    if not isinstance(centred, Join) or not isinstance(divided, Join):
        return 0
    if (centred.node.op, divided.node.op) != ("Sub", "Div") or _ops(tuple(rest)) != ("Mul", "Add"):
        return 0
    sides = (*centred.branches, *divided.branches)
    if len(sides) != 4 or sides[0] or sides[2] or _ops(sides[1]) != ("ReduceMean",):
        return 0
    if _ops(sides[3]) not in [(square, "ReduceMean", "Add", "Sqrt") for square in ("Pow", "Mul")]:
        return 0
    means = node_of(sides[1][0]), node_of(sides[3][1])
    over = {_axes(mean, assembly, file) for mean in means}
    arrays = [
        file.tensors.array(name)
        for item in rest
        for name in node_of(item).inputs
        if file.is_constant(name)
    ]
    shape = assembly.shape[:1] if over == {"C"} else assembly.shape
    fits = all(array.size == math.prod(shape) for array in arrays)
    if over not in ({"C"}, {"CHW"}) or len(arrays) != 2 or not fits:
        return 0
    if over == {"CHW"} and assembly.layout != CHW:
        return 0
    (eps,) = _numbers(sides[3][2], file)
    layer = LayerNorm(over="channels" if over == {"C"} else "volume", eps=rounded(eps))
    weight, bias = (array.reshape(shape) for array in arrays)
    assembly.learn(layer, divided.node.where, {"weight": weight, "bias": bias})
    return 4


def _axes(node: Node, assembly: LearnedLayers, file: OnnxFile) -> str:
    axes = file.setting(node, "axes", 1) or ()
    letters = "NC" if assembly.flat else "N" + assembly.layout
    return "".join(sorted(letters[int(axis)] for axis in axes))


def _shuffle(path: Path, assembly: LearnedLayers, file: OnnxFile) -> int:
    """Channels as rows of groups, the two sizes exchanged, and channels again."""
    if _ops(path[:3]) != ("Reshape", "Transpose", "Reshape") or assembly.layout != CHW:
        return 0
    first, turn, last = map(node_of, path[:3])
    wide, again = file.numbers(first.inputs[1]), file.numbers(last.inputs[1])
    channels, *size = assembly.shape
    if wide is None or again is None or len(wide) != 5 or len(again) != 4:
        return 0
    groups = int(wide[1])
    if turn.attributes.get("perm") != (0, 2, 1, 3, 4) or groups <= 0 or channels % groups:
        return 0
    fits = all(
        found in (-1, wanted)
        for found, wanted in zip(
            (*wide[2:], *again[1:]), (channels // groups, *size, channels, *size), strict=True
        )
    )
    if fits:
        assembly.add(ChannelShuffle(groups=groups), turn.where)
    return 3 * fits


_PATTERNS: tuple[Pattern, ...] = (_local_norm, _group_norm, _layer_norm, _shuffle)
