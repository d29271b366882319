"""A dataset at a path of the user's, in any form that is read: the table of the forms."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from cnn_tui.engine.data.arrays import load_npy, load_npz
from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.data.forms import FORMS, PARQUET, TABLES
from cnn_tui.engine.data.idx_folder import IDX, load_idx
from cnn_tui.engine.data.layouts import NAME, Layout, find_layout, has_classes, list_pictures
from cnn_tui.engine.data.listing import Listing
from cnn_tui.engine.data.parquet import FORM, list_parquet, read_row
from cnn_tui.engine.data.picture_tables import Pictures, is_picture_table
from cnn_tui.engine.data.pictures import SUFFIXES
from cnn_tui.engine.data.reading import ReadingOptions
from cnn_tui.engine.data.table_sets import read_tables
from cnn_tui.engine.data.tree import FolderTree, StoredFile, Tree, ZipTree, join, read_member, shown
from cnn_tui.engine.errors import DataError
from cnn_tui.engine.specs.wording import listed, plain, show

FOLDERS = "folders"
"""``labels_from`` for folders that are the classes, although a table lies beside them."""
_DEEPEST = 3
_MOST_LETTERS = 64
_PICKLED = re.compile(r"(data_batch_\d+|test_batch|batches\.meta|.*\.(pkl|pickle|p))$")
_PYTHON_CIFAR = re.compile(r"cifar-?(100?)(-batches-py|-python|.*\.(pkl|pickle|p)$)")
_CONVERT = "Convert it: numpy.savez('mine.npz', x=images, y=labels)"
_INSTEAD = {
    ".tar": "Unpack it, and give the folder.",
    ".gz": "Unpack it, and give the folder.",
    ".tgz": "Unpack it, and give the folder.",
    ".7z": "Unpack it, and give the folder.",
    ".rar": "Unpack it, and give the folder.",
    ".mat": f"{_CONVERT} after scipy.io.loadmat, or h5py.File for a file of MATLAB 7.3.",
    **dict.fromkeys((".h5", ".hdf5", ".hdf"), f"{_CONVERT} after opening it with h5py."),
    **dict.fromkeys(
        (".pt", ".pth"),
        "Convert it: numpy.savez('mine.npz', x=x.numpy(), y=y.numpy()) after torch.load.",
    ),
    **dict.fromkeys((".arrow", ".feather"), "Save it as Parquet, with columns image and label."),
    **dict.fromkeys((".xlsx", ".xls", ".ods"), "Save it as CSV in UTF-8."),
    **dict.fromkeys((".txt", ".dat", ".data"), "If it is a table, name it .csv."),
    **dict.fromkeys(SUFFIXES, "To classify one picture, use cnn-tui predict RUN IMAGE."),
}

_AS_FOUND = ReadingOptions()


def read_own(path: Path, options: ReadingOptions = _AS_FOUND) -> Dataset | Listing:
    """Read what a path holds: arrays as a dataset, pictures as a list of them, not yet decoded.

    Raises:
        DataError: It is not there, damaged, or of a form that is not read.
    """
    if not path.exists():
        raise DataError(f"{path}: there is no such folder or file.", "Check the path.")
    if path.is_dir():
        return _named(_folder(FolderTree(path), path, options), path)
    if not path.is_file():
        raise DataError(f"{path}: it is neither a file nor a folder.", "Check the path.")
    if path.suffix.lower() == ".zip":
        return _named(_folder(ZipTree(path), path, options), path)
    tree = FolderTree(path.parent)
    for suffix, read in _FILES.items():
        if path.name.lower().endswith(suffix):
            return read(tree, path.name, options)
    raise _unread(path)


def _named(found: Dataset | Listing, path: Path) -> Dataset | Listing:
    """A set in a folder or an archive is called as that, not as one of its files."""
    if isinstance(found, Listing):
        return found
    return replace(found, name=plain(path.resolve().name)[:_MOST_LETTERS] or found.name)


def contents(listing: Listing) -> Iterator[Path | bytes]:
    """What each picture of a list is decoded from, in the order of the list."""
    for picture in listing.pictures:
        if listing.archive == FORM:
            yield read_row(picture.path)
        elif listing.archive:
            yield read_member(listing.archive, picture.path)
        else:
            yield Path(picture.path)


def _unread(path: Path) -> DataError:
    cifar = _PYTHON_CIFAR.search(str(path))
    if cifar or _PICKLED.fullmatch(path.name):
        return _pickled(path, cifar[1] if cifar else "10")
    hint = _INSTEAD.get(path.suffix.lower(), f"{_CONVERT}.")
    return DataError(f"{path}: expected {FORMS}.", hint)


def _pickled(path: Path, number: str = "10") -> DataError:
    return DataError(
        f"{path}: it would have to be unpickled, which can run any program, and is never done.",
        f"For CIFAR get the binary version, cifar-{number}-binary.tar.gz, with: cnn-tui data fetch "
        f"cifar{number}. Save other arrays with numpy.savez('mine.npz', x=images, y=labels).",
    )


def _require_own_labels(tree: Tree, at: str, options: ReadingOptions) -> None:
    """Refuse ``labels_from`` where the form itself says where the labels are."""
    if options.labels_from:
        raise DataError(
            f"{shown(tree, at)}: labels from {show(options.labels_from)} are of tables and "
            "pictures; arrays have their own.",
            "Leave --labels-from out.",
        )


def _npz(tree: Tree, at: str, options: ReadingOptions) -> Dataset:
    _require_own_labels(tree, at, options)
    return load_npz(tree, at, wanted=options.shape, classes=options.classes)


def _npy(tree: Tree, at: str, options: ReadingOptions) -> Dataset:
    _require_own_labels(tree, at, options)
    return load_npy(tree, at, wanted=options.shape, classes=options.classes)


def _idx(tree: Tree, at: str, options: ReadingOptions) -> Dataset:
    _require_own_labels(tree, at, options)
    return load_idx(tree, at.rpartition("/")[0], options.classes)


def _parquet(tree: Tree, at: str, options: ReadingOptions) -> Listing:
    file = next(file for file in tree.files(at.rpartition("/")[0]) if file.at == at)
    return list_parquet(tree, [file], labels_from=options.labels_from, classes=options.classes)


def _table(tree: Tree, at: str, options: ReadingOptions) -> Dataset | Listing:
    return read_tables(tree, [at], options)


_FILES: dict[str, Callable[[Tree, str, ReadingOptions], Dataset | Listing]] = {
    ".npz": _npz,
    ".npy": _npy,
    PARQUET: _parquet,
    **dict.fromkeys(IDX, _idx),
    **dict.fromkeys(TABLES, _table),
}


def _folder(tree: Tree, path: Path, options: ReadingOptions) -> Dataset | Listing:
    layout = find_layout(tree)
    tables = [
        file.at for file in files_below(tree, TABLES) if "submission" not in file.name.lower()
    ]
    is_asked = options.labels_from in (NAME, FOLDERS)
    asks_table = bool(tables and options.labels_from) and not is_asked
    by_folders = has_classes(tree, layout) and (layout.roots.keys() != {"train"} or not tables)
    if is_asked or (by_folders and not asks_table):
        return _pictures(tree, layout, options)
    if parquet := files_below(tree, (PARQUET,)):
        return list_parquet(tree, parquet, labels_from=options.labels_from, classes=options.classes)
    if tables:
        if has_classes(tree, layout) and not options.labels_from:
            _require_no_pictures(tree, tables)
            return _pictures(tree, layout, options)
        return read_tables(tree, tables, options)
    if files := files_below(tree, IDX):
        return _idx(tree, files[0].at, options)
    for suffix, read in ((".npz", _npz), (".npy", _npy)):
        if found := files_below(tree, (suffix,)):
            if suffix == ".npz" and len(found) > 1:
                names = listed([show(file.name) for file in found[:4]], "and")
                raise DataError(f"{path}: expected one .npz file, found {names}.", "Name one.")
            return read(tree, found[0].at, options)
    if pickled := [file for file in files_below(tree, ("",)) if _PICKLED.fullmatch(file.name)]:
        raise _unread(path / pickled[0].at)
    return _pictures(tree, layout, options)


def _pictures(tree: Tree, layout: Layout, options: ReadingOptions) -> Listing:
    if options.labels_from not in ("", NAME, FOLDERS):
        raise DataError(
            f"{shown(tree, '')}: there is no table with a column {show(options.labels_from)}.",
            "For pictures without a table, give --labels-from name or folders.",
        )
    return list_pictures(tree, layout, labels_from=options.labels_from, classes=options.classes)


def _require_no_pictures(tree: Tree, tables: Sequence[str]) -> None:
    """Refuse folders of pictures beside a table that names them too: it is not clear what holds."""
    pictures = Pictures(tree, "")
    naming = [at for at in tables if is_picture_table(tree, at, pictures)]
    if naming:
        raise DataError(
            f"{shown(tree, '')}: it is not clear whether the folders or {plain(naming[0])} say the "
            "classes of the pictures.",
            "Say it with --labels-from folders, or --labels-from COLUMN.",
        )


def files_below(tree: Tree, suffixes: tuple[str, ...]) -> list[StoredFile]:
    """The files with such an ending in the nearest folders that have any."""
    level = [""]
    for _ in range(_DEEPEST):
        found = [
            file for at in level for file in tree.files(at) if file.name.lower().endswith(suffixes)
        ]
        if found:
            return found
        level = [join(at, name) for at in level for name in tree.folders(at)]
    return []
