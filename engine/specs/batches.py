"""How an epoch is cut into batches, and batch norms that a batch of one image leaves nothing to do.

A batch norm after an fc layer, or on a volume of 1x1, has one value per channel and image. In a
batch of one image that value is its own mean: it becomes 0, and nothing is learned.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from cnn_tui.engine.specs.flow import Diagnostic, InferredLayer
from cnn_tui.engine.specs.inside import Place, lists_in
from cnn_tui.engine.specs.layers import BatchNorm, Repeat
from cnn_tui.engine.specs.network import LastBatch, Recipe

LONE_CODE = "one-value"
"""The code of a batch norm that sees a single value per channel."""


def cut(images: int, batch_size: int, last: LastBatch = "keep", first: int = 0) -> Iterator[slice]:
    """Yield the positions of each batch of an epoch of ``images``, from position ``first`` on.

    What ``batch_size`` leaves at the end is a batch of its own (``keep``), joins the batch before
    it if it is at most half as large (``merge``), or is left out (``drop``), unless it is all.
    """
    while first < images:
        left = images - first
        size = min(batch_size, left)
        rest = left - size
        if last == "merge" and 2 * rest <= batch_size:
            size = left
        yield slice(first, first + size)
        first += size
        if last == "drop" and images - first < batch_size:
            return


def count_batches(images: int, recipe: Recipe) -> int:
    """Number of batches of an epoch of ``images``."""
    whole, rest = divmod(images, recipe.batch_size)
    spare = recipe.last_batch == "drop" or (
        recipe.last_batch == "merge" and 2 * rest <= recipe.batch_size
    )
    return max(1, whole) if spare else whole + bool(rest)


def lone_faults(
    steps: Iterable[InferredLayer], batch_size: int
) -> Iterator[tuple[Place, Diagnostic]]:
    """Yield the fault of each batch norm with one value per channel in a batch of one image."""
    if batch_size == 1:
        text = (
            "in a batch of one image each channel has a single value here, which becomes 0, "
            "whatever the image"
        )
        remedy = "Set batch_size to 2 or more in the recipe."
        fault = Diagnostic(LONE_CODE, text, remedy=remedy)
        yield from ((place, fault) for place in lone_norms(steps))


def lone_norms(steps: Iterable[InferredLayer]) -> Iterator[Place]:
    """Yield the batch norms that see one value per channel and image; a shortcut's by its block."""
    yield from dict.fromkeys(_lone_norms(steps, ()))


def _lone_norms(steps: Iterable[InferredLayer], above: Place) -> Iterator[Place]:
    for position, step in enumerate(steps):
        place = (*above, position)
        if _is_lone(step):
            yield place
        written = len(lists_in(step.layer))
        for number, inner in enumerate(step.inner):
            if isinstance(step.layer, Repeat):
                yield from _lone_norms(inner, (*place, 0))
            elif number < written:
                yield from _lone_norms(inner, (*place, number))
            elif any(map(_is_lone, inner)):
                yield place


def _is_lone(step: InferredLayer) -> bool:
    shape = step.before.shape
    return isinstance(step.layer, BatchNorm) and shape is not None and math.prod(shape[1:]) == 1


def lone_image(images: int, recipe: Recipe, first: int = 0) -> bool:
    """Whether a batch of an epoch has a single image, from position ``first`` on or in later ones.

    Args:
        images: the images of an epoch.
        recipe: for ``batch_size`` and ``last_batch``.
        first: the images of the present epoch that are done.
    """
    return any(
        part.stop - part.start == 1
        for start in {0, first}
        for part in cut(images, recipe.batch_size, recipe.last_batch, start)
    )
