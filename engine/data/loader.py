"""Training batches, prepared one ahead of the trainer on a separate thread if that takes long."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.data.augment import Augmenter
from cnn_tui.engine.data.dataset import Split
from cnn_tui.engine.data.preprocess import Normalizer
from cnn_tui.engine.specs.batches import cut
from cnn_tui.engine.specs.network import LastBatch, Recipe


def epoch_batches(
    n: int,
    batch_size: int,
    seed: int,
    epoch: int,
    *,
    first: int = 0,
    shuffle: bool = True,
    last: LastBatch = "keep",
    balanced: NDArray[np.int64] | None = None,
) -> Iterator[NDArray[np.int64]]:
    """Indices of each batch of an epoch, from position ``first`` on.

    The same seed and epoch give the same order, so a resumed run stores only its position.

    Args:
        n: Number of images.
        batch_size: Images of a batch.
        seed: Seed of the order.
        epoch: Number of the epoch, which changes the order.
        first: Position in the order at which to begin.
        shuffle: False for the order of storage.
        last: See :func:`~cnn_tui.engine.specs.batches.cut`.
        balanced: Labels ``(n,)``, to draw images of each class equally often.
    """
    generator = np.random.default_rng(np.random.SeedSequence([seed, epoch]))
    if balanced is not None:
        order = _balanced(balanced, generator)
        order = order if shuffle else np.sort(order)
    else:
        order = generator.permutation(n) if shuffle else np.arange(n)
    for part in cut(n, batch_size, last, first):
        yield order[part]


def _balanced(labels: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw as many indices as labels: classes equally often, and the images of each evenly."""
    present = np.unique(labels)
    each, rest = divmod(len(labels), len(present))
    longer = set(rng.permutation(present)[:rest].tolist())
    drawn = []
    for label in present.tolist():
        own, wanted = np.flatnonzero(labels == label), each + (label in longer)
        rounds = [rng.permutation(own) for _ in range(-(-wanted // len(own)))]
        drawn.append(np.concatenate(rounds)[:wanted] if rounds else own[:0])
    return rng.permutation(np.concatenate(drawn))


def class_weights(labels: NDArray[np.int64], classes: int) -> NDArray[np.float32]:
    """Weight of each class ``(classes,)``: ``N / (classes with images * images of the class)``.

    All images together weigh as much as without, each class as much as another.
    """
    counts = np.bincount(labels, minlength=classes)
    present = np.count_nonzero(counts)
    return (len(labels) / (present * np.maximum(counts, 1))).astype(np.float32)


_FEW = 250_000
"""Pixels of a batch that are normalised in about the time of handing them to another thread."""
_AUGMENTATION = 1
"""Separates the random numbers of augmentation from others of the same seed and epoch."""


class Batch(NamedTuple):
    """The images and targets of one training step."""

    images: NDArray[np.float32]
    """Normalised and augmented, ``(N, C, H, W)``."""
    targets: NDArray[np.int64]
    weights: NDArray[np.float32] | None = None
    """Factor of each image's loss, ``(N,)``; None if each counts 1."""
    others: NDArray[np.int64] | None = None
    """The second classes of blended images, ``(N,)``."""
    other_weights: NDArray[np.float32] | None = None
    """Factor of the loss of each second class, ``(N,)``."""


class Loader:
    """The batches of every epoch: order, augmentation and weights as the recipe says.

    A batch depends on the seed, its epoch and its number alone: prefetching and resuming change
    none of its bits.
    """

    def __init__(self, train: Split, normalizer: Normalizer, training: Recipe) -> None:
        self._train, self._normalizer, self._recipe = train, normalizer, training
        self.batch_size = training.batch_size
        """Batch size of epochs that start from now on."""
        self._augmenter = Augmenter(training, normalizer)
        self._weights: NDArray[np.float32] | None = None
        if training.balance == "weights":
            self._weights = class_weights(train.labels, int(train.labels.max()) + 1)

    def more_after(self, images: int) -> bool:
        """Whether an epoch has batches after its first ``images`` images."""
        recipe = self._recipe
        left = len(self._train) - images
        return left > 0 and (recipe.last_batch != "drop" or images == 0 or left >= self.batch_size)

    def epoch(
        self, epoch: int, start_batch: int = 0, start_image: int | None = None
    ) -> Generator[Batch, None, None]:
        """The batches of an epoch from number ``start_batch``, counted from 0, on.

        ``start_image`` is the number of images before it, if earlier batches had another size.
        While one batch is used the next is prepared, unless that takes no time; an error in
        preparing a batch is raised in its place. Close the generator unless it is exhausted.
        """
        recipe = self._recipe
        order = epoch_batches(
            len(self._train),
            self.batch_size,
            recipe.seed,
            epoch,
            first=start_batch * self.batch_size if start_image is None else start_image,
            shuffle=recipe.shuffle,
            last=recipe.last_batch,
            balanced=self._train.labels if recipe.balance == "sampling" else None,
        )
        if self._quick:
            for number, indices in enumerate(order, start_batch):
                yield self._prepare(epoch, number, indices)
            return
        with ThreadPoolExecutor(1, thread_name_prefix="loader") as thread:
            ahead: Future[Batch] | None = None
            for number, indices in enumerate(order, start_batch):
                ready, ahead = ahead, thread.submit(self._prepare, epoch, number, indices)
                if ready is not None:
                    yield ready.result()
            if ahead is not None:
                yield ahead.result()

    @property
    def _quick(self) -> bool:
        """Whether another thread would only take Python's lock from the trainer."""
        images = self._train.images
        pixels = self.batch_size * math.prod(images.shape[1:])
        return pixels <= _FEW and isinstance(images, np.ndarray) and not self._augmenter.changes

    def _prepare(self, epoch: int, number: int, indices: NDArray[np.int64]) -> Batch:
        images = self._normalizer.apply(self._train.images[indices])
        targets = self._train.labels[indices]
        weights = None if self._weights is None else self._weights[targets]
        mixup = self._recipe.mixup
        if not self._augmenter.changes and not mixup:
            return Batch(images, targets, weights)
        seeds = np.random.SeedSequence([self._recipe.seed, epoch, number, _AUGMENTATION])
        rng = np.random.default_rng(seeds)
        images = self._augmenter.apply(images, rng)
        if mixup:
            return blended(images, targets, weights, mixup, rng)
        return Batch(images, targets, weights)


def blended(
    images: NDArray[np.float32],
    targets: NDArray[np.int64],
    weights: NDArray[np.float32] | None,
    alpha: float,
    rng: np.random.Generator,
) -> Batch:
    """A batch of images that are each blended with another of the same batch (Zhang et al. 2018).

    The target is the class of the larger share, which is drawn from ``Beta(alpha, alpha)``.
    """
    share = rng.beta(alpha, alpha, len(images)).astype(np.float32)
    share = np.maximum(share, 1 - share)
    partners = rng.permutation(len(images))
    column = share.reshape(-1, 1, 1, 1)
    mixed = column * images + (1 - column) * images[partners]
    first, second = share, 1 - share
    if weights is not None:
        first, second = first * weights, second * weights[partners]
    return Batch(mixed, targets, first, targets[partners], second)
