"""Sheets of captioned pictures: samples of a dataset, and first-layer weights."""

from __future__ import annotations

import math
from collections.abc import Iterable
from textwrap import wrap
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from rich.columns import Columns
from rich.console import Group
from rich.text import Text

from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.data.preprocess import Normalizer
from cnn_tui.engine.data.preview import augmented
from cnn_tui.engine.data.statistics import Statistics, findings, first_of_each, to_bytes
from cnn_tui.engine.specs.network import Recipe
from cnn_tui.tui.actions import keyed
from cnn_tui.tui.rows import Line
from cnn_tui.tui.terminal.half_blocks import Picture, as_text, fitted, lines_of
from cnn_tui.tui.terminal.link import Form, form_in
from cnn_tui.tui.words import clean, fit

if TYPE_CHECKING:
    from textual.app import App

    from cnn_tui.engine.export.templates import Template, Templates

MOST = 100
"""Pictures on a sheet."""


class Looks(NamedTuple):
    """Size and style of pictures."""

    side: int
    """The longest side in pixels, and the columns of a picture."""
    form: Form = "blocks"


def looks_in(app: App[object], side: int) -> Looks:
    """Return how pictures are drawn in the app."""
    return Looks(side, form_in(app))


class Exhibit(NamedTuple):
    """A picture and the lines below it."""

    picture: Picture
    lines: tuple[str, ...]


def sheet(pictures: Iterable[Exhibit], looks: Looks) -> Columns:
    """Arrange pictures in rows."""
    fit = [
        (picture._replace(values=fitted(picture.values, looks.side)), lines)
        for picture, lines in pictures
    ]
    width = max([_LEAST_WIDTH, *(picture.values.shape[2] for picture, _ in fit)])
    cells = [_cell(picture, lines, width, looks.form) for picture, lines in fit]
    return Columns(cells, width=width, padding=(0, 1))


_LEAST_WIDTH = 8
"""Columns for a name, even if the pictures are smaller."""


def _cell(picture: Picture, lines: Iterable[str], width: int, form: Form) -> Group:
    # No line is dimmed: no theme knows how readable that is on its ground.
    texts = [Text(clean(line)) for line in lines]
    for text in texts:
        text.truncate(width, overflow="ellipsis")
    return Group(as_text(lines_of(picture, form)), *texts)


def sample_sheet(dataset: Dataset, statistics: Statistics, page: int, looks: Looks) -> Columns:
    """Draw the training image number ``page`` of each class above its name and count."""
    between = "\n" if looks.side > _SMALL else " "
    room = max(_LEAST_WIDTH, looks.side)
    return sheet(_samples(dataset, statistics, page, between, room), looks)


_SMALL = 12
"""Columns up to which name and count share a line, so that two rows fit on a low screen."""


def _samples(
    dataset: Dataset, statistics: Statistics, page: int, between: str, room: int
) -> Iterable[Exhibit]:
    places = _places(dataset, page)[:MOST]
    counts = [statistics.classes[dataset.train.labels[place]] for place in places]
    # Beside the names they stand under all pictures or none; the list of classes has them.
    longest = max((len(f"{clean(count.name)} {count.train:,}") for count in counts), default=0)
    named = between == " " and longest > room
    for place, count in zip(places, counts, strict=True):
        pixels = to_bytes(dataset.train.images[place], statistics.low, statistics.high)
        name = clean(count.name)
        words = name if named else f"{name}{between}{count.train:,}"
        yield Exhibit(Picture(pixels), tuple(words.splitlines()))


def augmented_sheet(
    shown: tuple[Dataset, Statistics], recipe: Recipe, page: int, looks: Looks, room: int
) -> Group:
    """Draw an image of each class, and beside it what the recipe's augmentation makes of it.

    ``page`` is the number of the image and of the changes; ``room`` the columns of a row.
    """
    dataset, statistics = shown
    width = max(_LEAST_WIDTH, looks.side)
    count = max(1, (room + 1) // (width + 1) - 1)
    places = _places(dataset, page)[:_MOST_ROWS]
    images = np.stack([np.asarray(dataset.train.images[place]) for place in places])
    like = (-1, 1, 1)
    normalizer = Normalizer(
        np.array(statistics.mean, np.float32).reshape(like),
        np.array(statistics.std, np.float32).reshape(like),
    )
    changed = augmented(images, recipe, normalizer, count, page)
    rows = []
    for place, image, others in zip(places, images, changed, strict=True):
        pixels = (to_bytes(one, statistics.low, statistics.high) for one in (image, *others))
        name = dataset.classes[dataset.train.labels[place]]
        exhibits = [Exhibit(Picture(one), ("",)) for one in pixels]
        exhibits[0] = exhibits[0]._replace(lines=(clean(name),))
        rows.append(sheet(exhibits, looks))
    return Group(*rows)


_MOST_ROWS = 20


def _places(dataset: Dataset, page: int) -> list[int]:
    """The training image number ``page`` of each class."""
    places = [np.flatnonzero(dataset.train.labels == n) for n in range(len(dataset.classes))]
    return [int(own[page % len(own)]) for own in places if len(own)]


def few_samples(dataset: Dataset, most: int, looks: Looks) -> Columns:
    """Draw the first training image of each class above its name, scaled by what is drawn."""
    train = dataset.train
    places = first_of_each(train, len(dataset.classes))[:most]
    images = [np.asarray(train.images[place]) for place in places]
    low = float(min(image.min() for image in images))
    high = float(max(image.max() for image in images))
    names = [clean(dataset.classes[train.labels[place]]) for place in places]
    pictures = (Picture(to_bytes(image, low, high)) for image in images)
    return sheet(map(Exhibit, pictures, [(name,) for name in names]), looks)


def template_sheet(templates: Templates, looks: Looks, most: int = MOST) -> Columns:
    """Draw the first-layer weights above the names of classes, or numbers, in a line if it fits."""
    shown = templates.each[:most]
    captions = [_caption(templates, template) for template in shown]
    if max(len(" ".join(words)) for words in captions) <= max(_LEAST_WIDTH, looks.side):
        captions = [(" ".join(words),) for words in captions]
    pictures = (Picture(template.image, "signed", templates.scale) for template in shown)
    return sheet(map(Exhibit, pictures, captions), looks)


def _caption(templates: Templates, template: Template) -> tuple[str, ...]:
    number = "" if templates.kind == "class" else f"#{template.unit}"
    return tuple(filter(None, (template.label, number)))


def template_words(templates: Templates, form: Form) -> str:
    """Describe the pictures in a sentence, with their common scale."""
    count, layer = len(templates.each), templates.layer
    scale = scale_words(len(templates.each[0].image), templates.scale, form)
    match templates.kind:
        case "class":
            return f"{layer}: one template per class; {scale}"
        case "unit":
            above = "their class and number" if templates.each[0].label else "their number"
            return f"{layer}: {count} hidden units, strongest first, above {above}; {scale}"
    return f"{layer}: its {count} filters; {scale}"


def scale_words(channels: int, scale: float, form: Form) -> str:
    """Say how weights are drawn, and which one gets the full colour."""
    if form != "blocks":
        return f"+ # above 0, - = below, to {'+-' if form == 'ascii' else '±'}{scale:.2g}"
    return f"{'grey is 0' if channels == 3 else 'orange +, blue -'}, scale ±{scale:.2g}"


def summary_of(statistics: Statistics) -> str:
    """Return sizes, form and doubts in one line; range, mean and deviation in another."""
    mean, std = (
        " ".join(f"{value:.3g}" for value in of) for of in (statistics.mean, statistics.std)
    )
    form = f", {statistics.form}" if statistics.form else ""
    doubts = keyed("; ! {data.classes} shows doubts") if findings(statistics) else ""
    return (
        f"{statistics.train:,} to train, {statistics.val:,} to validate, {statistics.test:,} to "
        f"test{form}{doubts}\npixels {statistics.low:g} to {statistics.high:g}, mean {mean}, "
        f"std {std}"
    )


def class_rows(statistics: Statistics, width: int) -> list[Line]:
    """Return what is doubtful, and a row for each class with a bar of its training images."""
    longest = max(len(clean(count.name)) for count in statistics.classes)
    name = min(max(longest, 5), max(8, width // 3))
    room = max(4, min(_MOST_BAR, width - name - 3 * _COUNT - 4))
    most = max(1, max(count.train for count in statistics.classes))
    header = f" {'class':{name}}{'train':>{_COUNT}}{'val':>{_COUNT}}{'test':>{_COUNT}}"
    found = findings(statistics) or ("No image is in two splits, none is of a single brightness.",)
    mark, role = ("! ", "warn") if findings(statistics) else ("", "dim")
    rows: list[Line] = [
        ((f" {line}", role),)
        for sentence in found
        for line in wrap(f"{mark}{sentence}", max(20, width - 2))
    ]
    rows.append(((header, "strong"),))
    for count in statistics.classes:
        figures = "".join(f"{n:>{_COUNT},}" for n in (count.train, count.val, count.test))
        words = f" {fit(clean(count.name), name)}{figures}  "
        full = math.ceil(room * count.train / most)
        rows.append(((words, ""), ("━" * full, "accent")))
    return rows


_COUNT = 9
"""Columns of a number of images."""
_MOST_BAR = 48
