"""The common part of the opened passes of both engines: what they refuse, and how they end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Self

import numpy as np

from cnn_tui.engine.batch_checks import check_chosen
from cnn_tui.engine.errors import InsightError, ShapeError
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.protocol import Classes, no_such_layer
from cnn_tui.engine.shapes import Shape, format_shape


class OpenedBase(ABC):
    """A context manager with room for as many images as it was opened with."""

    images: Array

    def __init__(self, shape: Shape, classes: int, room: int, *, training: bool) -> None:
        self._input, self._classes, self._room = shape, classes, room
        # The statistics of a batch are those of as many images as at first.
        self._least = room if training else 1

    @property
    @abstractmethod
    def shapes(self) -> Mapping[str, Shape]:
        """The shape of each layer's output for one image."""

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of all layers."""
        return tuple(self.shapes)

    @abstractmethod
    def close(self) -> None:
        """Let go what it holds."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _admit(self, images: Array) -> None:
        """Take other images, at most as many as at first."""
        if images.shape[1:] != self._input or not self._least <= len(images) <= self._room:
            expected, received = map(format_shape, (self._input, images.shape))
            raise ShapeError(
                f"expected {self._least} to {self._room} images of {expected}, received {received}."
            )
        self.images = images

    def _no_such_layer(self, layer: str) -> InsightError:
        return no_such_layer(layer, self.layers)

    def _chosen(self, of_class: Classes) -> tuple[int, ...]:
        """One class for each image."""
        given = np.asarray(of_class)
        chosen = tuple((np.full(len(self.images), given) if given.ndim == 0 else given).tolist())
        check_chosen(chosen, len(self.images), self._classes)
        return chosen

    def _require_targets(self, targets: np.ndarray) -> None:
        """Refuse targets that are not one class for each of as many images as at first."""
        if len(self.images) < self._room:
            raise ShapeError(f"expected {self._room} images as at first, got {len(self.images)}.")
        check_chosen(targets.tolist(), len(self.images), self._classes)
