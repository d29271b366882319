"""Which points of a space fit, tried without training: for a look before a sweep begins."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import msgspec

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.specs.check import check_with_data
from cnn_tui.engine.specs.unused import unused_settings
from cnn_tui.engine.sweeps.lines import Value
from cnn_tui.engine.sweeps.plan import SweepPlan
from cnn_tui.engine.sweeps.space import grid_points, grid_size

MOST_TRIED = 200
"""Points that are tried by default; each takes about a millisecond."""


class SpaceLook(msgspec.Struct, frozen=True, kw_only=True):
    """What trying points of a space has shown; ``sweep --dry-run --json``."""

    trials: int
    """How many trials the sweep is to have."""
    points: int | None
    """Points of the grid; None where the sampler draws them."""
    tried: int
    fits: int
    refused: Mapping[str, int]
    """How many of the tried points do not fit, by reason."""
    parameters: tuple[int, int] | None
    """Fewest and most of those that fit; None if none does."""
    macs: tuple[int, int] | None
    unused: Sequence[str] = ()
    """A sentence on each setting that has no effect at any of the points that fit."""


def look_at(plan: SweepPlan, most: int = MOST_TRIED) -> SpaceLook:
    """Try points of the space: those of a grid in order, else random ones."""
    is_grid = plan.search.sampler == "grid"
    refused, sizes = Counter[str](), list[tuple[int, int]]()
    unused: dict[str, str] | None = None
    points = grid_points(plan.space) if is_grid else _drawn(plan)
    for point in islice(points, most):
        try:
            network = plan.network(point)
            report = check_with_data(network)
            if report.issues:
                raise SpecError(report.issues[0].message)
            sizes.append((report.total_params, report.total_macs))
            here = unused_settings(network.training)
            unused = here if unused is None else {n: unused[n] for n in unused if n in here}
        except SpecError as error:
            refused[error.message] += 1
    parameters, macs = zip(*sizes, strict=True) if sizes else ((), ())
    return SpaceLook(
        trials=plan.trials,
        points=grid_size(plan.space) if is_grid else None,
        tried=len(sizes) + refused.total(),
        fits=len(sizes),
        refused=dict(refused.most_common()),
        parameters=(min(parameters), max(parameters)) if sizes else None,
        macs=(min(macs), max(macs)) if sizes else None,
        unused=tuple((unused or {}).values()),
    )


def _drawn(plan: SweepPlan) -> Iterator[dict[str, Value]]:
    generator = random.Random(plan.search.seed)
    while True:
        point: dict[str, Value] = {}
        for field in plan.space:
            if field.applies(point):
                point[field.name] = field.drawn(generator.random())
        yield point
