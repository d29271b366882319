"""The order of the images in an epoch: derived from seed and epoch, never stored."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def epoch_batches(
    n: int, batch_size: int, seed: int, epoch: int, *, first: int = 0, shuffle: bool = True
) -> Iterator[NDArray[np.int64]]:
    """Indices of each batch of one epoch from its image number ``first`` on; the last may be short.

    The same seed and epoch give the same order, so that a resumed run needs only its place in it.
    """
    generator = np.random.default_rng(np.random.SeedSequence([seed, epoch]))
    order = generator.permutation(n) if shuffle else np.arange(n)
    for start in range(first, n, batch_size):
        yield order[start : start + batch_size]
