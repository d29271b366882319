"""Groups in which every pair belongs together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.insight.weights import Floats


def groups_of(together: NDArray[np.bool_], closeness: Floats) -> tuple[tuple[int, ...], ...]:
    """Disjoint groups of at least two in which every pair is ``together``, the closest first.

    Args:
        together: symmetric, ``(F, F)``.
        closeness: how close each pair is; the larger the closer.
    """
    group_of = {number: [number] for number in range(len(together))}
    first, second = np.nonzero(np.triu(together, 1))
    order = np.argsort(-closeness[first, second], kind="stable")
    for a, b in zip(first[order].tolist(), second[order].tolist(), strict=True):
        one, other = group_of[a], group_of[b]
        if one is not other and together[np.ix_(one, other)].all():
            one.extend(other)
            group_of.update(dict.fromkeys(other, one))
    found = {min(group): tuple(sorted(group)) for group in group_of.values() if len(group) > 1}
    return tuple(found[key] for key in sorted(found))
