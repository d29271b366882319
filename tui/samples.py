"""Sheets of captioned pictures: samples of a dataset, and first-layer weights."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.columns import Columns
from rich.console import Group
from rich.text import Text

from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.data.statistics import Statistics, first_of_each, to_bytes
from cnn_tui.tui.terminal.half_blocks import fitted, half_blocks, shades
from cnn_tui.tui.terminal.link import Link
from cnn_tui.tui.words import clean

if TYPE_CHECKING:
    from textual.app import App

    from cnn_tui.engine.export.templates import Kind, Template, Templates

MOST = 100
"""Pictures on a sheet."""


class Looks(NamedTuple):
    """Size and style of pictures."""

    side: int
    """The longest side in pixels, and the columns of a picture."""
    plain: bool = False
    """Whether to draw in shades of ASCII, without colours or half blocks."""


def looks_in(app: App[object], side: int) -> Looks:
    """Return how pictures are drawn in the app."""
    link = getattr(app, "link", Link())
    return Looks(side, link.ascii or link.color == "none")


class Captioned(NamedTuple):
    """A picture ``(C, H, W)`` and the lines below it."""

    pixels: NDArray[np.uint8]
    lines: tuple[str, ...]


def sheet(pictures: Iterable[Captioned], looks: Looks) -> Columns:
    """Arrange pictures in rows."""
    fit = [(fitted(picture.pixels, looks.side), picture.lines) for picture in pictures]
    width = max([_LEAST_WIDTH, *(pixels.shape[2] for pixels, _ in fit)])
    cells = [_cell(pixels, lines, width, looks.plain) for pixels, lines in fit]
    return Columns(cells, width=width, padding=(0, 1))


_LEAST_WIDTH = 8
"""Columns for a name, even if the pictures are smaller."""


def _cell(pixels: NDArray[np.uint8], lines: Iterable[str], width: int, plain: bool) -> Group:
    texts = [Text(clean(line)) for line in lines]
    for text in texts:
        text.truncate(width, overflow="ellipsis")
    return Group((shades if plain else half_blocks)(pixels), *texts)


def sample_sheet(dataset: Dataset, statistics: Statistics, page: int, looks: Looks) -> Columns:
    """Draw the training image number ``page`` of each class above its name and count."""
    return sheet(_samples(dataset, statistics, page, "\n" if looks.side > _SMALL else " "), looks)


_SMALL = 12
"""Columns up to which name and count share a line, so that two rows fit on a low screen."""


def _samples(
    dataset: Dataset, statistics: Statistics, page: int, between: str
) -> Iterable[Captioned]:
    train = dataset.train
    for label, count in enumerate(statistics.classes[:MOST]):
        places = np.flatnonzero(train.labels == label)
        if len(places):
            image = train.images[places[page % len(places)]]
            pixels = to_bytes(image, statistics.low, statistics.high)
            words = f"{clean(count.name)}{between}{count.train:,}"
            yield Captioned(pixels, tuple(words.splitlines()))


def few_samples(dataset: Dataset, most: int, looks: Looks) -> Columns:
    """Draw the first training image of each class above its name, scaled by what is drawn."""
    train = dataset.train
    places = first_of_each(train, len(dataset.classes))[:most]
    images = [np.asarray(train.images[place]) for place in places]
    low = float(min(image.min() for image in images))
    high = float(max(image.max() for image in images))
    names = [clean(dataset.classes[train.labels[place]]) for place in places]
    pixels = (to_bytes(image, low, high) for image in images)
    return sheet(map(Captioned, pixels, [(name,) for name in names]), looks)


def template_sheet(templates: Templates, looks: Looks, most: int = MOST) -> Columns:
    """Draw the first-layer weights above the names of classes, or numbers."""
    return sheet(map(partial(_captioned, templates.kind), templates.each[:most]), looks)


def _captioned(kind: Kind, template: Template) -> Captioned:
    words = (template.label, "" if kind == "class" else f"#{template.unit}")
    return Captioned(template.pixels, tuple(filter(None, words)))


def template_words(templates: Templates) -> str:
    """Describe the pictures in a sentence."""
    count, layer = len(templates.each), templates.layer
    match templates.kind:
        case "class":
            return f"{layer}: one template per class; light is evidence for it, dark against it"
        case "unit":
            return (
                f"{layer}: {count} hidden units, strongest first, with the class that each favours"
            )
    return f"{layer}: its {count} filters"


def summary_of(statistics: Statistics) -> str:
    """Return the sizes in one line; range, mean and deviation in another."""
    mean, std = (
        " ".join(f"{value:.3g}" for value in of) for of in (statistics.mean, statistics.std)
    )
    return (
        f"{statistics.train:,} to train, {statistics.val:,} to validate, {statistics.test:,} to "
        f"test\npixels {statistics.low:g} to {statistics.high:g}, mean {mean}, std {std}"
    )
