"""Changes of the layers themselves, and of several settings at once: for want of smaller ones."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from cnn_tui.engine.specs.case import Case, FixCandidate
from cnn_tui.engine.specs.layers import FC, Conv, Layer, ReLU, Residual, layer_type
from cnn_tui.engine.specs.quick.write import to_quick
from cnn_tui.engine.specs.report import Fix

_REMOVAL = 1000.0


def last_resorts(case: Case) -> Iterator[FixCandidate]:
    """What mends a fault in any case, smallest first; whether more comes to light is not asked."""
    if not case.place:
        return
    layer = case.step.layer
    match case.fault.code:
        case "kernel-too-large":
            also = case.fix("stride", 1), case.fix("padding", 0)
            fix = case.fix("kernel_size", 1, *also)
            yield FixCandidate(fix, "kernel 1x1, stride 1 and padding 0", 10)
        case "pool-padding":
            yield FixCandidate(case.fix("padding", 0), "padding 0", 1)
        case "groups":
            yield FixCandidate(case.fix("groups", 1), "groups 1", 1)
        case "same-even":
            fix = case.fix("kernel_size", 3, case.fix("stride", 1))
            yield FixCandidate(fix, "kernel 3x3 and stride 1", 2)
        case "too-large":
            yield from _fewer(case, layer)
        case "shortcut-shape" | "identity-stride":
            yield from _branch_alone(case, layer)
    yield from removal(case)


def removal(case: Case) -> Iterator[FixCandidate]:
    """The network without the layer, unless it is the only one."""
    if len(case.place) > 1 or len(case.network.layers) > 1:
        yield FixCandidate(case.fix("replace", ""), "taking it out", _REMOVAL)


def elsewhere(case: Case) -> Iterator[FixCandidate]:
    """A layer that needs height and width before the one that made them vanish, or nowhere."""
    flattened = (at for at, step in enumerate(case.steps[: case.place[0]]) if step.after.flat)
    at = next(flattened, None)
    if at is not None and len(case.place) == 1 and "bad-value" not in case.steps[at].codes:
        other = case.steps[at].layer
        both = to_quick((case.step.layer, other))
        fix = case.fix("replace", "", Fix(at + 1, "replace", both, ""))
        yield FixCandidate(fix, f"moving it before layer {at + 1} ({layer_type(other)})", 1)
    yield from removal(case)


def fill(case: Case, block: Residual) -> Iterator[FixCandidate]:
    """A residual block with something in its branch that keeps the volume as it is."""
    shape = case.step.before.shape
    is_volume = shape is not None and len(shape) == 3
    inner: Layer = Conv(out_channels=shape[0], padding="same") if shape and is_volume else ReLU()
    filled = msgspec.structs.replace(block, branch=(inner,), shortcut="identity", stride=1)
    fix = case.fix("replace", to_quick((filled,)))
    yield FixCandidate(fix, f"{to_quick((inner,))} in its branch", 1)
    yield from removal(case)


def _fewer(case: Case, layer: Layer) -> Iterator[FixCandidate]:
    """Half as many channels or features, a quarter, and so on."""
    if isinstance(layer, FC | Conv):
        field = "out_features" if isinstance(layer, FC) else "out_channels"
        count, halvings = getattr(layer, field), 0
        while count := count // 2:
            halvings += 1
            yield FixCandidate(case.fix(field, count), f"{field} {count}", halvings)


def _branch_alone(case: Case, layer: Layer) -> Iterator[FixCandidate]:
    # Only what is valid can be written down.
    if isinstance(layer, Residual) and "bad-value" not in case.step.codes:
        yield FixCandidate(case.fix("replace", to_quick(layer.branch)), "its branch alone", 20)
