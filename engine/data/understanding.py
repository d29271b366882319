"""What a folder or file is found to hold, in words, before a network is trained on it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from cnn_tui.engine.data.catalog import find_name, load_dataset
from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.data.forms import PARQUET, TABLES
from cnn_tui.engine.data.idx_folder import IDX
from cnn_tui.engine.data.layouts import find_layout, list_pictures, pictures_below
from cnn_tui.engine.data.listing import Listing
from cnn_tui.engine.data.own import files_below, read_own
from cnn_tui.engine.data.reading import ReadingOptions
from cnn_tui.engine.data.sources import OWN, SOURCES, found_in, holds, within
from cnn_tui.engine.data.tree import FolderTree
from cnn_tui.engine.errors import DataError
from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.wording import listed

_MOST_NAMED = 4


_FORMS = {
    "idx": "IDX files",
    "cifar": "CIFAR binary files",
    "medmnist": "NumPy arrays in a .npz file",
    "pictures": "pictures",
}
_IN_FOLDERS = {
    (PARQUET,): "Parquet files",
    TABLES: "CSV files",
    IDX: "IDX files",
    (".npz",): "NumPy arrays in a .npz file",
    (".npy",): "NumPy arrays in .npy files",
}
"""Endings of files, in the order in which they are looked for."""
_SUFFIXES = {
    ".npz": "NumPy arrays in a .npz file",
    ".npy": "a NumPy array",
    ".csv": "a CSV file",
    ".csv.gz": "a gzipped CSV file",
    ".tsv": "a TSV file",
    ".tsv.gz": "a gzipped TSV file",
    ".parquet": "a Parquet file",
    ".zip": "a zip file, read in place",
}


def form_of(name: str, data_dir: Path | None = None) -> str:
    """Say what a dataset is read from, in words."""
    known = find_name(name)
    if known in SOURCES:
        return _FORMS[SOURCES[known].form]
    if known is not None and known not in OWN:
        return "built in"
    path = Path(name).expanduser() if known is None else data_dir
    if path is None:
        return ""
    if path.is_dir():
        return _form_of_folder(FolderTree(path))
    return next((words for end, words in _SUFFIXES.items() if path.name.lower().endswith(end)), "")


def _form_of_folder(tree: FolderTree) -> str:
    if next(pictures_below(tree, ""), None):
        return "a folder of pictures"
    forms = (words for ends, words in _IN_FOLDERS.items() if files_below(tree, ends))
    return next(forms, "a folder of pictures")


def understood(name: str, path: Path, network: Network | None = None) -> str:
    """Return what ``path`` holds of the dataset ``name``: images, classes, and what is odd.

    A ``network`` may list the classes of data of one's own and say where its labels are.

    Files of a known dataset are read as for a training; pictures of one's own are only counted.

    Raises:
        DataError: It does not hold the dataset, or the files are damaged.
    """
    if not path.exists():
        raise DataError(f"{path}: there is no such folder or file.", "Check the path.")
    if name not in OWN:
        pictures = SOURCES[name].form == "pictures"
        return _archive(name, path) if pictures else _of(_known(name, path))
    options = ReadingOptions()
    if network:
        options = ReadingOptions(
            network.input, classes=network.classes, labels_from=network.labels_from
        )
    found = read_own(path, options)
    return _of(found) if isinstance(found, Dataset) else _pictures(found)


def _archive(name: str, folder: Path) -> str:
    """Pictures are only counted, and those in an archive are not read at all."""
    words, folder = found_in(name, folder), within(name, folder)
    return f"{_archived(name, folder)} {words}".rstrip()


def _archived(name: str, folder: Path) -> str:
    archive = folder / SOURCES[name].files[0].name
    if archive.is_file():
        return f"{archive.name}, {archive.stat().st_size / 1e6:,.0f} MB."
    inside = folder / archive.stem
    tree = FolderTree(inside if inside.is_dir() else folder)
    return _pictures(list_pictures(tree, find_layout(tree)))


def _known(name: str, folder: Path) -> Dataset:
    try:
        return load_dataset(name, folder)
    except DataError as error:
        if holds(name, folder):
            raise
        raise DataError(error.message, _elsewhere(name, folder)) from None


def _elsewhere(name: str, folder: Path) -> str:
    """Where the files are instead, or that they are not: one folder deeper, or another dataset."""
    inner = [path for path in _folders(folder) if holds(name, path)]
    if inner:
        return f"Did you mean {inner[0]}?"
    others = [other for other in SOURCES if holds(other, folder)]
    return f"These are the files of {listed(others)}." if others else "Choose another folder."


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError:
        return []


def _of(dataset: Dataset) -> str:
    counts = f"{len(dataset.train) + len(dataset.val):,} + {len(dataset.test):,} images"
    shape = format_shape(dataset.train.images.shape[1:])
    return " ".join((f"{counts} of {shape}, {_classes(dataset.classes)}.", *dataset.notes))


def _pictures(listing: Listing) -> str:
    each = Counter(picture.label for picture in listing.pictures)
    least, most = min(each.values()), max(each.values())
    per = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    total = f"{len(listing.pictures):,} pictures"
    return " ".join((f"{total}, {_classes(listing.classes)}, {per} of each.", *listing.notes))


def _classes(names: tuple[str, ...]) -> str:
    shown = listed(names, "and") if len(names) <= _MOST_NAMED else f"{names[0]} to {names[-1]}"
    return f"{len(names)} classes: {shown}"
