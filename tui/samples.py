"""Samples of a dataset as text: one picture of each class above its name and its count."""

from __future__ import annotations

import numpy as np
from rich.columns import Columns
from rich.console import Group
from rich.text import Text

from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.data.statistics import Statistics, to_bytes
from cnn_tui.tui.terminal.half_blocks import half_blocks, shrunk
from cnn_tui.tui.words import clean

MOST_CLASSES = 100


def sample_sheet(dataset: Dataset, statistics: Statistics, page: int, side: int) -> Columns:
    """The training image number ``page`` of each class, no side longer than ``side`` pixels."""
    train, cells = dataset.train, []
    for label, count in enumerate(statistics.classes[:MOST_CLASSES]):
        places = np.flatnonzero(train.labels == label)
        if not len(places):
            continue
        image = train.images[places[page % len(places)]]
        picture = half_blocks(shrunk(to_bytes(image, statistics.low, statistics.high), side))
        name = Text(clean(count.name))
        name.truncate(side, overflow="ellipsis")
        cells.append(Group(picture, name, Text(f"{count.train:,}", "dim")))
    return Columns(cells, width=side, padding=(0, 1))


def summary_of(statistics: Statistics) -> str:
    """Sizes in one line; range, mean and deviation in another."""
    mean, std = (" ".join(f"{one:.3g}" for one in of) for of in (statistics.mean, statistics.std))
    return (
        f"{statistics.train:,} to train, {statistics.val:,} to validate, {statistics.test:,} to "
        f"test\npixels {statistics.low:g} to {statistics.high:g}, mean {mean}, deviation {std}"
    )
