"""Blocks of layers: shape rules, diagnostics and explanations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod

from cnn_tui.engine.shapes import ReceptiveField, Shape, Window, format_shape, output_size
from cnn_tui.engine.specs.flow import Diagnostic, FeatureMap, InferredLayer, Note, failed
from cnn_tui.engine.specs.inside import list_letter
from cnn_tui.engine.specs.layers import BatchNorm, Conv, Layer, Parallel, Repeat, Residual
from cnn_tui.engine.specs.network import MAX_LAYERS
from cnn_tui.engine.specs.wording import listed

Steps = tuple[InferredLayer, ...]

Walk = Callable[[tuple[Layer, ...], FeatureMap], Steps]
"""The function that infers the layers inside a block."""


def projection(out_channels: int, stride: int) -> tuple[Layer, ...]:
    """Return the shortcut of He et al. 2016, option B: a 1x1 convolution and a batch norm.

    Sizes are rounded down: pixels 0, ``stride``, ``2 * stride``... of a row are read.
    """
    return (
        Conv(out_channels=out_channels, kernel_size=1, stride=stride, bias=False, rounding="floor"),
        BatchNorm(),
    )


def infer_residual(layer: Residual, flow: FeatureMap, walk: Walk) -> InferredLayer:
    """Infer the sum of branch and shortcut, whose shapes have to be equal."""
    if not layer.branch:
        return failed(layer, flow, _EMPTY_BRANCH)
    branch = walk(layer.branch, flow)
    if layer.stride != 1 and layer.shortcut not in ("projection", "zero-pad"):
        return _sum(failed(layer, flow, _no_stride(layer)), (branch,))
    end = branch[-1].after
    if isinstance(layer.shortcut, tuple):
        side = walk(layer.shortcut, flow)
        return _added(layer, flow, (branch, side), side[-1].after if side else flow)
    if flow.shape is None or end.shape is None:
        return _sum(InferredLayer(layer, flow, FeatureMap(None, end.flat)), (branch,))
    side, other = _shortcut(layer, flow, end.shape[0], walk)
    # A shortcut reads single pixels, so the receptive field is that of the branch.
    return _added(layer, flow, (branch, side), end._replace(shape=other))


def _added(
    layer: Residual, flow: FeatureMap, inner: tuple[Steps, Steps], other: FeatureMap
) -> InferredLayer:
    end = inner[0][-1].after
    if end.shape is None or (other.shape is None and not isinstance(layer.shortcut, str)):
        return _sum(InferredLayer(layer, flow, FeatureMap(None, end.flat)), inner)
    if other.shape != end.shape:
        return _sum(failed(layer, flow, _shortcut_shape(layer, end.shape, other.shape)), inner)
    return _sum(InferredLayer(layer, flow, _widest((end, other), end.shape)), inner)


def _shortcut(
    layer: Residual, flow: FeatureMap, channels: int, walk: Walk
) -> tuple[Steps, Shape | None]:
    """The layers of the shortcut and its output shape; None if it does not fit."""
    if layer.shortcut == "identity":
        return (), flow.shape
    if flow.flat or flow.shape is None:
        return (), None
    if layer.shortcut == "projection":
        side = walk(projection(channels, layer.stride), flow)
        return side, side[-1].after.shape
    pixels = (output_size(size, Window(1, layer.stride)) for size in flow.shape[1:])
    return (), (max(channels, flow.shape[0]), *pixels)


def infer_parallel(layer: Parallel, flow: FeatureMap, walk: Walk) -> InferredLayer:
    """Infer the branches, and the volume that they are merged into."""
    each, fault = _share(layer, flow)
    inner = tuple(walk(branch, each) for branch in layer.branches)
    if fault is not None:
        return _sum(failed(layer, flow, fault), inner)
    ends = [steps[-1].after if steps else each for steps in inner]
    shapes = [end.shape for end in ends]
    known = [shape for shape in shapes if shape is not None]
    flat = all(end.flat for end in ends)
    if None in shapes:
        return _sum(InferredLayer(layer, flow, FeatureMap(None, flat)), inner)
    merged = _MERGES[layer.merge](known)
    if isinstance(merged, Diagnostic):
        return _sum(failed(layer, flow, merged), inner)
    return _sum(InferredLayer(layer, flow, _widest(ends, merged)), inner)


def _share(layer: Parallel, flow: FeatureMap) -> tuple[FeatureMap, Diagnostic | None]:
    """The volume that each branch receives."""
    count = len(layer.branches)
    if not layer.split or flow.shape is None:
        return flow, None
    channels, *pixels = flow.shape
    if channels % count:
        text = f"{channels} channels cannot be split into {count} equal shares"
        fault = Diagnostic("split", text, "split", "Change the channels before it.")
        return FeatureMap(None), fault
    return flow._replace(shape=(channels // count, *pixels)), None


def _widest(flows: Sequence[FeatureMap], shape: Shape) -> FeatureMap:
    """The merged volume; its receptive field is the largest of the branches, axis by axis."""

    def largest(fields: Sequence[ReceptiveField]) -> ReceptiveField:
        return ReceptiveField(max(f.size for f in fields), max(f.jump for f in fields))

    height = largest([flow.height for flow in flows])
    width = largest([flow.width for flow in flows])
    return FeatureMap(shape, len(shape) == 1, height, width)


def _concat(shapes: Sequence[Shape]) -> Shape | Diagnostic:
    if len({len(shape) for shape in shapes}) > 1:
        text = "a flat branch and one with height and width cannot be concatenated"
        return Diagnostic("branch-shapes", text, "branches", "Use fc layers in all or none.")
    for axis, name in enumerate(_AXES[1 : len(shapes[0])], 1):
        sizes = [shape[axis] for shape in shapes]
        if len(set(sizes)) > 1:
            return _misfit("concat", name, sizes)
    return (sum(shape[0] for shape in shapes), *shapes[0][1:])


def _add(shapes: Sequence[Shape]) -> Shape | Diagnostic:
    whole = [(*shape, 1, 1) for shape in shapes]
    for axis, name in enumerate(_AXES):
        sizes = [shape[axis] for shape in whole]
        if len(set(sizes)) > 1:
            return _misfit("add", name, sizes)
    return min(shapes, key=len)


def _multiply(shapes: Sequence[Shape]) -> Shape | Diagnostic:
    whole = [(*shape, 1, 1)[:3] for shape in shapes]
    for axis, name in enumerate(_AXES):
        sizes = [shape[axis] for shape in whole]
        if len(set(sizes) - {1}) > 1:
            return _misfit("multiply", name, sizes)
    merged = tuple(map(max, zip(*whole, strict=True)))
    return merged if any(len(shape) == 3 for shape in shapes) else merged[:1]


_AXES = ("channels", "height", "width")
_MERGES = {"concat": _concat, "add": _add, "multiply": _multiply}


def _misfit(merge: str, axis: str, sizes: Sequence[int]) -> Diagnostic:
    """Names the first branch, and the first that differs from it."""
    first = next(size for size in sizes if size != 1) if merge == "multiply" else sizes[0]
    own = list(sizes).index(first)
    other = next(
        at for at, size in enumerate(sizes) if size != first and (merge != "multiply" or size != 1)
    )
    sides = (f"branch {list_letter(at)} has {axis} {sizes[at]}" for at in (own, other))
    need = {"concat": "the same height and width", "add": "equal shapes"}
    text = f"{listed(sides, 'and')}; {merge} needs {need.get(merge, 'equal sizes or 1')}"
    return Diagnostic("branch-shapes", text, "branches", f"Make the {axis} of all branches equal.")


def infer_repeat(layer: Repeat, flow: FeatureMap, walk: Walk) -> InferredLayer:
    """Infer every copy, each from the output of the one before."""
    if not layer.layers:
        return failed(layer, flow, _EMPTY_REPEAT)
    copies: list[Steps] = []
    before, count = flow, 0
    for _ in range(layer.times):
        copy = walk(layer.layers, before)
        count += sum(step.size for step in copy)
        copies.append(copy)
        if count > MAX_LAYERS:
            return _sum(failed(layer, flow, _TOO_MANY), tuple(copies))
        before = copy[-1].after
        if before.shape is None:
            break
    return _sum(InferredLayer(layer, flow, before), tuple(copies))


def _sum(block: InferredLayer, inner: tuple[Steps, ...]) -> InferredLayer:
    steps = [step for part in inner for step in part]
    return block._replace(
        inner=inner,
        weights=sum(step.weights for step in steps),
        biases=sum(step.biases for step in steps),
        macs=sum(step.macs for step in steps),
    )


_EMPTY_BRANCH = Diagnostic(
    "empty-branch", "its branch has no layers", "branch", "Add a layer, such as a conv."
)
_EMPTY_REPEAT = Diagnostic(
    "empty-branch", "it repeats no layers", "layers", "Add a layer, such as a conv."
)
_TOO_MANY = Diagnostic(
    "too-many",
    f"with all copies it has more than {MAX_LAYERS:,} layers",
    "times",
    "Repeat less often.",
)


def _no_stride(layer: Residual) -> Diagnostic:
    if layer.shortcut == "identity":
        text = "an identity shortcut does not change its input"
    else:
        text = "the layers of the shortcut have strides of their own"
    return Diagnostic("identity-stride", f"{text}: stride {layer.stride} cannot apply", "stride")


def _shortcut_shape(layer: Residual, branch: Shape, other: Shape | None) -> Diagnostic:
    kind = f"{layer.shortcut} " if isinstance(layer.shortcut, str) else ""
    if other is None:
        text = f"a {kind}shortcut needs a volume C x H x W, but its input is flat"
    else:
        sides = f"the branch gives {format_shape(branch)}, the {kind}shortcut "
        text = f"{sides}{format_shape(other)}; only equal shapes can be added"
    return Diagnostic(
        "shortcut-shape", text, "shortcut", "Make the shapes of branch and shortcut equal."
    )


def explain_residual(layer: Residual, step: InferredLayer) -> Iterator[Note]:
    """Yield the parameters and the receptive field of the block."""
    kind = f"{layer.shortcut} shortcut" if isinstance(layer.shortcut, str) else "shortcut"
    yield from _explain(f"branch + {kind}", step)


def explain_parallel(layer: Parallel, step: InferredLayer) -> Iterator[Note]:
    """Yield the arithmetic of the merge, the parameters and the receptive field of the block."""
    if step.after.shape is not None:
        yield Note("size", merge_lines(layer, step))
    yield from _explain(f"{len(layer.branches)} branches, {layer.merge}", step)


_SIGNS = {"concat": " + ", "add": " + ", "multiply": " * "}


def merge_lines(layer: Parallel, step: InferredLayer) -> tuple[str, ...]:
    """Return the arithmetic of the merge: ``64 + 128 + 32 + 32 = 256 channels``."""
    shapes = [steps[-1].after.shape if steps else step.before.shape for steps in step.inner]
    after = step.after.shape or ()
    if layer.merge == "concat":
        channels = _SIGNS["concat"].join(str(shape[0]) if shape else "?" for shape in shapes)
        return (f"{channels} = {after[0]} channels", f"{format_shape(after)} out")
    sides = _SIGNS[layer.merge].join(format_shape(shape or ("?",)) for shape in shapes)
    return (sides, f"= {format_shape(after)}, {prod(after):,} values")


def explain_repeat(layer: Repeat, step: InferredLayer) -> Iterator[Note]:
    """Yield the parameters and the receptive field of all copies."""
    yield from _explain(f"{layer.times} copies", step)


def _explain(what: str, step: InferredLayer) -> Iterator[Note]:
    params = step.weights + step.biases
    yield Note("parameters", (what, f"{params:,} parameters" if params else "no parameters"))
    if step.after.shape is not None:
        before, after = step.before.longer_reach, step.after.longer_reach
        yield Note("field", (f"field: {before} grown to {after} pixels",))
