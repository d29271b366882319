"""The images that a network is looked at with, and where they come from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.data.catalog import load_dataset
from cnn_tui.engine.data.dataset import Dataset, Split
from cnn_tui.engine.data.pictures import BadPictureError, fitted_picture
from cnn_tui.engine.data.preprocess import Normalizer
from cnn_tui.engine.data.subset import subset_for
from cnn_tui.engine.errors import CnnTuiError, InsightError
from cnn_tui.engine.export.states import TrainedState
from cnn_tui.engine.runs.folder import RunInfo
from cnn_tui.engine.shapes import Shape, format_shape
from cnn_tui.engine.specs.network import ResizeRule
from cnn_tui.engine.specs.wording import plain

SplitName = Literal["train", "validation", "test"]
_BYTE = 255.0
UNKNOWN = -1
"""The class and the index of a picture that is not part of the data."""


@dataclass(frozen=True, eq=False)
class Examples:
    """Images of a split, or the picture of a file."""

    images: NDArray[np.float32]
    """``(N, C, H, W)``, normalised as in training."""
    targets: NDArray[np.int64]
    """``(N,)``; -1 for the picture of a file, whose class is unknown."""
    pictures: NDArray[np.uint8]
    """The images as a person sees them, ``(N, C, H, W)``."""
    indices: NDArray[np.int64]
    """Their places in the split, ``(N,)``; -1 for the picture of a file."""
    note: str = ""
    """How a picture of another size was fitted, as a sentence; else empty."""

    def __len__(self) -> int:
        """Number of images."""
        return len(self.images)


@dataclass(frozen=True, eq=False)
class Eye:
    """How a network sees pixels: normalised as those it was trained on."""

    normalizer: Normalizer
    peak: float
    """The brightest value of a pixel in the data."""
    resize: ResizeRule = "crop"
    """How pictures were brought to the size of the input."""

    def examples(self, split: Split, indices: NDArray[np.int64]) -> Examples:
        """Images of a split."""
        part = split.take(indices)
        pixels: NDArray[Any] = np.asarray(part.images)
        return Examples(self.normalizer.apply(pixels), part.labels, self._bytes(pixels), indices)

    def picture(self, path: Path, shape: Shape, *, invert: bool = False) -> Examples:
        """The picture of a file, fitted to ``shape``, ``(C, H, W)``.

        Raises:
            InsightError: if the file is no picture.
        """
        channels, height, width = shape
        try:
            fitted = fitted_picture(path, (channels, height, width), self.resize)
        except BadPictureError as error:
            raise InsightError(f"{plain(str(path))} cannot be shown: {error}.") from None
        pixels, size, note = fitted.pixels, fitted.size, ""
        if size != (width, height):
            note = f"The picture of {size[0]}x{size[1]} pixels was fitted to {width}x{height}."
        if invert:
            pixels = 255 - pixels
        images = self.normalizer.apply(pixels[None] * np.float32(self.peak / _BYTE))
        unknown = np.array([UNKNOWN])
        return Examples(images, unknown, pixels[None], unknown, note)

    def _bytes(self, pixels: NDArray[Any]) -> NDArray[np.uint8]:
        if pixels.dtype == np.uint8 and self.peak == _BYTE:
            return pixels
        # Not all data goes up to 255: the built-in digits end at 16.
        scaled = np.clip(pixels * (_BYTE / (self.peak or _BYTE)), 0, _BYTE)
        shown: NDArray[np.uint8] = np.rint(scaled).astype(np.uint8)
        return shown


def find_data(
    info: RunInfo,
    state: TrainedState,
    data: str | None,
    data_dir: Path | None,
    *,
    skip_damaged: bool = False,
) -> Dataset | str:
    """The data of a run, or other data by name or path; or a sentence that says why not.

    The labels of other data become those of the network's classes by their names.
    """
    if data is None and data_dir is None and info.data_dir:
        data_dir = Path(info.data_dir)
    try:
        network = state.network
        found = load_dataset(
            data or info.data,
            data_dir,
            shape=network.input,
            resize=network.training.resize,
            classes=network.classes,
            labels_from=network.labels_from,
            skip_damaged=skip_damaged,
        )
    except CnnTuiError as error:
        return str(error) if data else f"There is no data to look at: {error}"
    if data is None:
        found = subset_for(found, network.training)
    found = _by_names(found, state.classes)
    return _mismatch(found, state) or found


def _by_names(data: Dataset, classes: tuple[str, ...]) -> Dataset:
    """The data with labels of ``classes``, if it has no others; a note if only the number fits."""
    if data.classes == classes:
        return data
    if not set(data.classes) <= set(classes):
        note = (
            f"The classes of {data.name} have other names than the network's: {data.classes[0]} is "
            f"taken for {classes[0]}, and so on."
        )
        return data.each(lambda split: split, note)
    numbers = np.array([classes.index(name) for name in data.classes], np.int64)
    named = replace(data, classes=classes)
    return named.each(lambda split: Split(split.images, numbers[split.labels]))


def _mismatch(data: Dataset, state: TrainedState) -> str:
    """Why this data cannot be shown to the network; empty if it can."""
    if data.input_shape != state.network.input:
        return (
            f"The images of {data.name} are {format_shape(data.input_shape)}, the network expects "
            f"{format_shape(state.network.input)}. Choose other data with --data."
        )
    if len(data.classes) != len(state.classes):
        unknown = [name for name in data.classes if name not in state.classes][:1]
        which = f" The network does not know {unknown[0]}." if unknown else ""
        return (
            f"The data {data.name} has {len(data.classes)} classes, the network gives "
            f"{len(state.classes)} scores.{which} Choose other data with --data."
        )
    return ""
