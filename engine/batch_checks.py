"""The errors that every engine raises for a batch: its shape, its targets, values not finite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cnn_tui.engine.errors import (
    DataError,
    InsightError,
    MemoryLimitError,
    NonFiniteError,
    ShapeError,
)
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.shapes import format_shape

_FITTING = {0: "Not even one image fits.", 1: "Only one image fits."}


def check_images(images: Array, dtype: np.dtype[Any], shape: tuple[int, int, int]) -> None:
    """Refuse images that are not ``(N, *shape)`` of this type.

    Raises:
        ShapeError: with what was expected and what was received.
    """
    if images.dtype != dtype:
        raise ShapeError(
            f"expected images of type {dtype}, received {images.dtype}.",
            "Normalise the images to floats first.",
        )
    if images.ndim != 4 or images.shape[1:] != shape or not len(images):
        expected, received = map(format_shape, (shape, images.shape))
        raise ShapeError(f"expected images of N x {expected}, received {received}.")


def check_targets(targets: np.ndarray, batch: int, classes: int) -> None:
    """Refuse targets that are not ``batch`` classes of the network.

    Raises:
        ShapeError: if they have another number or type.
        DataError: if one is no class.
    """
    if targets.shape != (batch,) or targets.dtype.kind not in "iu":
        raise ShapeError(
            f"expected {batch} whole numbers as targets, received {targets.dtype} of shape "
            f"{targets.shape}."
        )
    low, high = int(targets.min()), int(targets.max())
    if low < 0 or high >= classes:
        raise DataError(
            f"expected labels from 0 to {classes - 1}, the network's classes, received "
            f"{low if low < 0 else high}.",
            "The last layer must give one score for each class.",
        )


def loss_not_finite(loss: float, layer: str | None) -> NonFiniteError:
    """The error for a loss that is not finite; ``layer`` is the first with such values."""
    layer = layer or "the loss"
    return NonFiniteError(
        f"the loss is {loss}; the first layer with values that are not finite is {layer}.",
        "Lower the learning rate; also check the data for such values.",
        layer,
    )


def gradient_not_finite(parameter: str) -> NonFiniteError:
    """The error for a gradient that is not finite."""
    return NonFiniteError(
        f"the gradient of {parameter} is not finite.",
        "Lower the learning rate, or set clip_norm.",
        parameter.rpartition(".")[0],
    )


def too_many_to_open(images: int, needed: int, limit: int, fitting: int) -> MemoryLimitError:
    """The error for an opened network that would hold more than ``limit`` bytes."""
    return MemoryLimitError(
        f"Looking inside with {images:,} image{'s' * (images > 1)} needs about "
        f"{needed / 1e6:,.0f} MB, the limit is {limit / 1e6:,.0f} MB.",
        _FITTING.get(fitting, f"At most {fitting:,} images fit."),
        fitting,
    )


def check_chosen(chosen: Sequence[int], images: int, classes: int) -> None:
    """Refuse classes to look at that are not one for each image.

    Raises:
        InsightError: if there is no such class.
    """
    if len(chosen) != images:
        raise InsightError(f"expected one class for each of {images} images, got {len(chosen)}.")
    for number in chosen:
        if not 0 <= number < classes:
            raise InsightError(
                f"There is no class {number}: the network has {classes}, counted from 0."
            )
