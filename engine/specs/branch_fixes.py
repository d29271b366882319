"""Candidate fixes of blocks whose branches do not fit each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from cnn_tui.engine.shapes import Shape, Window, output_size, remainder
from cnn_tui.engine.specs.cases import Case, FixCandidate
from cnn_tui.engine.specs.flow import InferredLayer
from cnn_tui.engine.specs.inside import list_fields, list_letter, lists_in, with_lists
from cnn_tui.engine.specs.layers import FC, Conv, MaxPool, Parallel, Residual, layer_type, pair
from cnn_tui.engine.specs.quick.write import to_quick
from cnn_tui.engine.specs.report import Fix
from cnn_tui.engine.specs.windows import Windowed, windows

_MOST_STRIDE = 64


def reconcile(case: Case, block: Residual) -> Iterator[FixCandidate]:
    """Yield another shortcut or stride, padding in the branch, or another last width."""
    if not isinstance(block.shortcut, str):
        if block.stride != 1:  # the layers of the shortcut have strides of their own
            yield FixCandidate(case.fix("stride", 1), "stride 1", 1, was=str(block.stride))
        else:
            yield from even_out(case, block)
        return
    before = case.step.before.shape
    for stride in _strides(block, before, case.step.inner[0][-1].after.shape):
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


Changes = list[tuple[str, int | str]]


def even_out(case: Case, block: Parallel | Residual) -> Iterator[FixCandidate]:
    """Yield changes that give all branches one size: padding, stride, a pool, the last width."""
    ends = [_end_shape(case, steps) for steps in case.step.inner]
    merge = block.merge if isinstance(block, Parallel) else "add"
    widths, label = _equal_widths(case, ends) if merge != "concat" else ([], "")
    if widths:
        yield FixCandidate(_together(case, widths), label, 2)
    also = f", {label}" * bool(widths)
    padding = _padded_throughout(block)
    if padding:
        words = "padding that keeps the size in all branches"
        yield FixCandidate(_together(case, [*padding, *widths]), words + also, len(padding) + 0.5)
    for wanted in dict.fromkeys(end[1:] for end in ends):
        for at, (end, steps) in enumerate(zip(ends, case.step.inner, strict=True)):
            if end[1:] != wanted:
                for changes, words in _resized(case, at, steps, wanted):
                    cost = len(changes) + len(widths)
                    yield FixCandidate(_together(case, [*changes, *widths]), words + also, cost)
                yield from _pooled(case, at, end, wanted)
    if isinstance(block, Parallel) and merge != "concat":
        yield FixCandidate(case.fix("merge", "concat"), "merge concat", 3, was=merge)


def _end_shape(case: Case, steps: Sequence[InferredLayer]) -> Shape:
    shape = steps[-1].after.shape if steps else case.step.before.shape
    return (*(shape or ()), 1, 1)[:3]


def _equal_widths(case: Case, ends: Sequence[Shape]) -> tuple[Changes, str]:
    """The width of the last layers of the branches that differ from most.

    A branch without a layer that sets its width, such as an identity, decides.
    """
    lists = case.step.inner
    settled = (
        end[0]
        for end, steps in zip(ends, lists, strict=True)
        if not any(isinstance(step.layer, FC | Conv) for step in steps)
    )
    widths = [*settled] or [end[0] for end in ends]
    common = Counter(widths).most_common(1)[0][0]
    changes: Changes = []
    for at, (end, steps) in enumerate(zip(ends, lists, strict=True)):
        for index, step in reversed(list(enumerate(steps))):
            if end[0] != common and isinstance(step.layer, FC | Conv):
                field = "out_features" if isinstance(step.layer, FC) else "out_channels"
                changes.append((f"{_list(case, at)}[{index}].{field}", common))
                break
    return changes, f"{common} channels at the end of each branch"


def _padded_throughout(block: Parallel | Residual) -> Changes:
    """Padding for every window of stride 1: its absence is the commonest mistake."""
    changes: Changes = []
    for field, branch in zip(list_fields(block), lists_in(block), strict=False):
        for index, layer in enumerate(branch):
            where = f"{field}[{index}].padding"
            if isinstance(layer, Conv) and layer.padding != "same":
                changes += [(where, "same")] * (pair(layer.kernel_size) != (1, 1))
            elif isinstance(layer, Windowed) and layer.stride is not None:
                kernel = pair(layer.kernel_size)
                is_odd = kernel[0] == kernel[1] and kernel[0] % 2
                changes += [(where, kernel[0] // 2)] * bool(is_odd and pair(layer.stride) == (1, 1))
    return changes


def _resized(
    case: Case, at: int, steps: Sequence[InferredLayer], wanted: Shape
) -> Iterator[tuple[Changes, str]]:
    """Another stride and padding of a layer in the branch that differs."""
    for index, step in reversed(list(enumerate(steps))):
        if not isinstance(step.layer, Windowed) or step.before.shape is None:
            continue
        what = f"layer {index + 1} ({layer_type(step.layer)}) of branch {list_letter(at)}"
        for change in _windows_to(step.layer, step.before.shape[1:], wanted):
            fields = {name: new for name, new in change.items() if getattr(step.layer, name) != new}
            changes = [(f"{_list(case, at)}[{index}].{name}", new) for name, new in fields.items()]
            shown = [f"{name} {new}" for name, new in fields.items() if name != "rounding"]
            if changes:
                yield changes, f"{' and '.join(shown)} in {what}"


def _windows_to(layer: Windowed, sizes: Shape, wanted: Shape) -> Iterator[dict[str, int | str]]:
    """Strides and paddings, for both axes the same, that lead from sizes to those wanted."""
    kernels = [window.kernel for window in map(Window._make, windows(layer))]
    for stride in range(1, _MOST_TRIED_STRIDE + 1):
        for padding in range(min(kernels) // 2 + 1):
            tried = [Window(kernel, stride, padding) for kernel in kernels]
            pairs = list(zip(sizes, tried, strict=True))
            if tuple(output_size(size, window) for size, window in pairs) == wanted:
                exact = not any(remainder(size, window) for size, window in pairs)
                rounding = layer.rounding if exact else "floor"
                yield {"stride": stride, "padding": padding, "rounding": rounding}


def _pooled(case: Case, at: int, end: Shape, wanted: Shape) -> Iterator[FixCandidate]:
    """A pool at the end of a branch that is a whole number of times too large."""
    block = case.step.layer
    (height, width), (rows, columns) = end[1:], wanted
    if height % rows or width % columns or height // rows != width // columns:
        return
    lists = list(lists_in(block))
    pool = MaxPool(kernel_size=height // rows)
    lists[at] = (*lists[at], pool)
    fix = case.fix("replace", to_quick((with_lists(block, lists),)))
    label = f"put {to_quick((pool,))} at the end of branch {list_letter(at)}"
    yield FixCandidate(fix, label, 2.5)


def _list(case: Case, at: int) -> str:
    return list_fields(case.step.layer)[at]
