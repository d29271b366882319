"""The order of the images in an epoch: derived from seed and epoch, never stored."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def epoch_batches(n: int, batch_size: int, seed: int, epoch: int) -> Iterator[NDArray[np.int64]]:
    """Indices of each batch of one epoch; the last batch may be short.

    The same seed and epoch give the same batches, so that a resumed run needs only their numbers.
    """
    order = np.random.default_rng(np.random.SeedSequence([seed, epoch])).permutation(n)
    for start in range(0, n, batch_size):
        yield order[start : start + batch_size]
