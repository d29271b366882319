"""The patches of the data with a filter's largest responses, at most one for each image.

Zeiler & Fergus 2013, Visualizing and Understanding Convolutional Networks, show the same patches
beside their reconstructions; here they are what the filter saw, cut to its receptive field.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.errors import InsightError
from cnn_tui.engine.insight.examples import Examples
from cnn_tui.engine.insight.fields import LayerField, fields
from cnn_tui.engine.insight.passes import affordable, passes
from cnn_tui.engine.insight.subject import SplitName, Subject
from cnn_tui.engine.insight.wiring import wired
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.runs.watcher import NOBODY, Watcher

PATCHES = 9
"""Patches of a filter, by default."""


class Patch(msgspec.Struct, frozen=True, kw_only=True):
    """The place of an image that a filter responds to; pixels are counted from 0."""

    image: int
    """The image's place in the split."""
    target: int
    """The image's class."""
    response: float
    """The value of the filter's map there, after the activation."""
    row: int
    """The place in the map."""
    column: int
    top: int
    """First row of the receptive field inside the image."""
    left: int
    height: int
    """Rows of the receptive field that lie in the image."""
    width: int
    border: bool
    """Whether the receptive field reaches beyond the image, into the padding."""


class FilterPatches(msgspec.Struct, frozen=True):
    """The patches of one filter, the largest response first; none for a filter that is silent."""

    filter: int
    patches: tuple[Patch, ...]


@dataclass(frozen=True, eq=False)
class Excitement:
    """The patches that excite the filters of a layer, ``inspect RUN excite``."""

    layer: str
    split: SplitName
    images: int
    """Number of images that were searched."""
    field: tuple[int, int]
    """Height and width of the receptive field in pixels, padding included."""
    filters: tuple[FilterPatches, ...]
    _pictures: dict[int, NDArray[np.uint8]]

    def picture(self, patch: Patch) -> NDArray[np.uint8]:
        """The pixels of a patch that lie in its image, ``(C, height, width)``."""
        rows = slice(patch.top, patch.top + patch.height)
        columns = slice(patch.left, patch.left + patch.width)
        return self._pictures[patch.image][:, rows, columns]

    def to_json(self) -> dict[str, Any]:
        """All but the pixels, as plain values."""
        return {
            "layer": self.layer,
            "split": self.split,
            "images": self.images,
            "field": list(self.field),
            "filters": msgspec.to_builtins(self.filters),
        }


def excite(
    subject: Subject,
    layer: str,
    filters: Sequence[int] | None = None,
    *,
    count: int = PATCHES,
    split: SplitName = "validation",
    limit: int | None = None,
    seed: int = 0,
    watcher: Watcher = NOBODY,
) -> Excitement:
    """Find the images, and the places in them, to which filters respond most.

    Memory is that of the images searched, up to 512 MB, and at most 512 MB of the opened network.

    ``count`` patches of each of the ``filters``, all if None, come from ``count`` images. These are
    chosen by ``split``, ``limit``, None for as many as 512 MB hold, and ``seed``.

    Raises:
        InsightError: if there is no such layer or filter, no data, or the weights are not finite.
        CancelledError: if ``watcher`` cancels.
    """
    name = subject.require_layer(layer, conv=True)
    subject.require_finite()
    conv = wired(subject.network)[name]
    chosen = _chosen(name, conv.layer.out_channels, filters)
    examples = subject.images(split, affordable(subject, limit), seed)
    best = _Best(len(chosen), min(count, len(examples)))
    for part, inside in passes(subject, examples.images, watcher):
        best.add(inside.output(conv.response)[:, chosen], part.start)
    field = fields(subject.network)[conv.response]
    least = 0.0 if conv.activation is not None and conv.activation.info.dies else -np.inf
    found = tuple(
        FilterPatches(
            number,
            tuple(_patch(one, field, examples) for one in best.entries(row) if one[0] > least),
        )
        for row, number in enumerate(chosen)
    )
    shown = {patch.image for one in found for patch in one.patches}
    places = enumerate(examples.indices.tolist())
    return Excitement(
        layer=name,
        split=split,
        images=len(examples),
        field=(field.rows.size, field.columns.size),
        filters=found,
        _pictures={index: examples.pictures[at] for at, index in places if index in shown},
    )


def _chosen(name: str, count: int, filters: Sequence[int] | None) -> list[int]:
    chosen = list(range(count) if filters is None else filters)
    for number in chosen:
        if not 0 <= number < count:
            raise InsightError(f"{name} has no filter {number}: it has {count}, counted from 0.")
    return chosen


_Entry = tuple[float, int, int, int]
"""Response, position of the image among those searched, row and column in the map."""


class _Best:
    """The largest response of each filter in each image, the ``count`` largest of them."""

    def __init__(self, filters: int, count: int) -> None:
        self._count = count
        self._responses = np.full((filters, count), -np.inf)
        self._images = np.zeros((filters, count), np.int64)
        self._places = np.zeros((filters, count), np.int64)
        self._width = 1

    def add(self, maps: Array, start: int) -> None:
        """Add maps ``(N, F, H, W)``, of which the first is that of image ``start``."""
        self._width = maps.shape[3]
        flat = maps.reshape(*maps.shape[:2], -1)
        places = flat.argmax(axis=2).T
        responses = flat.max(axis=2).T
        images = np.broadcast_to(np.arange(start, start + len(maps)), responses.shape)
        every = np.concatenate([self._responses, responses], axis=1)
        # Stable, so that of equal responses the first image is kept.
        order = np.argsort(-every, axis=1, kind="stable")[:, : self._count]
        self._responses = np.take_along_axis(every, order, 1)
        self._images = _merged(self._images, images, order)
        self._places = _merged(self._places, places, order)

    def entries(self, row: int) -> list[_Entry]:
        """The best of one filter."""
        return [
            (float(response), int(image), *divmod(int(place), self._width))
            for response, image, place in zip(
                self._responses[row], self._images[row], self._places[row], strict=True
            )
        ]


def _merged(
    old: NDArray[np.int64], new: NDArray[np.int64], order: NDArray[np.int64]
) -> NDArray[np.int64]:
    merged: NDArray[np.int64] = np.take_along_axis(np.concatenate([old, new], axis=1), order, 1)
    return merged


def _patch(entry: _Entry, field: LayerField, examples: Examples) -> Patch:
    response, image, row, column = entry
    height, width = examples.images.shape[2:]
    top, bottom = field.rows.pixels(row, height)
    left, right = field.columns.pixels(column, width)
    whole = (bottom - top, right - left) == (field.rows.size, field.columns.size)
    return Patch(
        image=int(examples.indices[image]),
        target=int(examples.targets[image]),
        response=response,
        row=row,
        column=column,
        top=top,
        left=left,
        height=bottom - top,
        width=right - left,
        border=not whole,
    )
