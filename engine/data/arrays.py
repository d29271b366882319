"""Images of the user's in a ``.npz`` file: ``x`` and ``y``, perhaps ``x_test`` and ``y_test``."""

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
"""One image in ten is held out for each split that the file does not have."""
_MOST_LETTERS = 64


def load_arrays(path: Path) -> Dataset:
    """Images and labels of a ``.npz`` file.

    ``x`` (or ``x_train``) is ``(N, H, W)``, ``(N, C, H, W)`` or ``(N, H, W, C)`` with one or
    three channels, whole numbers from 0 to 255 or floats; ``y`` is ``(N,)``, whole numbers from
    0 or names. ``classes`` may name the classes. Where ``x_val, y_val`` or ``x_test, y_test`` are
    missing, a tenth is held out for each, stratified.

    Raises:
        DataError: The file is damaged, lies about sizes, or holds something else.
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
    images, found = _images(arrays, f"x{suffix}"), _labels(arrays, f"y{suffix}")
    names = _names(arrays, found)
    labels = _numbers(found, names, f"y{suffix}")
    test, images, labels = _part(arrays, "test", images, labels, names)
    val, images, labels = _part(arrays, "val", images, labels, names)
    return Dataset(name, names, Split(images, labels), val, test)


def _part(
    arrays: Arrays,
    part: str,
    images: Pixels,
    labels: NDArray[np.int64],
    names: tuple[str, ...],
) -> tuple[Split, Pixels, NDArray[np.int64]]:
    """A split from its own arrays or held out of the others, and what is left of those."""
    if f"x_{part}" in arrays:
        found = _labels(arrays, f"y_{part}")
        return (
            Split(_images(arrays, f"x_{part}"), _numbers(found, names, f"y_{part}")),
            images,
            labels,
        )
    _require_as_many(images, labels)
    kept = len(labels) - share(len(labels), _PARTS)
    _, held = hold_out(images, labels, len(labels) - kept)
    return held, images[:kept], labels[:kept]


def _require_as_many(images: Pixels, labels: NDArray[np.int64]) -> None:
    if len(images) != len(labels) or len(labels) < 2:
        raise DataError(
            f"expected a label for each image and enough of them to hold some out, received "
            f"{len(images):,} images and {len(labels):,} labels."
        )


def _images(arrays: Arrays, name: str) -> Pixels:
    found = arrays.read(name)
    if found.ndim == 3:
        found = found[:, None]
    elif found.ndim == 4 and found.shape[1] not in _CHANNELS and found.shape[3] in _CHANNELS:
        found = np.moveaxis(found, 3, 1)
    if found.ndim != 4 or found.shape[1] not in _CHANNELS:
        raise arrays.wrong(
            f"{name}: expected (N, H, W), (N, C, H, W) or (N, H, W, C) with 1 or 3 channels, "
            f"received {found.shape}"
        )
    if found.dtype.kind == "f":
        with np.errstate(over="ignore"):  # what does not fit becomes infinite, and is refused
            return found.astype(np.float32, copy=False)
    if found.dtype.kind not in "biu":
        raise arrays.wrong(f"{name}: expected numbers, received text")
    if found.dtype != np.uint8 and found.size and not 0 <= found.min() <= found.max() <= 255:
        raise arrays.wrong(
            f"{name}: expected whole numbers from 0 to 255, received some from "
            f"{found.min()} to {found.max()}"
        )
    return found.astype(np.uint8, copy=False)


def _labels(arrays: Arrays, name: str) -> NDArray[Any]:
    found = arrays.read(name)
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if found.ndim != 1 or found.dtype.kind == "f":
        raise arrays.wrong(
            f"{name}: expected (N,) whole numbers or names, received {found.shape} {found.dtype}"
        )
    return found


def _names(arrays: Arrays, labels: NDArray[Any]) -> tuple[str, ...]:
    if "classes" in arrays:
        names = arrays.read("classes")
    elif labels.dtype.kind == "U":
        names = np.unique(labels)
    else:
        names = np.arange(_most(labels) + 1)
    if names.ndim != 1 or not 2 <= len(names) <= _MOST_CLASSES:
        raise DataError(f"expected from 2 to {_MOST_CLASSES:,} classes, received {names.size:,}.")
    return tuple(plain(str(name))[:_MOST_LETTERS] for name in names)


def _most(labels: NDArray[Any]) -> int:
    most = int(labels.max()) if len(labels) else 0
    return min(max(most, 0), _MOST_CLASSES)


def _numbers(labels: NDArray[Any], names: tuple[str, ...], where: str) -> NDArray[np.int64]:
    if labels.dtype.kind != "U":
        require_classes(labels, len(names), where)
        return labels.astype(np.int64)
    known = {name: number for number, name in enumerate(names)}
    written = {text: plain(text)[:_MOST_LETTERS] for text in map(str, np.unique(labels))}
    unknown = [text for text, name in written.items() if name not in known]
    if unknown:
        raise DataError(f"{where}: {show(unknown[0])} is not among the classes.")
    return np.array([known[written[str(text)]] for text in labels], np.int64)
