"""The health of the filters of a layer, with a verdict in words."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec


class LayerFilters(msgspec.Struct, frozen=True, kw_only=True):
    """The health of the filters of one layer; filters are counted from 0."""

    layer: str
    filters: int
    dead: tuple[int, ...]
    """Filters whose output after the activation is one number for all images and positions, which
    after a ReLU is zero."""
    duplicates: tuple[tuple[int, ...], ...]
    """Groups of filters that do the same, up to a positive factor."""
    noisy: tuple[int, ...]
    """Filters that are like noise."""
    effective_rank: float
    distinct: int
    """Filters without the dead and without the surplus of each group of duplicates."""
    verdict: str
    largest_cosine: float
    """Largest cosine of the weights of two filters; 0 if there are no two."""
    largest_correlation: float
    """Largest correlation of the responses of two filters; 0 if there are no two."""
    roughness: tuple[float | None, ...]
    """Roughness of each filter beside that of white noise; None for kernels without space and for
    filters of zeros."""
    active: tuple[float, ...]
    """Share of the values of each filter's output that are above zero."""

    @property
    def surplus(self) -> tuple[int, ...]:
        """The filters of each group of duplicates but the first."""
        return tuple(sorted(number for group in self.duplicates for number in group[1:]))

    @property
    def flagged(self) -> tuple[int, ...]:
        """The dead filters, the surplus of duplicates, and those like noise."""
        return tuple(sorted({*self.dead, *self.surplus, *self.noisy}))


def verdict(
    filters: int,
    dead: Sequence[int],
    duplicates: Sequence[Sequence[int]],
    noisy: Sequence[int],
) -> tuple[int, str]:
    """The number of distinct filters, and words: ``24 filters, about 15 distinct: 9 dead``."""
    copies = sum(len(group) - 1 for group in duplicates)
    distinct = filters - len(dead) - copies
    faults = [
        *([f"{copies} {'copies' if copies > 1 else 'copy'}"] if copies else []),
        *([f"{len(dead)} dead"] if dead else []),
        *([f"{len(noisy)} like noise"] if noisy else []),
    ]
    count = f"{filters} filter{'s' * (filters != 1)}"
    about = "all distinct" if distinct == filters else f"about {distinct} distinct"
    return distinct, f"{count}, {about}" + (f": {', '.join(faults)}" if faults else "")
