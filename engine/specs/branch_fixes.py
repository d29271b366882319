"""Candidate fixes of blocks whose branches do not fit each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from cnn_tui.engine.shapes import Shape, Window, output_size
from cnn_tui.engine.specs.flow import Case, FixCandidate, InferredLayer
from cnn_tui.engine.specs.inside import list_letter
from cnn_tui.engine.specs.layers import FC, Conv, Parallel, Residual, layer_type, pair
from cnn_tui.engine.specs.report import Fix
from cnn_tui.engine.specs.windows import Windowed

_MOST_STRIDE = 64


def reconcile(case: Case, block: Residual) -> Iterator[FixCandidate]:
    """Yield another shortcut or stride, padding in the branch, or another last width."""
    before = case.step.before.shape
    inner = case.step.inner
    after = inner[0][-1].after.shape if inner and inner[0] else None
    for stride in _strides(block, before, after):
        yield from _shortcuts(case, block, stride)
    yield from _same_padding(case, block)
    if before is not None:
        yield from _width(case, block, before[0])


def _strides(block: Residual, before: Shape | None, after: Shape | None) -> Iterator[int]:
    """The stride by which the branch reduces its input, if there is one for both axes."""
    if before is None or after is None:
        yield block.stride
        return
    for stride in range(1, _MOST_STRIDE + 1):
        if tuple(output_size(size, Window(1, stride)) for size in before[1:]) == after[1:]:
            yield stride
            return


def _shortcuts(case: Case, block: Residual, stride: int) -> Iterator[FixCandidate]:
    for kind in ("identity", "projection", "zero-pad"):
        if not isinstance(block.shortcut, str):
            return  # the user's own layers are not thrown away
        wanted = {"shortcut": kind, "stride": 1 if kind == "identity" else stride}
        changes = [(key, new) for key, new in wanted.items() if new != getattr(block, key)]
        if changes:
            label = " and ".join(f"{field} {new}" for field, new in changes)
            was = str(getattr(block, changes[0][0])) if len(changes) == 1 else ""
            yield FixCandidate(_together(case, changes), label, len(changes), was=was)


def _same_padding(case: Case, block: Residual) -> Iterator[FixCandidate]:
    """Padding for all convolutions of the branch: its absence is the commonest mistake."""
    changes: list[tuple[str, int | str]] = [
        (f"branch[{index}].padding", "same")
        for index, layer in enumerate(block.branch)
        if isinstance(layer, Conv) and layer.padding != "same" and pair(layer.kernel_size) != (1, 1)
    ]
    if changes:
        label = 'padding "same" throughout its branch'
        yield FixCandidate(_together(case, changes), label, len(changes) + 0.5)


def _together(case: Case, changes: Sequence[tuple[str, int | str]]) -> Fix:
    first, *also = changes
    return case.fix(*first, *(case.fix(*change) for change in also))


def _width(case: Case, block: Residual, channels: int) -> Iterator[FixCandidate]:
    """Another width of the last layer that sets the channels of the branch."""
    for index, layer in reversed(list(enumerate(block.branch))):
        if isinstance(layer, FC | Conv):
            field = "out_features" if isinstance(layer, FC) else "out_channels"
            fix = case.fix(f"branch[{index}].{field}", channels)
            yield FixCandidate(fix, f"{field} {channels} at the end of its branch", 2.5)
            return


_MOST_TRIED_STRIDE = 4


def even_out(case: Case, block: Parallel) -> Iterator[FixCandidate]:
    """Yield changes that give all branches one size: padding, stride, then the last width."""
    ends = [_end_shape(case, steps) for steps in case.step.inner]
    common = Counter(end[1:] for end in ends).most_common(1)[0][0]
    widths = Counter(end[0] for end in ends).most_common(1)[0][0]
    yield from _padded_throughout(case, block)
    for at, (end, steps) in enumerate(zip(ends, case.step.inner, strict=True)):
        if end[1:] != common:
            yield from _resized(case, at, steps)
        elif block.merge != "concat" and end[0] != widths:
            yield from _widened(case, at, steps, widths)
    if block.merge != "concat":
        yield FixCandidate(case.fix("merge", "concat"), "merge concat", 3, was=block.merge)


def _end_shape(case: Case, steps: Sequence[InferredLayer]) -> Shape:
    shape = steps[-1].after.shape if steps else case.step.before.shape
    return (*(shape or ()), 1, 1, 1)[:3]


def _padded_throughout(case: Case, block: Parallel) -> Iterator[FixCandidate]:
    """Padding for every window of stride 1: its absence is the commonest mistake."""
    changes: list[tuple[str, int | str]] = []
    for at, branch in enumerate(block.branches):
        for index, layer in enumerate(branch):
            where = f"branches[{at}][{index}].padding"
            if isinstance(layer, Conv) and layer.padding != "same":
                changes += [(where, "same")] * (pair(layer.kernel_size) != (1, 1))
            elif isinstance(layer, Windowed) and layer.stride is not None:
                kernel = pair(layer.kernel_size)
                is_odd = kernel[0] == kernel[1] and kernel[0] % 2
                changes += [(where, kernel[0] // 2)] * bool(is_odd and pair(layer.stride) == (1, 1))
    if changes:
        label = "padding that keeps the size in all branches"
        yield FixCandidate(_together(case, changes), label, len(changes) + 0.5)


def _resized(case: Case, at: int, steps: Sequence[InferredLayer]) -> Iterator[FixCandidate]:
    """Another stride or padding of a layer in the branch that differs."""
    for index, step in reversed(list(enumerate(steps))):
        layer = step.layer
        if not isinstance(layer, Windowed):
            continue
        what = f"layer {index + 1} ({layer_type(layer)}) of branch {list_letter(at)}"
        values = [("stride", stride) for stride in range(1, _MOST_TRIED_STRIDE + 1)]
        values += [("padding", value) for value in range(max(pair(layer.kernel_size)) // 2 + 1)]
        for field, value in values:
            if getattr(layer, field) != value:
                fix = case.fix(f"branches[{at}][{index}].{field}", value)
                yield FixCandidate(fix, f"{field} {value} in {what}", 1 + index / 100 + value / 10)


def _widened(
    case: Case, at: int, steps: Sequence[InferredLayer], channels: int
) -> Iterator[FixCandidate]:
    for index, step in reversed(list(enumerate(steps))):
        if isinstance(step.layer, FC | Conv):
            field = "out_features" if isinstance(step.layer, FC) else "out_channels"
            fix = case.fix(f"branches[{at}][{index}].{field}", channels)
            yield FixCandidate(fix, f"{field} {channels} at the end of branch {list_letter(at)}", 2)
            return
