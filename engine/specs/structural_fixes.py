"""Candidate fixes that replace layers or change several settings at once."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from cnn_tui.engine.specs.cases import Case, FixCandidate
from cnn_tui.engine.specs.inside import list_letter, walk_layers
from cnn_tui.engine.specs.layers import (
    FC,
    Conv,
    Layer,
    Parallel,
    ReLU,
    Repeat,
    Residual,
    layer_type,
)
from cnn_tui.engine.specs.quick.write import to_quick
from cnn_tui.engine.specs.report import Fix
from cnn_tui.engine.specs.values import value_problems

_REMOVAL = 1000.0


def structural_fixes(case: Case) -> Iterator[FixCandidate]:
    """Yield changes that always remove the fault, smallest first; others may remain."""
    if not case.place:
        return
    layer = case.step.layer
    match case.fault.code:
        case "kernel-too-large" if isinstance(layer, Conv):
            also = case.fix("stride", 1), case.fix("padding", 0)
            fix = case.fix("kernel_size", 1, *also)
            yield FixCandidate(fix, "kernel 1x1, stride 1 and padding 0", 10)
        case "same-even":
            fix = case.fix("kernel_size", 3, case.fix("stride", 1))
            yield FixCandidate(fix, "kernel 3x3 and stride 1", 2)
        case "too-large":
            yield from _fewer(case, layer)
        case "too-many":
            yield FixCandidate(case.fix("times", 1), "times 1", 1)
    if _can_be_written(layer):
        yield from _rewritten(case, layer)
    yield from removal(case)


def _can_be_written(layer: Layer) -> bool:
    """Whether quick entry can say it: each layer inside, inferred or not, has valid values."""
    return not any(problem for _, one in walk_layers((layer,)) for problem in value_problems(one))


def _rewritten(case: Case, block: Layer) -> Iterator[FixCandidate]:
    """A part of a block in its place, or the block without its split."""
    match case.fault.code:
        case "shortcut-shape" | "identity-stride" if isinstance(block, Residual):
            yield FixCandidate(case.fix("replace", to_quick(block.branch)), "its branch alone", 20)
        case "branch-shapes" if isinstance(block, Parallel):
            for at, branch in enumerate(block.branches):
                if branch:
                    fix = case.fix("replace", to_quick(branch))
                    yield FixCandidate(fix, f"branch {list_letter(at)} alone", 20 + at)
        case "split":
            whole = msgspec.structs.replace(block, split=False)
            fix = case.fix("replace", to_quick((whole,)))
            yield FixCandidate(fix, "no split: each branch gets all channels", 1)


def removal(case: Case, cost: float = _REMOVAL) -> Iterator[FixCandidate]:
    """Yield the removal of the layer, unless it is the only one."""
    if len(case.place) > 1 or len(case.network.layers) > 1:
        name = short_name(case.step.layer)
        yield FixCandidate(case.fix("replace", ""), f"take the {name} out", cost)


def short_name(layer: Layer) -> str:
    """The layer in the midst of a sentence: ``pool``, ``block``."""
    return {"maxpool": "pool", "avgpool": "pool", "residual": "block", "parallel": "block"}.get(
        layer_type(layer), layer_type(layer)
    )


def elsewhere(case: Case) -> Iterator[FixCandidate]:
    """Yield moving the layer before the one that flattens its input, then its removal."""
    flat = (index for index, step in enumerate(case.steps[: case.place[0]]) if step.after.flat)
    at = next(flat, None)
    if at is not None and len(case.place) == 1 and _can_be_written(case.steps[at].layer):
        other = case.steps[at].layer
        both = to_quick((case.step.layer, other))
        fix = case.fix("replace", "", Fix(at + 1, "replace", both, ""))
        yield FixCandidate(fix, f"move it before layer {at + 1} ({layer_type(other)})", 1)
    yield from removal(case)


def fill(case: Case, block: Residual | Repeat) -> Iterator[FixCandidate]:
    """Yield a layer for an empty block that keeps the shape, then the removal of the block."""
    shape = case.step.before.shape
    is_volume = shape is not None and len(shape) == 3
    inner: Layer = Conv(out_channels=shape[0], padding="same") if shape and is_volume else ReLU()
    if isinstance(block, Residual):
        where = "branch"
        wanted: dict[str, object] = {"branch": (inner,), "shortcut": "identity", "stride": 1}
    else:
        where, wanted = "list", {"layers": (inner,)}
    fix = case.fix("replace", to_quick((msgspec.structs.replace(block, **wanted),)))
    yield FixCandidate(fix, f"put {to_quick((inner,))} into its {where}", 1)
    yield from removal(case)


def _fewer(case: Case, layer: Layer) -> Iterator[FixCandidate]:
    """Half the channels or features, a quarter, and so on."""
    if isinstance(layer, FC | Conv):
        field = "out_features" if isinstance(layer, FC) else "out_channels"
        count, halvings = getattr(layer, field), 0
        while count := count // 2:
            halvings += 1
            was = str(getattr(layer, field))
            yield FixCandidate(case.fix(field, count), f"{field} {count}", halvings, was=was)
