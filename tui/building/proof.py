"""A rewrite of a layer in words: the new layers and their costs."""

from __future__ import annotations

from collections.abc import Iterator

from cnn_tui.engine.specs.inside import number
from cnn_tui.engine.specs.layers import Conv
from cnn_tui.engine.specs.quick.write import to_quick
from cnn_tui.engine.specs.rewrite import Cost, Rewrite
from cnn_tui.engine.specs.transforms import matrix_facts
from cnn_tui.tui.rows import Line
from cnn_tui.tui.words import clean, compact

_COSTS = (
    ("layers", "layers"),
    ("receptive_field", "receptive field"),
    ("params", "parameters"),
    ("macs", "multiply-adds"),
    ("non_linearities", "non-linearities"),
    ("activations", "activations kept"),
)
_WIDTH = 14


def rewrite_lines(rewritten: Rewrite) -> Iterator[Line]:
    """Yield the layers, the comparison of costs, and the sparsity of a matrix."""
    for part in rewritten.parts:
        yield ((f"{number(part.place):>5} ", "dim"), (clean(to_quick([part.old])), ""))
        yield (("   -> ", "accent"), (clean(to_quick(part.new)), "strong"))
        if rewritten.kind == "conv-to-fc" and isinstance(part.old, Conv):
            yield from _matrix(part.old, part.shape)
    yield (("", ""),)
    yield from _comparison(*rewritten.costs)


def _comparison(before: Cost, after: Cost) -> Iterator[Line]:
    yield ((f"{'':18}{'before':>{_WIDTH}}{'after':>{_WIDTH}}", "dim"),)
    for field, label in _COSTS:
        old, new = getattr(before, field), getattr(after, field)
        role = "" if old == new else "good" if new < old else "warn"
        yield (
            (f"{label:18}", "dim"),
            (f"{compact(old, _WIDTH - 1):>{_WIDTH}}", ""),
            (f"{compact(new, _WIDTH - 1):>{_WIDTH}}", role),
        )


def _matrix(conv: Conv, shape: tuple[int, ...]) -> Iterator[Line]:
    facts = matrix_facts(conv, shape)
    yield ((f"a matrix of {facts.rows:,} x {facts.columns:,} = {facts.entries:,} entries:", ""),)
    share = facts.zeros / facts.entries
    yield (
        (f"{facts.zeros:,} are zero ({share:.1%}), ", ""),
        (f"{facts.connected:,} hold a weight, {facts.free:,} are free", ""),
    )
