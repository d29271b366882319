"""A trained network that slides over a larger image and gives a map of classes."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.data.pictures import BadPictureError, fitted_picture, picture_size
from cnn_tui.engine.errors import InsightError, ShapeError
from cnn_tui.engine.insight.sliding import SlidingForm, sliding_form
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.protocol import MOST_BYTES, Engine
from cnn_tui.engine.runs.watcher import NOBODY, Watcher
from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.flow import FeatureMap
from cnn_tui.engine.specs.infer import infer_layers
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.wording import plain
from cnn_tui.engine.transforms.carry import Weights, carry, model_with

CROPS = 32
"""Crops that pass through the network at a time."""
MOST_SIDE = 1024
"""Largest height and width of the input of any network."""
MOST_CANVAS = 512
"""Longest side of the picture of a file; larger ones are made smaller."""


@dataclass(frozen=True, eq=False)
class ClassMap:
    """The scores of a network at every position of its window on an image."""

    canvas: NDArray[np.uint8]
    """The image as it looks, ``(C, H, W)``."""
    scores: Array
    """``(classes, rows, columns)``."""
    classes: tuple[str, ...]
    window: tuple[int, int]
    """Height and width of the window, the frame for the padding included."""
    stride: tuple[int, int]
    """Pixels between neighbouring positions."""
    frame: tuple[int, int]
    """Pixels of the window above and left of the image that the network was trained on."""
    worst_difference: float
    """Largest difference from the network on each crop, relative to the largest score, or to 1."""
    agreement: float
    """Share of the positions where the network with its padding chooses the same class."""
    seconds: float
    """Time of one pass over the whole image."""
    crops_seconds: float
    """Time of the network on all crops, in batches of CROPS."""
    single_seconds: float
    """Time of the network on all crops, one by one, by those of the first batch."""

    @property
    def remark(self) -> str:
        """The effect of the network's padding on the map, as a sentence; empty without any."""
        if not any(self.frame):
            return ""
        window, agreed = format_shape(self.window), f"{self.agreement:.0%}"
        return (
            f"What was padding is now part of a window of {window} pixels, so that every place "
            f"computes the same; with zeros there instead, {agreed} of the places keep their class."
        )

    @property
    def labels(self) -> NDArray[np.int64]:
        """The class at each position, ``(rows, columns)``."""
        chosen: NDArray[np.int64] = self.scores.argmax(0)
        return chosen

    @property
    def confidence(self) -> Array:
        """The probability of that class, ``(rows, columns)``."""
        likely = np.exp(self.scores - self.scores.max(0))
        shares: Array = 1 / likely.sum(0)
        return shares

    def to_json(self) -> dict[str, object]:
        """The map without its picture, as plain values."""
        _, rows, columns = self.scores.shape
        return {
            "rows": rows,
            "columns": columns,
            "classes": list(self.classes),
            "worst_difference": self.worst_difference,
            "agreement": self.agreement,
            "window": list(self.window),
            "stride": list(self.stride),
            "frame": list(self.frame),
            "remark": self.remark,
            "seconds": self.seconds,
            "crops_seconds": self.crops_seconds,
            "single_seconds": self.single_seconds,
            "map": [[self.classes[label] for label in row] for row in self.labels.tolist()],
            "confidence": [[round(value, 6) for value in row] for row in self.confidence.tolist()],
        }


def slide(
    subject: Subject,
    canvas: NDArray[np.uint8],
    *,
    watcher: Watcher = NOBODY,
) -> ClassMap:
    """Slide the network over an image ``(C, H, W)``.

    The same weights also score each crop by itself, to compare results and times.

    Raises:
        InsightError: if the network cannot slide, or the image is too small or too large.
        CancelledError: if ``watcher`` cancels.
    """
    try:
        form = sliding_form(subject.network)
    except ShapeError as error:
        raise InsightError(error.message, error.hint) from None
    image = _framed(subject, form, canvas)
    weights = subject.weights()
    bare = weights if form.rewrite is None else carry(form.rewrite, weights)
    scores, seconds = _map(form, bare, image)
    _, rows, columns = scores.shape
    crop_scores, labels, crops_seconds = np.empty_like(scores), np.empty((rows, columns)), 0.0
    with closing(model_with(form.network(1, 1), bare)) as model:
        single = _seconds_each(model, next(_crops(form, image, rows, columns))[1])
        for places, crops in _crops(form, image, rows, columns):
            began = time.perf_counter()
            crop_scores[:, *places] = model.forward(crops)[: len(places[0])].T
            # The last batch is filled up with crops that are not wanted.
            crops_seconds += (time.perf_counter() - began) * len(places[0]) / CROPS
            plain = _unframed(form, crops)
            labels[places] = subject.model.forward(plain)[: len(places[0])].argmax(1)
            done = int(places[0][-1]) * columns + int(places[1][-1]) + 1
            watcher.check_in(done / (rows * columns))
    scale = max(1.0, float(np.abs(crop_scores).max()))
    return ClassMap(
        canvas,
        scores,
        subject.classes,
        form.window,
        form.stride,
        form.frame,
        worst_difference=float(np.abs(scores - crop_scores).max()) / scale,
        agreement=float(np.mean(scores.argmax(0) == labels)),
        seconds=seconds,
        crops_seconds=crops_seconds,
        single_seconds=single * rows * columns,
    )


def _seconds_each(model: Engine, crops: Array) -> float:
    """The time that a crop takes by itself; the first lays out the memory and does not count."""
    model.forward(crops[:1])
    began = time.perf_counter()
    for place in range(len(crops)):
        model.forward(crops[place : place + 1])
    return (time.perf_counter() - began) / len(crops)


def _framed(subject: Subject, form: SlidingForm, canvas: NDArray[np.uint8]) -> Array:
    """The image normalised, in a frame of zeros for the padding, as far as windows reach."""
    channels, height, width = subject.network.input
    if canvas.shape[0] != channels or canvas.shape[1] < height or canvas.shape[2] < width:
        wanted, given = format_shape(subject.network.input), format_shape(canvas.shape)
        raise InsightError(
            f"The image is {given}; the network slides over images of {wanted} and larger."
        )
    pixels = canvas[None] * np.float32(subject.eye.peak / 255)
    image = np.pad(subject.eye.normalizer.apply(pixels)[0], ((0, 0), *form.margins))
    _, height, width = form.network(*form.places(*image.shape[1:])).input
    return image[:, :height, :width]


def _map(form: SlidingForm, weights: Weights, image: Array) -> tuple[Array, float]:
    """The scores at every place, and the seconds of a pass without its preparation."""
    network = form.network(*form.places(*image.shape[1:]))
    _require_room(network)
    with closing(model_with(network, weights)) as model, model.opened(image[None]) as inside:
        began = time.perf_counter()
        inside.see(image[None])
        seconds = time.perf_counter() - began
        return inside.output(inside.layers[-2])[0], seconds


def _require_room(network: Network) -> None:
    """Refuse an image for which the outputs and gradients of all layers would not fit."""
    _, height, width = network.input
    steps = infer_layers(network.layers, FeatureMap(network.input))
    needed = 2 * 4 * sum(math.prod(step.after.shape or ()) for step in steps)
    if needed > MOST_BYTES or max(height, width) > MOST_SIDE:
        side = min(MOST_SIDE, int((height * width * MOST_BYTES / needed) ** 0.5))
        raise InsightError(
            f"The image of {height}x{width} pixels is too large: it needs {needed / 1e6:,.0f} MB "
            f"of at most {MOST_BYTES / 1e6:,.0f}.",
            f"At most {side}x{side} pixels fit, a frame for the padding included.",
        )


Places = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Rows and columns of some places of the map."""


def _crops(
    form: SlidingForm, image: Array, rows: int, columns: int
) -> Iterator[tuple[Places, Array]]:
    """The window at every place, CROPS at a time; the last ones are repeated to make as many."""
    windows = np.lib.stride_tricks.sliding_window_view(image, form.window, axis=(1, 2))
    windows = windows[:, :: form.stride[0], :: form.stride[1]].transpose(1, 2, 0, 3, 4)
    for start in range(0, rows * columns, CROPS):
        chosen = np.arange(start, start + CROPS)
        across = np.unravel_index(np.minimum(chosen, rows * columns - 1), (rows, columns))
        count = min(CROPS, rows * columns - start)
        yield (across[0][:count], across[1][:count]), np.ascontiguousarray(windows[across])


def _unframed(form: SlidingForm, crops: Array) -> Array:
    """The part of the crops that the network with its padding sees, filled up with zeros."""
    channels, height, width = form.before.input
    top, left = form.frame
    seen = crops[:, :, top : top + height, left : left + width]
    whole = np.zeros((len(crops), channels, height, width), crops.dtype)
    whole[:, :, : seen.shape[2], : seen.shape[3]] = seen
    return whole


def digits_canvas(subject: Subject, height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """Images of the data side by side on a canvas ``(C, height, width)``, on their darkest ground.

    Raises:
        InsightError: if there is no data, or the canvas is smaller than an image.
    """
    channels, tall, wide = subject.network.input
    rows, columns = height // tall, width // wide
    if not rows * columns:
        raise InsightError(
            f"A canvas of {height}x{width} is smaller than an image of {tall}x{wide}."
        )
    pictures = subject.images(limit=rows * columns, seed=seed).pictures
    pictures = np.random.default_rng(seed).permutation(pictures)
    canvas = np.full((channels, height, width), pictures.min(), np.uint8)
    for place in range(rows * columns):
        top, left = place // columns * tall, place % columns * wide
        canvas[:, top : top + tall, left : left + wide] = pictures[place % len(pictures)]
    return canvas


def canvas_of_file(subject: Subject, path: Path) -> NDArray[np.uint8]:
    """The picture of a file at its own size, ``(C, H, W)``, or smaller where it is too large.

    Raises:
        InsightError: if the file is no picture, or smaller than the network's input.
    """
    channels, height, width = subject.network.input
    try:
        wide, tall = picture_size(path)
        scale = min(1.0, MOST_CANVAS / max(tall, wide))
        shape = (channels, max(1, int(tall * scale)), max(1, int(wide * scale)))
        if shape[1] >= height and shape[2] >= width:
            return fitted_picture(path, shape)[0]
    except BadPictureError as error:
        raise InsightError(f"{plain(str(path))} cannot be shown: {error}.") from None
    raise InsightError(
        f"{plain(str(path))} is {tall}x{wide} pixels; the network slides over pictures of "
        f"{height}x{width} and larger."
    )
