"""The same pixels in another order: what is left of a ConvNet's advantage without neighbourhood."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.data.dataset import Dataset, Split
from cnn_tui.engine.insight.beside import fully_connected, trained
from cnn_tui.engine.insight.shift import accuracy
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.runs.watcher import NOBODY, Watcher


class ShuffleRow(msgspec.Struct, frozen=True):
    """One network trained on the images and on the shuffled ones."""

    name: str
    params: int
    original: float
    """Test accuracy on the images as they are."""
    shuffled: float
    """Test accuracy where all images have their pixels in one other order."""
    runs: tuple[str, str]
    """Names of both runs."""


@dataclass(frozen=True)
class ShuffleTest:
    """A ConvNet and a fully connected network of as many parameters."""

    images: int
    """Test images."""
    seed: int
    """Seed of the permutation."""
    rows: tuple[ShuffleRow, ...]

    def to_json(self) -> dict[str, object]:
        """The rows as plain values."""
        return {
            "images": self.images,
            "seed": self.seed,
            "networks": [msgspec.to_builtins(row) for row in self.rows],
        }


def shuffle(
    subject: Subject,
    root: Path,
    *,
    data_dir: Path | None = None,
    seed: int = 0,
    watcher: Watcher = NOBODY,
) -> ShuffleTest:
    """Train both networks on both forms of the data and test them.

    Each of the four trainings is a run in ``root``, which a later call finds again.

    Raises:
        InsightError: if there is no data, no convolution, or no such neighbour.
        CancelledError: if ``watcher`` cancels; the training can be resumed.
        CnnTuiError: if a training fails.
    """
    subject.conv_layers()
    data = subject.require_data()
    mixed = permuted(data, seed)
    networks = (subject.network, fully_connected(subject.network))
    work = [(network, form) for network in networks for form in (data, mixed)]
    measured: list[tuple[float, str, int]] = []
    for (network, form), part in zip(work, watcher.parts(len(work)), strict=True):
        note = "" if form is data else f"Pixels of all images in one other order, seed {seed}."
        with closing(
            trained(network, form, root, data_dir=data_dir, note=note, watcher=part)
        ) as found:
            score = accuracy(found, form.test)
            measured.append((score, found.name, found.model.size))
    rows = tuple(
        ShuffleRow(network.name, first[2], first[0], second[0], (first[1], second[1]))
        for network, first, second in zip(networks, measured[::2], measured[1::2], strict=True)
    )
    return ShuffleTest(len(data.test), seed, rows)


def permuted(data: Dataset, seed: int) -> Dataset:
    """The data with the pixels of all images in one other order, the same for all channels."""
    _, height, width = data.input_shape
    order = np.random.default_rng(seed).permutation(height * width)
    return replace(
        data,
        train=_reordered(data.train, order),
        val=_reordered(data.val, order),
        test=_reordered(data.test, order),
    )


def _reordered(split: Split, order: NDArray[np.int64]) -> Split:
    images = np.asarray(split.images[:])
    flat = images.reshape(*images.shape[:2], -1)[:, :, order]
    return Split(np.ascontiguousarray(flat).reshape(images.shape), split.labels)
