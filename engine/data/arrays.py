"""The user's own images in a ``.npz`` file: ``x`` and ``y``, optionally ``x_test`` and so on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.data.dataset import Dataset, Pixels, Split, hold_out, require_classes, share
from cnn_tui.engine.data.npz import Arrays, open_npz
from cnn_tui.engine.errors import DataError
from cnn_tui.engine.specs.wording import plain, show

_CHANNELS = (1, 3)
_MOST_CLASSES = 65536
_PARTS = 10
"""One image in ten is held out for each missing split."""
_MOST_LETTERS = 64


def load_arrays(path: Path) -> Dataset:
    """Load images and labels from a ``.npz`` file.

    ``x`` (or ``x_train``) is ``(N, H, W)``, ``(N, C, H, W)`` or ``(N, H, W, C)`` with one or
    three channels, integers from 0 to 255 or floats; ``y`` is ``(N,)``, integers from 0 or names.
    ``classes`` may name the classes. If ``x_val, y_val`` or ``x_test, y_test`` are missing, a tenth
    of the images is held out for each, stratified.

    Raises:
        DataError: The file is damaged, declares false sizes, or has other contents.
    """
    with open_npz(path) as arrays:
        try:
            return _load(arrays, plain(path.stem)[:_MOST_LETTERS])
        except DataError as error:
            if error.message.startswith(str(path)):
                raise
            raise DataError(f"{path}: {error.message}", error.hint) from error


def _load(arrays: Arrays, name: str) -> Dataset:
    suffix = "" if "x" in arrays else "_train" if "x_train" in arrays else ""
    images, given = _images(arrays, f"x{suffix}"), _labels(arrays, f"y{suffix}")
    names = _names(arrays, given)
    labels = _numbers(given, names, f"y{suffix}")
    test, images, labels = _split(arrays, "test", images, labels, names)
    val, images, labels = _split(arrays, "val", images, labels, names)
    return Dataset(name, names, Split(images, labels), val, test)


def _split(
    arrays: Arrays,
    split: str,
    images: Pixels,
    labels: NDArray[np.int64],
    names: tuple[str, ...],
) -> tuple[Split, Pixels, NDArray[np.int64]]:
    """A split from its own arrays or held out of the others, and the remaining images."""
    if f"x_{split}" in arrays:
        own = _numbers(_labels(arrays, f"y_{split}"), names, f"y_{split}")
        return Split(_images(arrays, f"x_{split}"), own), images, labels
    _require_as_many(images, labels)
    kept = len(labels) - share(len(labels), _PARTS)
    _, held = hold_out(images, labels, len(labels) - kept)
    return held, images[:kept], labels[:kept]


def _require_as_many(images: Pixels, labels: NDArray[np.int64]) -> None:
    if len(images) != len(labels) or len(labels) < 2:
        raise DataError(
            f"expected one label per image and at least two images, received "
            f"{len(images):,} images and {len(labels):,} labels."
        )


def _images(arrays: Arrays, name: str) -> Pixels:
    images = arrays.read(name)
    if images.ndim == 3:
        images = images[:, None]
    elif images.ndim == 4 and images.shape[1] not in _CHANNELS and images.shape[3] in _CHANNELS:
        images = np.moveaxis(images, 3, 1)
    if images.ndim != 4 or images.shape[1] not in _CHANNELS:
        raise arrays.wrong(
            f"{name}: expected (N, H, W), (N, C, H, W) or (N, H, W, C) with 1 or 3 channels, "
            f"received {images.shape}"
        )
    if images.dtype.kind == "f":
        with np.errstate(over="ignore"):  # too large values become infinite, and are refused
            return images.astype(np.float32, copy=False)
    if images.dtype.kind not in "biu":
        raise arrays.wrong(f"{name}: expected numbers, received text")
    if images.dtype != np.uint8 and images.size and not 0 <= images.min() <= images.max() <= 255:
        raise arrays.wrong(
            f"{name}: expected whole numbers from 0 to 255, received numbers from "
            f"{images.min()} to {images.max()}"
        )
    return images.astype(np.uint8, copy=False)


def _labels(arrays: Arrays, name: str) -> NDArray[Any]:
    labels = arrays.read(name)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or labels.dtype.kind == "f":
        raise arrays.wrong(
            f"{name}: expected (N,) whole numbers or names, received {labels.shape} {labels.dtype}"
        )
    return labels


def _names(arrays: Arrays, labels: NDArray[Any]) -> tuple[str, ...]:
    if "classes" in arrays:
        names = arrays.read("classes")
    elif labels.dtype.kind == "U":
        names = np.unique(labels)
    else:
        largest = int(labels.max()) if len(labels) else 0
        names = np.arange(min(max(largest, 0), _MOST_CLASSES) + 1)
    if names.ndim != 1 or not 2 <= len(names) <= _MOST_CLASSES:
        raise DataError(f"expected from 2 to {_MOST_CLASSES:,} classes, received {names.size:,}.")
    return tuple(plain(str(name))[:_MOST_LETTERS] for name in names)


def _numbers(labels: NDArray[Any], names: tuple[str, ...], where: str) -> NDArray[np.int64]:
    if labels.dtype.kind != "U":
        require_classes(labels, len(names), where)
        return labels.astype(np.int64)
    known = {name: number for number, name in enumerate(names)}
    written = {text: plain(text)[:_MOST_LETTERS] for text in map(str, np.unique(labels))}
    unknown = [text for text, name in written.items() if name not in known]
    if unknown:
        raise DataError(f"{where}: the label {show(unknown[0])} is not one of the classes.")
    return np.array([known[written[str(text)]] for text in labels], np.int64)
