"""What could make branch and shortcut of a residual block alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnn_tui.engine.shapes import Shape, Window, output_size
from cnn_tui.engine.specs.case import Case, FixCandidate
from cnn_tui.engine.specs.layers import FC, Conv, Residual, pair
from cnn_tui.engine.specs.report import Fix

_MOST_STRIDE = 64


def reconcile(case: Case, block: Residual) -> Iterator[FixCandidate]:
    """Another shortcut, its stride, padding in the branch, or the branch's last width."""
    before = case.step.before.shape
    after = case.step.branch[-1].after.shape if case.step.branch else None
    for stride in _strides(block, before, after):
        yield from _shortcuts(case, block, stride)
    yield from _same_padding(case, block)
    if before is not None:
        yield from _width(case, block, before[0])


def _strides(block: Residual, before: Shape | None, after: Shape | None) -> Iterator[int]:
    """How much the branch shrinks its input, if it does so evenly."""
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
            yield FixCandidate(_together(case, changes), label, len(changes))


def _same_padding(case: Case, block: Residual) -> Iterator[FixCandidate]:
    """The commonest slip: convolutions that shrink the branch because they are not padded."""
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
    """The last layer of the branch that decides how many channels it gives."""
    for index, layer in reversed(list(enumerate(block.branch))):
        if isinstance(layer, FC | Conv):
            field = "out_features" if isinstance(layer, FC) else "out_channels"
            fix = case.fix(f"branch[{index}].{field}", channels)
            yield FixCandidate(fix, f"{field} {channels} at the end of its branch", 2.5)
            return
