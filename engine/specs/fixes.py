"""Candidate fixes of a fault: small changes of one setting, nearest first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import msgspec

from cnn_tui.engine.shapes import Window, format_shape, remainder
from cnn_tui.engine.specs.batches import LONE_CODE
from cnn_tui.engine.specs.branch_fixes import even_out, reconcile
from cnn_tui.engine.specs.cases import Case, FixCandidate
from cnn_tui.engine.specs.flow import FeatureMap
from cnn_tui.engine.specs.infer import infer
from cnn_tui.engine.specs.layers import Conv, Parallel, Repeat, Residual, pair
from cnn_tui.engine.specs.report import Fix
from cnn_tui.engine.specs.structural_fixes import elsewhere, fill, removal
from cnn_tui.engine.specs.windows import AnyConv, Windowed, windows
from cnn_tui.engine.specs.wording import listed

_MOST_INFERENCES = 600
"""Limit of the search for an input size, which infers the layers up to the fault each time."""
_FARTHEST_INPUT = 64
_LEAST_BATCH = 16
"""Images from which the statistics of a batch are worth something."""
_LAST_RESORT = 100.0


def suggest_fixes(case: Case) -> Iterator[FixCandidate]:
    """Yield the changes to try; none if the user has to decide."""
    if not case.place:
        return
    layer = case.step.layer
    if case.fault.code == LONE_CODE:
        fix = Fix(0, "training.batch_size", _LEAST_BATCH, "")
        yield FixCandidate(fix, f"batch_size {_LEAST_BATCH}", 0, was="1")
        yield from removal(case)
    elif case.fault.code == "needs-volume":
        yield from elsewhere(case)
    elif case.fault.code == "empty-branch" and isinstance(layer, Residual | Repeat):
        yield from fill(case, layer)
    elif case.fault.wanted is not None:
        fix = case.fix(case.fault.field, case.fault.wanted)
        was = getattr(layer, case.fault.field)
        yield FixCandidate(fix, f"{case.fault.field} {case.fault.wanted}", 0, was=str(was))
    elif isinstance(layer, Residual) and case.fault.code in {"identity-stride", "shortcut-shape"}:
        yield from reconcile(case, layer)
    elif isinstance(layer, Parallel) and case.fault.code == "branch-shapes":
        yield from even_out(case, layer)
    elif isinstance(layer, Conv) and case.fault.code == "groups":
        yield from _groups(case, layer)
    elif case.fault.code == "groups":
        yield from _divisors(case)
    elif isinstance(layer, Windowed) and case.fault.code in _SLIDING:
        yield from _SLIDING[case.fault.code](case, layer)


def _fraction(case: Case, layer: Windowed) -> Iterator[FixCandidate]:
    for field in ("stride", "kernel_size", "padding"):
        yield from nearest_values(case, layer, field)
    yield from _overlapping(case, layer)
    yield from _inputs(case)
    if not isinstance(layer, AnyConv):
        yield from removal(case, 3)
    yield _round_down(case, layer)


def _overlapping(case: Case, layer: Windowed) -> Iterator[FixCandidate]:
    """Another kernel with the present stride, for a pool whose stride is its kernel."""
    if layer.stride is not None:
        return
    stride = layer.kernel_size
    shown = stride if isinstance(stride, int) else format_shape(stride)
    strided = msgspec.structs.replace(layer, stride=stride)
    for candidate in nearest_values(case, strided, "kernel_size"):
        fix = case.fix("stride", stride if isinstance(stride, int) else list(stride))
        yield candidate._replace(
            fix=msgspec.structs.replace(candidate.fix, also=(fix,)),
            label=f"{candidate.label} with stride {shown}",
            cost=candidate.cost + 0.5,
        )


def _too_large(case: Case, layer: Windowed) -> Iterator[FixCandidate]:
    axes = list(zip((case.step.before.shape or ())[1:], windows(layer), strict=True))
    kernel = [min(window.kernel, _largest_kernel(size, window)) for size, window in axes]
    padding = [max(axis.padding, (axis.span - size + 1) // 2) for size, axis in axes]
    yield from first_fitting(case, layer, "kernel_size", kernel, -1)
    if isinstance(layer, AnyConv):
        yield from _usual(case, layer)
        yield from first_fitting(case, layer, "padding", padding, 1)
    else:  # a pool over padding alone would change nothing
        yield from removal(case, 3)
    yield from _inputs(case)


def _usual(case: Case, layer: AnyConv) -> Iterator[FixCandidate]:
    """No dilation, or a kernel as most networks have it."""
    plain = msgspec.structs.replace(layer, dilation=1)
    if not infer(plain, case.step.before).faults:
        was = format_shape(tuple(dict.fromkeys(pair(layer.dilation))))
        yield FixCandidate(case.fix("dilation", 1), "dilation 1", 0, was=was)
    for cost, kernel in enumerate(_USUAL_KERNELS, 2):
        changed = msgspec.structs.replace(layer, kernel_size=kernel)
        if changed != layer and not infer(changed, case.step.before).faults:
            yield _candidate(case, layer, "kernel_size", kernel)._replace(cost=cost)


def _largest_kernel(size: int, window: Window) -> int:
    return (size + 2 * window.padding - 1) // window.dilation + 1


def _same_even(case: Case, layer: Windowed) -> Iterator[FixCandidate]:
    yield from nearest_values(case, layer, "kernel_size")
    if isinstance(layer, AnyConv):
        yield from _explicit_padding(case, layer)


def _explicit_padding(case: Case, layer: AnyConv) -> Iterator[FixCandidate]:
    """Equal padding, one pixel short of keeping the size; with stride 2 the size is halved."""
    axes = zip(pair(layer.kernel_size), pair(layer.dilation), strict=True)
    high, wide = ((Window(kernel, dilation=dilation).span - 1) // 2 for kernel, dilation in axes)
    padding = high if high == wide else (high, wide)
    if not infer(msgspec.structs.replace(layer, padding=padding), case.step.before).faults:
        fix = case.fix("padding", high if high == wide else [high, wide])
        yield FixCandidate(
            fix,
            f"padding {format_shape(pair(padding)) if high != wide else high}",
            1.2,
            was="same",
        )


def _pool_padding(case: Case, layer: Windowed) -> Iterator[FixCandidate]:
    yield _candidate(case, layer, "padding", 0)._replace(cost=1)
    yield from first_fitting(case, layer, "padding", present(layer, "padding"), -1)
    yield from first_fitting(case, layer, "kernel_size", present(layer, "kernel_size"), 1)


_SLIDING: dict[str, Callable[[Case, Windowed], Iterator[FixCandidate]]] = {
    "fraction": _fraction,
    "kernel-too-large": _too_large,
    "same-even": _same_even,
    "pool-padding": _pool_padding,
}


def _round_down(case: Case, layer: Windowed) -> FixCandidate:
    axes = zip((case.step.before.shape or ())[1:], windows(layer), strict=True)
    rows, columns = (max(0, remainder(*axis) - axis[1].padding) for axis in axes)
    unread = [f"{rows} {'row' if rows == 1 else 'rows'}"] if rows else []
    unread += [f"{columns} {'column' if columns == 1 else 'columns'}"] if columns else []
    note = f"leaves {listed(unread, 'and')} unread" if unread else ""
    return FixCandidate(case.fix("rounding", "floor"), "round down", _LAST_RESORT, note)


def _inputs(case: Case) -> Iterator[FixCandidate]:
    if case.facts is not None and case.facts.shape == case.network.input:
        return  # the data has no other images
    channels, *size = case.network.input
    for direction in (1, -1):
        fitting = _first_input(case, size, direction)
        if fitting is not None:
            cost = max(abs(new - old) for new, old in zip(fitting, size, strict=True)) + 0.3
            shape = [channels, *fitting]
            label, was = f"input {format_shape(tuple(shape))}", format_shape(case.network.input)
            yield FixCandidate(Fix(0, "input", shape, ""), label, cost, was=was)


def _first_input(case: Case, size: Sequence[int], direction: int) -> list[int] | None:
    budget = _MOST_INFERENCES
    for distance in range(1, _FARTHEST_INPUT + 1):
        for shift in SHIFTS if size[0] != size[1] else SHIFTS[:1]:
            moved = [old + direction * distance * by for old, by in zip(size, shift, strict=True)]
            if min(moved) < 1:
                continue
            fits, inferred = _reaches(case, (case.network.input[0], *moved))
            budget -= inferred
            if fits:
                return moved
        if budget < 0:
            return None
    return None


def _reaches(case: Case, shape: tuple[int, ...]) -> tuple[bool, int]:
    """Whether all layers up to the faulty one fit, and how many were inferred for that."""
    flow, inferred = FeatureMap(shape), 0
    for layer in case.network.layers[: case.place[0] + 1]:
        step = infer(layer, flow)
        inferred += step.size
        if step.broken:
            return False, inferred
        flow = step.after
    return True, inferred


def _groups(case: Case, layer: Conv) -> Iterator[FixCandidate]:
    channels = case.step.before.shape[0] if case.step.before.shape else layer.out_channels
    common = math.gcd(channels, layer.out_channels)
    fitting = [count for count in range(1, min(common, 1024) + 1) if common % count == 0]
    for groups in sorted(fitting, key=lambda count: abs(count - layer.groups))[:2]:
        fix = case.fix("groups", groups)
        change = abs(groups - layer.groups)
        yield FixCandidate(fix, f"groups {groups}", change, was=str(layer.groups))
    if channels % layer.groups == 0:
        below = layer.out_channels // layer.groups * layer.groups
        for count in (below, below + layer.groups):
            fix = case.fix("out_channels", count)
            cost = abs(count - layer.out_channels) + 0.1
            yield FixCandidate(fix, f"out_channels {count}", cost, was=str(layer.out_channels))


def _divisors(case: Case) -> Iterator[FixCandidate]:
    """The nearest numbers of groups that divide the channels, of a layer that keeps these."""
    channels = case.step.before.shape[0] if case.step.before.shape else 1
    field = case.fault.field
    present: int = getattr(case.step.layer, field)
    fitting = [count for count in range(1, min(channels, 1024) + 1) if channels % count == 0]
    for groups in sorted(fitting, key=lambda count: abs(count - present))[:2]:
        change = abs(groups - present)
        yield FixCandidate(case.fix(field, groups), f"{field} {groups}", change, was=str(present))


SHIFTS = ((1, 1), (1, 0), (0, 1))
"""Both axes together keep a square; one alone is for volumes that are not square."""
_FARTHEST = 32
_HANDICAPS = {"stride": 0.0, "kernel_size": 0.1, "padding": 1.2}
"""Cost added per setting, to rank changes of equal size."""
_POOL_STRIDE = 2.0
"""Cost added for another stride of a pool: it would hardly shrink the volume."""
_USUAL_KERNELS = (5, 3)


def nearest_values(case: Case, layer: Windowed, field: str) -> Iterator[FixCandidate]:
    """Yield the nearest fitting values below and above the present one."""
    for direction in (-1, 1):
        yield from first_fitting(case, layer, field, present(layer, field), direction)


def first_fitting(
    case: Case, layer: Windowed, field: str, start: Sequence[int], direction: int
) -> Iterator[FixCandidate]:
    """Yield the first fitting value from ``start`` on, upwards (1) or downwards (-1)."""
    for height, width in _values(layer, field, start, direction):
        value = height if height == width else (height, width)
        changed = msgspec.structs.replace(layer, **{field: value})
        if changed == layer or _does_nothing(changed):
            continue
        if not infer(changed, case.step.before).faults:
            yield _candidate(case, layer, field, value)
            return


def _does_nothing(layer: Windowed) -> bool:
    """Whether a pool sees one pixel at a time."""
    return not isinstance(layer, AnyConv) and pair(layer.kernel_size) == (1, 1)


def present(layer: Windowed, field: str) -> tuple[int, int]:
    """Return height and width of ``kernel_size``, ``stride`` or ``padding``, defaults resolved."""
    if field == "kernel_size":
        return pair(layer.kernel_size)
    if field == "stride":
        return pair(layer.kernel_size if layer.stride is None else layer.stride)
    down, across = windows(layer)
    return down.padding, across.padding


def _values(
    layer: Windowed, field: str, start: Sequence[int], direction: int
) -> Iterator[tuple[int, int]]:
    largest = max(*present(layer, "kernel_size"), *present(layer, "stride"))
    least = 0 if field == "padding" else 1
    # A larger stride would skip pixels.
    most = largest if field == "stride" else math.inf
    # Tiling is periodic in the stride: a longer search seldom finds anything new.
    for distance in range(min(largest, _FARTHEST) + 1):
        for shift in SHIFTS:
            height, width = (
                size + direction * distance * axis for size, axis in zip(start, shift, strict=True)
            )
            if least <= min(height, width) and max(height, width) <= most:
                yield height, width


def _candidate(
    case: Case, layer: Windowed, field: str, value: int | tuple[int, int]
) -> FixCandidate:
    sizes = pair(value)
    shown = format_shape(sizes) if field == "kernel_size" or not isinstance(value, int) else value
    label = f"{field.removesuffix('_size')} {shown}"
    old = present(layer, field)
    cost = max(abs(sizes[0] - old[0]), abs(sizes[1] - old[1])) + _HANDICAPS[field]
    if field == "stride" and not isinstance(layer, AnyConv):
        cost += _POOL_STRIDE
    was = format_shape(old) if field == "kernel_size" or old[0] != old[1] else str(old[0])
    fix = case.fix(field, value if isinstance(value, int) else list(value))
    return FixCandidate(fix, label, cost, was=was)
