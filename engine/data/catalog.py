"""Datasets by name or path: the list of them, and loading one."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec

from cnn_tui.engine.data.arrays import load_arrays
from cnn_tui.engine.data.built_in import load_digits, load_shapes
from cnn_tui.engine.data.cifar import load_cifar
from cnn_tui.engine.data.colours import lost_colours
from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.data.folder import DEFAULT_SHAPE, load_folder
from cnn_tui.engine.data.mnist import load_mnist
from cnn_tui.engine.data.sources import (
    FOLDER,
    SOURCES,
    Progress,
    dataset_dir,
    holds,
    is_complete,
    letters,
    oddities,
)
from cnn_tui.engine.data.subset import subset_for
from cnn_tui.engine.errors import DataError, MissingDataError
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.wording import listed, nearest, plain, show

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
    """The dataset that a spelling means, such as ``CIFAR-10`` or ``cifar_10``; None if unknown."""
    by_letters = {letters(name): name for name in dataset_names()}
    return by_letters.get(letters(word))


def locate(name: str, data_dir: Path | None) -> tuple[str, Path | None]:
    """Name and folder by which a dataset is found again from another working directory.

    A path becomes :data:`FOLDER` and the absolute path; a name gets its canonical spelling.
    """
    known = find_name(name)
    if known is None and data_dir is None and name and Path(name).expanduser().exists():
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
    """Load a dataset by name, or from a path: a folder of pictures or a ``.npz`` file.

    Args:
        name: A name that :func:`find_name` knows, or a path.
        data_dir: Folder of the dataset's files; by default that of ``data fetch``.
        shape: Size of the pictures of a folder, ``(C, H, W)``; 3x32x32 by default.
        skip_damaged: Leave damaged pictures of a folder out instead of refusing it.
        progress: Called while a folder's pictures are decoded.

    Raises:
        MissingDataError: A known dataset that has not been downloaded.
        DataError: The name is unknown, the folder is missing or not applicable, or files are
            damaged.
    """
    known = find_name(name)
    if known in _BUILT_IN:
        _refuse_folder(f"The dataset {known} is built in", data_dir)
        return _BUILT_IN[known]()
    if known in _FILES:
        return _from_files(known, data_dir)
    path = _own_path(name, data_dir)
    if path.is_file():
        return load_arrays(path)
    return load_folder(path, shape or DEFAULT_SHAPE, skip_damaged=skip_damaged, progress=progress)


def load_network_data(
    network: Network,
    data_dir: Path | None = None,
    *,
    skip_damaged: bool = False,
    progress: Progress | None = None,
) -> tuple[Network, Dataset, Path | None]:
    """The network with the full name of its data, that data, and the folder that holds it.

    Of the data only the part that the recipe asks for.

    Raises:
        DataError: As :func:`load_dataset` does.
    """
    name, data_dir = locate(network.data, data_dir)
    network = msgspec.structs.replace(network, data=name)
    shape = network.input
    dataset = load_dataset(
        name, data_dir, shape=shape, skip_damaged=skip_damaged, progress=progress
    )
    dataset = subset_for(dataset, network.training)
    if name == FOLDER and data_dir is not None and data_dir.is_dir() and shape[0] == 1:
        note = lost_colours(data_dir)
        dataset = replace(dataset, notes=(*dataset.notes, *filter(None, [note])))
    return network, dataset, data_dir


def _from_files(name: str, data_dir: Path | None) -> Dataset:
    folder = data_dir or dataset_dir(name)
    if data_dir is None and not is_complete(name, folder):
        size = SOURCES[name].size
        raise MissingDataError(
            f"The dataset {name} is not downloaded yet.",
            f"Download it ({size / 1e6:,.0f} MB) with: cnn-tui data fetch {name}; or give the "
            "folder of its files with --data-dir DIR.",
            name,
            size,
        )
    if not folder.is_dir():
        raise DataError(
            f"{folder}: there is no such folder.", f"Give the folder of the files of {name}."
        )
    dataset = _FILES[name](name, folder)
    if data_dir is None:
        return dataset
    counts = len(dataset.train) + len(dataset.val), len(dataset.test)
    return replace(dataset, notes=tuple(oddities(name, folder, *counts)))


def _own_path(name: str, data_dir: Path | None) -> Path:
    """The user's own folder or file."""
    if find_name(name) == FOLDER:
        if data_dir is None:
            raise DataError(
                "The dataset folder stands for your own pictures and needs their path.",
                "Give it with --data-dir: a folder with one folder per class, or a .npz file.",
            )
        return _existing(data_dir)
    if not name or (os.sep not in name and not Path(name).exists()):
        near = nearest(name, dataset_names())
        hint = f"Did you mean {near[0]}?" if near else f"Known: {listed(dataset_names(), 'and')}."
        raise DataError(f"There is no dataset called {show(name)}.", hint)
    _refuse_folder(f"{plain(name)} is already a path", data_dir)
    return _existing(Path(name).expanduser())


def _existing(path: Path) -> Path:
    if not path.exists():
        raise DataError(f"{path}: there is no such folder or file.", "Check the path.")
    if not path.is_dir() and path.suffix.lower() != ".npz":
        raise DataError(f"{path}: expected a folder of pictures or a .npz file.", "Check the path.")
    return path


def _refuse_folder(why: str, data_dir: Path | None) -> None:
    if data_dir is not None:
        raise DataError(
            f"{why}; --data-dir does not apply, received {data_dir}.",
            f"Omit --data-dir, or choose another dataset: {listed((*_FILES, FOLDER))}.",
        )


class DatasetEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset in the list; an element of ``data list --json``."""

    name: str
    description: str
    input: tuple[int, int, int] | None
    """``(C, H, W)``; None for the user's own pictures."""
    classes: int | None
    images: int | None
    ready: bool
    """Whether it can be loaded now, without a download and without a path."""
    download_bytes: int
    """Size of the download; 0 if there is none."""
    folder: str
    """Folder of the downloaded files, existing or not."""


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


def entries(
    folder_of: Callable[[str], Path | None] = lambda name: None,
) -> tuple[DatasetEntry, ...]:
    """All datasets, in the order of :func:`dataset_names`.

    ``folder_of`` returns the folder that was given for a dataset in place of the usual one.
    """
    return tuple(_entry(name, folder_of(name)) for name in dataset_names())


def _entry(name: str, given: Path | None) -> DatasetEntry:
    source, ready = SOURCES.get(name), _is_ready(name, given)
    folder = given if given and ready else dataset_dir(name)
    shape, images = _SIZES.get(name, (None, None))
    if source:
        shape, images = source.input, source.train + source.test
    return DatasetEntry(
        name=name,
        description=_WORDS[name],
        input=shape,
        classes=_CLASSES.get(name, 10),
        images=images,
        ready=ready,
        download_bytes=source.size if source else 0,
        folder=str(folder) if source or given else "",
    )


def _is_ready(name: str, given: Path | None) -> bool:
    if name in SOURCES:
        return holds(name, given) if given else is_complete(name, dataset_dir(name))
    return name in _SIZES or given is not None
