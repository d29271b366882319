"""Datasets by name or path: the list of them, and loading one."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from cnn_tui.engine.data.archived import few_archived, load_archived
from cnn_tui.engine.data.built_in import USUAL, load_digits, load_shapes, shapes_count
from cnn_tui.engine.data.cifar import load_cifar
from cnn_tui.engine.data.colours import lost_colours
from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.data.few import few_of, first_of_classes
from cnn_tui.engine.data.folder import DEFAULT_SHAPE, load_pictures
from cnn_tui.engine.data.forms import FORMS
from cnn_tui.engine.data.medmnist import load_medmnist
from cnn_tui.engine.data.mnist import load_mnist
from cnn_tui.engine.data.own import contents, read_own
from cnn_tui.engine.data.reading import ReadingOptions
from cnn_tui.engine.data.sources import (
    FOLDER,
    IMAGENET,
    OWN,
    SOURCES,
    Progress,
    dataset_dir,
    found_in,
    holds,
    is_complete,
    oddities,
    within,
)
from cnn_tui.engine.data.subset import subset_for
from cnn_tui.engine.errors import DataError, MissingDataError
from cnn_tui.engine.specs.known_data import facts_of, letters
from cnn_tui.engine.specs.network import Network, ResizeRule
from cnn_tui.engine.specs.wording import did_you_mean, listed, plain, show

BUILT_IN = ("digits", "shapes")
_ARRAYS: dict[str, Callable[[str, Path], Dataset]] = {
    "idx": load_mnist,
    "cifar": load_cifar,
    "medmnist": load_medmnist,
}
"""How the files of each form are read; pictures are brought to a size as well."""


def dataset_names() -> tuple[str, ...]:
    """Every name that :func:`load_dataset` knows, the built-in ones first."""
    return (*BUILT_IN, *SOURCES, *OWN)


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
    resize: ResizeRule = "crop",
    classes: Sequence[str] = (),
    labels_from: str = "",
    skip_damaged: bool = False,
    progress: Progress | None = None,
) -> Dataset:
    """Load a dataset by name, or from a path: pictures or arrays in any form that is read.

    Args:
        name: A name that :func:`find_name` knows, or a path.
        data_dir: Folder of the dataset's files; by default that of ``data fetch``.
        shape: Size at which pictures are read and shapes drawn, ``(C, H, W)``; 3x32x32 by
            default. Other data has its own.
        resize: How pictures of another size are brought to it.
        classes: Names of all classes in order; by default those that are found.
        labels_from: Where the labels of data of one's own are, if not at a usual place; see
            :class:`ReadingOptions`.
        skip_damaged: Leave damaged pictures of a folder out instead of refusing it.
        progress: Called while pictures are decoded or drawn, or a table is read.

    Raises:
        MissingDataError: A known dataset that has not been downloaded.
        DataError: The name is unknown, the folder is missing or not applicable, or files are
            damaged.
    """
    known = find_name(name)
    options = ReadingOptions(shape, resize, classes, labels_from, skip_damaged, progress)
    if known in BUILT_IN:
        _refuse_folder(f"The dataset {known} is built in", data_dir)
        shapes = known == "shapes"
        dataset = load_shapes(shape or DEFAULT_SHAPE, progress) if shapes else load_digits()
        return _with_classes(dataset, classes)
    if known in SOURCES:
        return _with_classes(_from_files(known, data_dir, options), classes)
    path = _own_path(name, data_dir)
    found = read_own(path, options)
    return found if isinstance(found, Dataset) else load_pictures(path, found, options)


def load_few(name: str, data_dir: Path | None, most: int) -> Dataset:
    """Load a dataset for a look: of pictures only one of each of the first ``most`` classes.

    The training split has them, at 3x32x32; nothing is decoded into the cache.

    Raises:
        DataError: As :func:`load_dataset` does.
    """
    known = find_name(name)
    if known in SOURCES and SOURCES[known].form == "pictures":
        return few_archived(known, _folder_of(known, data_dir), DEFAULT_SHAPE, most)
    if known in SOURCES or known in BUILT_IN:
        return load_dataset(name, data_dir)
    path = _own_path(name, data_dir)
    found = read_own(path, ReadingOptions())
    if isinstance(found, Dataset):
        return found
    first = first_of_classes(found, most)
    chosen = found._replace(pictures=tuple(found.pictures[index] for index in first.values()))
    title = plain(path.resolve().name) or "images"
    return few_of(title, found.classes, zip(first, contents(chosen), strict=True), DEFAULT_SHAPE)


def _with_classes(dataset: Dataset, classes: Sequence[str]) -> Dataset:
    """The dataset, whose own classes are known, if they are those that were listed."""
    if classes and tuple(classes) != dataset.classes:
        raise DataError(
            f"The dataset {dataset.name} has {len(dataset.classes)} classes of its own, others are "
            "listed.",
            "Take the list of classes out, or choose other data.",
        )
    return dataset


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
    dataset = load_dataset(
        name,
        data_dir,
        shape=network.input,
        resize=network.training.resize,
        classes=network.classes,
        labels_from=network.labels_from,
        skip_damaged=skip_damaged,
        progress=progress,
    )
    dataset = subset_for(dataset, network.training)
    if name == FOLDER and data_dir is not None and data_dir.is_dir() and network.input[0] == 1:
        note = lost_colours(data_dir)
        dataset = replace(dataset, notes=(*dataset.notes, *filter(None, [note])))
    return network, dataset, data_dir


def _from_files(name: str, data_dir: Path | None, options: ReadingOptions) -> Dataset:
    folder = _folder_of(name, data_dir)
    form = SOURCES[name].form
    if form == "pictures":
        dataset = load_archived(name, folder, options)
    else:
        dataset = _ARRAYS[form](name, folder)
    if data_dir is None:
        return dataset
    counts = len(dataset.train) + len(dataset.val), len(dataset.test)
    notes = [found_in(name, data_dir), *oddities(name, folder, *counts)]
    return replace(dataset, notes=tuple(filter(None, notes)))


def _folder_of(name: str, data_dir: Path | None) -> Path:
    """The folder with the files of a dataset that can be downloaded."""
    folder = within(name, data_dir) if data_dir else dataset_dir(name)
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
    return folder


def _own_path(name: str, data_dir: Path | None) -> Path:
    """The user's own folder or file."""
    if find_name(name) == IMAGENET:
        if data_dir is None:
            raise MissingDataError(
                "ImageNet is not among the datasets that can be downloaded.",
                "Train on drawn shapes with --data shapes, on ten of its classes with --data "
                "imagenette, or on your copy, in folders of its classes, with --data-dir DIR.",
                IMAGENET,
                0,
            )
        return _existing(data_dir)
    if find_name(name) == FOLDER:
        if data_dir is None:
            raise DataError(
                "The dataset folder stands for your own pictures and needs their path.",
                f"Give it with --data-dir: {FORMS}.",
            )
        return _existing(data_dir)
    if "://" in name:
        raise DataError(
            f"{plain(name)} is an address, which is not read.", "Download it, and give its path."
        )
    if not name or (os.sep not in name and not Path(name).exists()):
        hint = did_you_mean(name, dataset_names(), "cnn-tui data list shows all of them.")
        raise DataError(f"There is no dataset called {show(name)}.", hint)
    _refuse_folder(f"{plain(name)} is already a path", data_dir)
    return _existing(Path(name).expanduser())


def _existing(path: Path) -> Path:
    if not path.exists():
        raise DataError(f"{path}: there is no such folder or file.", "Check the path.")
    return path


def _refuse_folder(why: str, data_dir: Path | None) -> None:
    if data_dir is not None:
        raise DataError(
            f"{why}; --data-dir does not apply, received {data_dir}.",
            f"Omit --data-dir, or choose another dataset: {listed((*SOURCES, *OWN))}.",
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
    """Whether the dataset can be loaded now, without a download and without a path."""
    download_bytes: int
    """Size of the download; 0 if there is none."""
    folder: str
    """Folder of the downloaded files, existing or not."""


_WORDS = {
    "digits": "handwritten digits, built in, the default",
    "shapes": "figures drawn in any size and colour, built in",
    IMAGENET: "your copy of ImageNet, or of some of its classes",
    FOLDER: "your own: pictures in folders, .npz, .csv, .zip and so on",
}
_COUNTS = {"digits": 1797, "shapes": shapes_count(USUAL)}


def entries(
    folder_of: Callable[[str], Path | None] = lambda name: None,
) -> tuple[DatasetEntry, ...]:
    """All datasets, in the order of :func:`dataset_names`.

    ``folder_of`` returns the folder that was given for a dataset in place of the usual one.
    """
    return tuple(_entry(name, folder_of(name)) for name in dataset_names())


def _entry(name: str, given: Path | None) -> DatasetEntry:
    source, ready, facts = SOURCES.get(name), _is_ready(name, given), facts_of(name)
    folder = within(name, given) if given and ready else dataset_dir(name)
    return DatasetEntry(
        name=name,
        description=source.words if source else _WORDS[name],
        input=facts.shape,
        classes=facts.classes,
        images=source.train + source.test if source else _COUNTS.get(name),
        ready=ready,
        download_bytes=source.size if source else 0,
        folder=str(folder) if source or given else "",
    )


def _is_ready(name: str, given: Path | None) -> bool:
    if name in SOURCES:
        return holds(name, within(name, given)) if given else is_complete(name, dataset_dir(name))
    return name in BUILT_IN or given is not None
