"""Training batches, prepared one ahead of the trainer on a separate thread."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.data.dataset import Split
from cnn_tui.engine.data.preprocess import Augmenter, Normalizer
from cnn_tui.engine.specs.network import Recipe


def epoch_batches(
    n: int, batch_size: int, seed: int, epoch: int, *, first: int = 0, shuffle: bool = True
) -> Iterator[NDArray[np.int64]]:
    """Indices of each batch of an epoch, from position ``first`` on; the last may be shorter.

    The same seed and epoch give the same order, so a resumed run stores only its position.
    """
    generator = np.random.default_rng(np.random.SeedSequence([seed, epoch]))
    order = generator.permutation(n) if shuffle else np.arange(n)
    for start in range(first, n, batch_size):
        yield order[start : start + batch_size]


_AUGMENTATION = 1
"""Separates the random numbers of augmentation from others of the same seed and epoch."""


class Batch(NamedTuple):
    """The images and targets of one training step."""

    images: NDArray[np.float32]
    """Normalised and augmented, ``(N, C, H, W)``."""
    targets: NDArray[np.int64]


class Loader:
    """The batches of every epoch, shuffled and augmented as the recipe says.

    A batch depends on the seed, its epoch and its number alone: prefetching and resuming change
    none of its bits.
    """

    def __init__(self, train: Split, normalizer: Normalizer, training: Recipe) -> None:
        self._train, self._normalizer = train, normalizer
        self.batch_size = training.batch_size
        """Batch size of epochs that start from now on."""
        self._seed, self._shuffle = training.seed, training.shuffle
        self._augmenter = Augmenter.of(training)

    def epoch(
        self, epoch: int, start_batch: int = 0, start_image: int | None = None
    ) -> Generator[Batch, None, None]:
        """The batches of an epoch from number ``start_batch``, counted from 0, on.

        ``start_image`` is the number of images before it, if earlier batches had another size.
        While one batch is used the next is prepared; an error in preparing a batch is raised in its
        place. Close the generator unless it is exhausted.
        """
        first = start_batch * self.batch_size if start_image is None else start_image
        order = epoch_batches(
            len(self._train),
            self.batch_size,
            self._seed,
            epoch,
            first=first,
            shuffle=self._shuffle,
        )
        batches = enumerate(order, start_batch)
        with ThreadPoolExecutor(1, thread_name_prefix="loader") as thread:
            ahead: Future[Batch] | None = None
            for number, indices in batches:
                ready, ahead = ahead, thread.submit(self._prepare, epoch, number, indices)
                if ready is not None:
                    yield ready.result()
            if ahead is not None:
                yield ahead.result()

    def _prepare(self, epoch: int, number: int, indices: NDArray[np.int64]) -> Batch:
        images = self._normalizer.apply(self._train.images[indices])
        seeds = np.random.SeedSequence([self._seed, epoch, number, _AUGMENTATION])
        images = self._augmenter.apply(images, np.random.default_rng(seeds))
        return Batch(images, self._train.labels[indices])
