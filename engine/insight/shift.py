"""Accuracy against the shift of the images, beside a fully connected network.

A convolution gives the shifted output for a shifted image, and pooling forgives what is left
(CS231n notes, Convolutional Networks; Azulay & Weiss 2019). An fc layer has learnt each place by
itself.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from cnn_tui.engine.data.dataset import Split
from cnn_tui.engine.insight.beside import fully_connected, trained
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.runs.watcher import NOBODY, Watcher

SHIFTS = (0, 1, 2, 3, 4, 6)
"""Pixels."""
IMAGES = 2_000
"""Test images at each shift."""
_DIRECTIONS = ((0, 1), (0, -1), (1, 0), (-1, 0))
_CHUNK = 250
_TRAINING = 0.9
"""Share of the progress that the training of the neighbour takes."""


class ShiftCurve(msgspec.Struct, frozen=True):
    """The accuracy of one network at each shift."""

    name: str
    params: int
    accuracy: tuple[float, ...]
    """Means over shifts to the right, left, down and up."""
    run: str
    """Name of the run."""


@dataclass(frozen=True)
class ShiftTest:
    """The curves of a network and of its fully connected neighbour."""

    shifts: tuple[int, ...]
    """Pixels."""
    images: int
    """Test images at each shift and direction."""
    own: ShiftCurve
    beside: ShiftCurve

    def to_json(self) -> dict[str, object]:
        """The curves as plain values."""
        return {
            "shifts": list(self.shifts),
            "accuracy": list(self.own.accuracy),
            "name": self.own.name,
            "params": self.own.params,
            "run": self.own.run,
            "images": self.images,
            "beside": msgspec.to_builtins(self.beside),
        }


def shift(
    subject: Subject,
    root: Path,
    *,
    data_dir: Path | None = None,
    shifts: tuple[int, ...] = SHIFTS,
    limit: int = IMAGES,
    seed: int = 0,
    watcher: Watcher = NOBODY,
) -> ShiftTest:
    """Shift test images and measure both networks.

    The neighbour is trained with the recipe of the network, as a run in ``root``; a later call
    finds it there. Pixels that come into the image repeat its border.

    Raises:
        InsightError: if there is no data, or no such neighbour.
        CancelledError: if ``watcher`` cancels; the training can be resumed.
        CnnTuiError: if its training fails.
    """
    subject.require_finite()
    data = subject.require_data()
    beside = trained(
        fully_connected(subject.network),
        data,
        root,
        data_dir=data_dir,
        note=f"Fully connected, with as many parameters as {subject.name}, to compare with.",
        watcher=watcher.part(0, _TRAINING),
    )
    split = data.test.take(subject.images("test", limit, seed).indices)
    curves = []
    with closing(beside):
        parts = watcher.part(_TRAINING, 1).parts(2)
        for network, part in zip((subject, beside), parts, strict=True):
            accuracies = _accuracies(network, split, shifts, part)
            params = network.model.size
            curves.append(ShiftCurve(network.network.name, params, accuracies, network.name))
    return ShiftTest(shifts, len(split), *curves)


def _accuracies(
    subject: Subject,
    split: Split,
    shifts: tuple[int, ...],
    watcher: Watcher,
) -> tuple[float, ...]:
    found = []
    for number, pixels in enumerate(shifts):
        directions = _DIRECTIONS if pixels else _DIRECTIONS[:1]
        moves = [(pixels * down, pixels * across) for down, across in directions]
        found.append(sum(accuracy(subject, split, move) for move in moves) / len(moves))
        watcher.check_in((number + 1) / len(shifts))
    return tuple(found)


def accuracy(subject: Subject, split: Split, move: tuple[int, int] = (0, 0)) -> float:
    """The share of images of a split that are classified right, after a shift of all of them."""
    right = 0
    for start in range(0, len(split), _CHUNK):
        part = slice(start, start + _CHUNK)
        images = subject.eye.normalizer.apply(moved(np.asarray(split.images[part]), move))
        scores = subject.model.forward(images)
        right += int(np.count_nonzero(scores.argmax(1) == split.labels[part]))
    return right / len(split)


def moved(images: Array, move: tuple[int, int]) -> Array:
    """Images ``(N, C, H, W)`` shifted down and to the right; their border is repeated."""
    down, across = move
    height, width = images.shape[2:]
    rows = np.clip(np.arange(height) - down, 0, height - 1)
    columns = np.clip(np.arange(width) - across, 0, width - 1)
    return images[:, :, rows[:, None], columns]
