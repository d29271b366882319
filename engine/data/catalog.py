"""Datasets by name or path."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec

from cnn_tui.engine.data.arrays import load_arrays
from cnn_tui.engine.data.built_in import load_digits, load_shapes
from cnn_tui.engine.data.cifar import load_cifar
from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.data.folder import DEFAULT_SHAPE, load_folder
from cnn_tui.engine.data.mnist import load_mnist
from cnn_tui.engine.data.sources import (
    SOURCES,
    Progress,
    dataset_dir,
    is_complete,
    letters,
    oddities,
)
from cnn_tui.engine.errors import DataError, MissingDataError
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.wording import listed, nearest, plain, show

FOLDER = "folder"
"""The name of the user's own pictures, whose place ``data_dir`` gives."""

_BUILT_IN: dict[str, Callable[[], Dataset]] = {"digits": load_digits, "shapes": load_shapes}
_FILES: dict[str, Callable[[str, Path], Dataset]] = {
    "mnist": load_mnist,
    "fashion-mnist": load_mnist,
    "cifar10": load_cifar,
    "cifar100": load_cifar,
}


def dataset_names() -> tuple[str, ...]:
    """Every name that :func:`load_dataset` knows, the built-in ones first."""
    return (*_BUILT_IN, *_FILES, FOLDER)


def find_name(word: str) -> str | None:
    """The dataset that a word means (``CIFAR-10``, ``cifar_10``), or None."""
    by_letters = {letters(name): name for name in dataset_names()}
    return by_letters.get(letters(word))


def locate(name: str, data_dir: Path | None) -> tuple[str, Path | None]:
    """Name and folder by which a set is found again from wherever else it is asked for.

    A path becomes :data:`FOLDER` and the whole path, a name is spelt as it is here.
    """
    known = find_name(name)
    if known is None and data_dir is None and Path(name).expanduser().exists():
        return FOLDER, Path(name).expanduser().resolve()
    return known or name, data_dir


def load_dataset(
    name: str,
    data_dir: Path | None = None,
    *,
    shape: tuple[int, int, int] | None = None,
    skip_damaged: bool = False,
    progress: Progress | None = None,
) -> Dataset:
    """The dataset of that name, or of that path: a folder of pictures or a ``.npz`` file.

    Args:
        name: As :func:`find_name` takes it, or a path.
        data_dir: Where the files of a set that is not built in are, if not where ``data fetch``
            puts them.
        shape: What a folder's pictures are resized to, ``(C, H, W)``; 3x32x32 by default.
        skip_damaged: Leave damaged pictures of a folder out instead of refusing it.
        progress: Told how far a folder's pictures are.

    Raises:
        MissingDataError: A known set that has not been downloaded.
        DataError: Unknown name, a folder missing or not wanted, damaged files.
    """
    known = find_name(name)
    if known in _BUILT_IN:
        _refuse_folder(f"The dataset {known} is built in and reads no folder", data_dir)
        return _BUILT_IN[known]()
    if known in _FILES:
        return _from_files(known, data_dir)
    place = _own_place(name, data_dir)
    if place.is_file():
        return load_arrays(place)
    return load_folder(place, shape or DEFAULT_SHAPE, skip_damaged=skip_damaged, progress=progress)


def load_network_data(
    network: Network,
    data_dir: Path | None = None,
    *,
    skip_damaged: bool = False,
    progress: Progress | None = None,
) -> tuple[Network, Dataset, Path | None]:
    """The network with the full name of its data, that data, and the folder that holds it.

    Raises:
        DataError: As :func:`load_dataset` does.
    """
    name, data_dir = locate(network.data, data_dir)
    network = msgspec.structs.replace(network, data=name)
    shape = network.input
    dataset = load_dataset(
        name, data_dir, shape=shape, skip_damaged=skip_damaged, progress=progress
    )
    return network, dataset, data_dir


def _from_files(name: str, data_dir: Path | None) -> Dataset:
    folder = data_dir or dataset_dir(name)
    if data_dir is None and not is_complete(name, folder):
        size = SOURCES[name].size
        raise MissingDataError(
            f"The dataset {name} is not here yet.",
            f"Download it ({size / 1e6:,.0f} MB) with: cnn-tui data fetch {name}; or name the "
            "folder that holds its files with --data-dir DIR.",
            name,
            size,
        )
    if not folder.is_dir():
        raise DataError(
            f"{folder}: there is no such folder.", f"Give the one that holds the files of {name}."
        )
    dataset = _FILES[name](name, folder)
    if data_dir is None:
        return dataset
    counts = len(dataset.train) + len(dataset.val), len(dataset.test)
    return replace(dataset, notes=tuple(oddities(name, folder, *counts)))


def _own_place(name: str, data_dir: Path | None) -> Path:
    """The folder or file of the user's own."""
    if find_name(name) == FOLDER:
        if data_dir is None:
            raise DataError(
                "The dataset folder is pictures of your own.",
                "Say where they are with --data-dir: a folder of a folder per class, or .npz.",
            )
        return _existing(data_dir)
    if os.sep not in name and not Path(name).exists():
        near = nearest(name, dataset_names())
        hint = f"Did you mean {near[0]}?" if near else f"Known: {listed(dataset_names(), 'and')}."
        raise DataError(f"There is no dataset called {show(name)}.", hint)
    _refuse_folder(f"{plain(name)} is a place of its own", data_dir)
    return _existing(Path(name).expanduser())


def _existing(place: Path) -> Path:
    if not place.exists():
        raise DataError(f"{place}: there is no such folder or file.", "Check the path.")
    if not place.is_dir() and place.suffix.lower() != ".npz":
        raise DataError(
            f"{place}: expected a folder of pictures or a .npz file.", "Check the path."
        )
    return place


def _refuse_folder(why: str, data_dir: Path | None) -> None:
    if data_dir is not None:
        raise DataError(
            f"{why}, received {data_dir}.",
            f"Leave --data-dir out, or name another dataset: {listed((*_FILES, FOLDER))}.",
        )


class DatasetEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One dataset; an element of ``data list --json``."""

    name: str
    description: str
    input: tuple[int, int, int] | None
    """``(C, H, W)``; None where the user's pictures decide."""
    classes: int | None
    images: int | None
    ready: bool
    """Whether it can be loaded now, without a download and without naming a place."""
    download_bytes: int
    """Of what can be downloaded; 0 where nothing can."""
    folder: str
    """Where downloaded files are or go."""


_WORDS = {
    "digits": "handwritten digits, built in, the default",
    "shapes": "coloured figures, drawn by the program, built in",
    "mnist": "handwritten digits (LeCun et al. 1998)",
    "fashion-mnist": "pieces of clothing (Xiao et al. 2017)",
    "cifar10": "photographs of ten kinds (Krizhevsky 2009)",
    "cifar100": "photographs of a hundred kinds (Krizhevsky 2009)",
    FOLDER: "your own: a folder of pictures per class, or .npz",
}
_SIZES = {"digits": ((1, 8, 8), 1797), "shapes": ((3, 32, 32), 10_000)}
_CLASSES = {"cifar100": 100, FOLDER: None}


def entries() -> tuple[DatasetEntry, ...]:
    """Every dataset, in the order of :func:`dataset_names`."""
    return tuple(_entry(name) for name in dataset_names())


def _entry(name: str) -> DatasetEntry:
    source = SOURCES.get(name)
    folder = dataset_dir(name)
    shape, images = _SIZES.get(name, (None, None))
    if source:
        shape, images = source.input, source.train + source.test
    return DatasetEntry(
        name=name,
        description=_WORDS[name],
        input=shape,
        classes=_CLASSES.get(name, 10),
        images=images,
        ready=is_complete(name, folder) if source else name in _SIZES,
        download_bytes=source.size if source else 0,
        folder=str(folder) if source else "",
    )
