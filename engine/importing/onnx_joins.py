"""Converts the joins of an ONNX graph to residual and parallel blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cnn_tui.engine.importing.onnx_file import Node, OnnxFile
from cnn_tui.engine.importing.onnx_graph import Join, Path
from cnn_tui.engine.importing.onnx_layers import LearnedLayers
from cnn_tui.engine.importing.onnx_settings import refused
from cnn_tui.engine.importing.residual import known_shortcut
from cnn_tui.engine.specs.layers import MAX_BRANCHES, Merge, Parallel, Residual

MERGES: dict[str, Merge] = {"Add": "add", "Sum": "add", "Mul": "multiply", "Concat": "concat"}
_FAR = 1024
"""The end of a slice that takes all of a dimension is at least this."""
_MOST_SHORTCUT = 4
"""Layers up to which the shorter of two added branches is called a shortcut."""

AddPath = Callable[[Path, LearnedLayers], None]
"""Appends the counterparts of a path to an assembly."""


def add_join(item: Join, assembly: LearnedLayers, file: OnnxFile, add: AddPath) -> bool:
    """Append the block that a join makes; returns whether its branches could be read.

    Raises:
        SpecError: if there is no such block, or it does not fit.
    """
    node = item.node
    if node.op == "Div":
        raise refused(node, "divides by something other than a local response or a deviation")
    if node.op not in MERGES:
        raise refused(node, "joins branches other than by Add, Mul or Concat")
    if len(item.branches) > MAX_BRANCHES:
        raise refused(node, f"joins more than {MAX_BRANCHES} branches")
    merge = MERGES[node.op]
    if merge == "concat":
        _require_channels(node, assembly)
    if merge == "add" and len(item.branches) == 2 and _added_zero_pad(item, assembly, file, add):
        return True
    paths = _shares(item.branches, assembly, file)
    branches = [
        _branch(assembly, node.where, len(item.branches) if paths else 1) for _ in item.branches
    ]
    for path, branch in zip(paths or item.branches, branches, strict=True):
        add(path, branch)
    if any(branch.broken for branch in branches):
        return False
    if len({(branch.flat, branch.layout) for branch in branches}) > 1:
        raise refused(node, "joins branches of which some are flat or in another order")
    if merge == "add" and len(branches) == 2 and not paths:
        _add_sum(node, branches, assembly)
    else:
        lists = tuple(tuple(branch.layers) for branch in branches)
        block = Parallel(branches=lists, merge=merge, split=bool(paths))
        assembly.take(block, branches, node.where)
    return True


def _branch(assembly: LearnedLayers, where: str, shares: int) -> LearnedLayers:
    branch = assembly.branch(where)
    channels, *rest = assembly.shape
    branch.flow = branch.flow._replace(shape=(channels // shares, *rest))
    return branch


def _add_sum(node: Node, branches: list[LearnedLayers], assembly: LearnedLayers) -> None:
    """Append a residual block if one side looks like a shortcut, else a parallel block."""
    for branch, side in (branches, branches[::-1]):
        shortcut = known_shortcut(side.layers)
        if shortcut is not None and branch.layers:
            kind, stride = shortcut
            block = Residual(branch=tuple(branch.layers), shortcut=kind, stride=stride)
            assembly.take(block, (branch, side), node.where)
            return
    side, branch = sorted(branches, key=lambda one: len(one.layers))
    if 0 < len(side.layers) <= _MOST_SHORTCUT and len(side.layers) < len(branch.layers):
        residual = Residual(branch=tuple(branch.layers), shortcut=tuple(side.layers))
        assembly.take(residual, (branch, side), node.where)
        return
    lists = tuple(tuple(one.layers) for one in branches)
    assembly.take(Parallel(branches=lists, merge="add"), branches, node.where)


def _added_zero_pad(item: Join, assembly: LearnedLayers, file: OnnxFile, add: AddPath) -> bool:
    """Append a residual block whose shortcut is padded with zeros, if this is one."""
    for path, side in (item.branches, item.branches[::-1]):
        stride = _zero_pad_stride(side, file)
        if stride and path:
            branch = assembly.branch(item.node.where)
            add(path, branch)
            if not branch.broken:
                block = Residual(branch=tuple(branch.layers), shortcut="zero-pad", stride=stride)
                assembly.take(block, (branch,), item.node.where)
            return not branch.broken
    return False


def _zero_pad_stride(side: Path, file: OnnxFile) -> int | None:
    """The stride of a shortcut that takes every n-th pixel and adds channels of zeros."""
    nodes = [item for item in side if isinstance(item, Node)]
    ops = tuple(node.op for node in nodes)
    if len(nodes) < len(side) or ops not in (("Slice", "Pad"), ("Pad",), ("Slice", "Slice", "Pad")):
        return None
    if not _adds_channels(nodes[-1], file):
        return None
    steps: dict[int, int] = {}
    for node in nodes[:-1]:
        found = _steps(node, file)
        if found is None:
            return None
        steps |= found
    strides = {steps.get(2, 1), steps.get(3, 1)}
    return strides.pop() if len(strides) == 1 else None


def _steps(node: Node, file: OnnxFile) -> dict[int, int] | None:
    """The stride of a slice for each axis; None if it leaves out more."""
    names = (("starts", 1), ("ends", 2), ("axes", 3), ("steps", 4))
    starts, ends, axes, steps = (file.setting(node, *name) for name in names)
    if starts is None or ends is None or axes is None or any(starts) or min(ends) < _FAR:
        return None
    wanted = steps or (1,) * len(axes)
    found = {int(axis) % 4: int(step) for axis, step in zip(axes, wanted, strict=True)}
    return found if set(found) <= {2, 3} and min(found.values()) > 0 else None


def _adds_channels(node: Node, file: OnnxFile) -> bool:
    """Whether a pad only adds channels of zeros at the end."""
    pads, value = file.setting(node, "pads", 1), file.setting(node, "value", 2) or (0.0,)
    constant = node.attributes.get("mode", b"constant") == b"constant" and not any(value)
    if not constant or pads is None or len(pads) != 8 or len(node.inputs) > 3:
        return False
    return pads[5] >= 0 and not any(pads[:5] + pads[6:])


def _require_channels(node: Node, assembly: LearnedLayers) -> None:
    axes = "NC" if assembly.flat or len(assembly.shape) == 1 else "N" + assembly.layout
    axis = node.attributes.get("axis")
    # Branches may end flat though the volume is not; a row has its channels in axis 1 as well.
    if type(axis) is not int or not -4 <= axis < 4:
        raise refused(node, "joins along no axis")
    at = axis % len(axes)
    if axes[at : at + 1] != "C" and axis != 1:
        raise refused(node, "joins along another axis than the channels")


def _shares(
    branches: Sequence[Path], assembly: LearnedLayers, file: OnnxFile
) -> tuple[Path, ...] | None:
    """The branches without the operators that give each its equal share of the channels."""
    count, channels = len(branches), assembly.shape[0]
    if count < 2 or channels % count or assembly.flat:
        return None
    share = channels // count
    for number, branch in enumerate(branches):
        bounds = _bounds(branch[0], assembly, file) if branch else None
        if bounds != (number * share, (number + 1) * share):
            return None
    return tuple(branch[1:] for branch in branches)


def _bounds(item: Node | Join, assembly: LearnedLayers, file: OnnxFile) -> tuple[int, int] | None:
    """The channels that a slice takes: from the first to before the last."""
    if not isinstance(item, Node) or item.op not in ("Part", "Slice"):
        return None
    axis, channels = 1 + assembly.layout.index("C"), assembly.shape[0]
    if item.op == "Part":
        given = item.attributes
        sizes = given["sizes"] or (channels // given["parts"],) * given["parts"]
        start = sum(map(int, sizes[: given["part"]]))
        found = given["axis"] % 4, start, start + int(sizes[given["part"]])
        return found[1:] if found[0] == axis else None
    names = (("starts", 1), ("ends", 2), ("axes", 3), ("steps", 4))
    starts, ends, axes, steps = (file.setting(item, *name) for name in names)
    if starts is None or ends is None or axes is None or len(axes) != 1 or (steps or (1,)) != (1,):
        return None
    start, end = (int(one) + channels * (one < 0) for one in (starts[0], ends[0]))
    return (start, min(end, channels)) if int(axes[0]) % 4 == axis else None
