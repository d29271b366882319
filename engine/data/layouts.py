"""Folders of pictures as people and archives arrange them: classes, splits, wrappers.

A folder for each class; ``train``, ``val`` and ``test`` around them in any usual spelling; folders
around everything; ImageNet's own layout; or the class in the name of each file.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import PurePosixPath
from typing import NamedTuple

from cnn_tui.engine.data.annotated import require_classes
from cnn_tui.engine.data.arrays import SPLIT_WORDS, split_of
from cnn_tui.engine.data.listing import LabelledFile, Listing, make_listing
from cnn_tui.engine.data.pictures import SUFFIXES
from cnn_tui.engine.data.tree import StoredFile, Tree, join, shown
from cnn_tui.engine.data.wordnet import readable, solutions
from cnn_tui.engine.errors import DataError
from cnn_tui.engine.specs.wording import listed, plain, show

NAME = "name"
"""``labels_from`` for the class in the name of each picture."""
_FILLERS = {"set", "images", "image", "imgs", "img", "data", "dataset", "seg", "folder", "split"}
_INNER = ("ILSVRC/Data/CLS-LOC", "Data/CLS-LOC")
"""Where the pictures lie in the archives of ImageNet."""
_DEEPEST = 4
_MOST_NAMED = 4


class Layout(NamedTuple):
    """Where the pictures of each split lie, and what was passed over on the way."""

    roots: dict[str, str]
    """Folder by split; ``train`` is one of them."""
    notes: tuple[str, ...] = ()


def is_picture(file: StoredFile) -> bool:
    """Whether a file is named like a picture."""
    return file.at[file.at.rfind(".") :].lower() in SUFFIXES


def pictures_below(tree: Tree, at: str, depth: int = _DEEPEST) -> Iterator[StoredFile]:
    """Every picture in a folder and in those inside it."""
    yield from filter(is_picture, tree.files(at))
    if depth:
        for name in tree.folders(at):
            yield from pictures_below(tree, join(at, name), depth - 1)


def find_layout(tree: Tree, at: str = "") -> Layout:
    """Find the folders of the splits, through folders that wrap everything."""
    root, wrapped = _unwrapped(tree, at)
    notes: tuple[str, ...] = (f"The pictures are in {shown(tree, root)}.",) if wrapped else ()
    splits: dict[str, str] = {}
    for name in tree.folders(root):
        split = _split_named(name)
        if split and (split not in splits or _is_better(name, splits[split])):
            splits[split] = name
    others = [plain(name) for name in tree.folders(root) if name not in splits.values()]
    if "train" not in splits or (others and not _classes(tree, join(root, splits["train"]))):
        # A class may be called train, beside bus and tram.
        return Layout({"train": root}, notes)
    if others:
        notes += (f"Folders beside {plain(splits['train'])} are not read: {_few(others)}.",)
    roots = {
        split: _unwrapped(tree, join(root, splits[split]))[0]
        for split in SPLIT_WORDS
        if split in splits
    }
    return Layout(roots, notes)


def has_classes(tree: Tree, layout: Layout) -> bool:
    """Whether the training pictures are in two folders or more."""
    root = layout.roots["train"]
    with_pictures = (
        name
        for name in tree.folders(root)
        if any(True for _ in pictures_below(tree, join(root, name)))
    )
    return len(list(islice(with_pictures, 2))) > 1


def list_pictures(
    tree: Tree, layout: Layout, *, labels_from: str = "", classes: Sequence[str] = ()
) -> Listing:
    """List the pictures of a layout with their classes.

    Hidden files and files without the suffix of a picture are skipped.

    Args:
        tree: Holds the folders.
        layout: Where the splits lie.
        labels_from: :data:`NAME` takes the class from the name of each picture, else the folders
            are the classes.
        classes: Names of all classes in order; by default those that are found, sorted.

    Raises:
        DataError: There are fewer than two classes, or a class is empty or unreadable.
    """
    where = shown(tree, layout.roots["train"])
    if labels_from == NAME:
        found = [
            LabelledFile(file, _before_dot(file), split)
            for split, root in layout.roots.items()
            for file in pictures_below(tree, root)
        ]
        if not found:
            raise _no_classes(tree, layout, ())
        note = f"Classes from the names of the pictures: {_counted(found)}."
        return make_listing(tree, found, where, classes, (*layout.notes, note))
    names = _classes(tree, layout.roots["train"])
    if not labels_from and not classes:
        require_classes(tree, layout.roots["train"], names, lambda name: bool(_split_named(name)))
    if len(names) < 2:
        raise _no_classes(tree, layout, names)
    found, notes = [], list(layout.notes)
    for split, root in layout.roots.items():
        found += _split(tree, root, split, names, bool(classes), notes)
    titles = readable(tree, layout.roots["train"], names)
    if titles:
        found = [
            picture._replace(label=titles.get(str(picture.label), picture.label))
            for picture in found
        ]
    return make_listing(tree, found, where, classes, notes)


def _unwrapped(tree: Tree, at: str) -> tuple[str, bool]:
    """The folder inside folders that hold nothing but another one, and whether it is another."""
    root = at
    for _ in range(_DEEPEST):
        inner = next((join(root, name) for name in _INNER if _exists(tree, root, name)), None)
        folders = tree.folders(root)
        if inner is None and len(folders) == 1 and not any(map(is_picture, tree.files(root))):
            inner = join(root, folders[0])
            inner = inner if tree.folders(inner) else None
        if inner is None:
            break
        root = inner
    return root, root != at


def _exists(tree: Tree, root: str, inner: str) -> bool:
    for name in inner.split("/"):
        if name not in tree.folders(root):
            return False
        root = join(root, name)
    return True


def _split_named(name: str) -> str:
    """The split that the name of a folder means: ``Training Set``, ``seg_train``, ``valid``."""
    words = re.findall(r"[a-z]+", name.lower())
    known = [word for word in words if word not in _FILLERS]
    return split_of(known) if len(known) == 1 else ""


def _is_better(name: str, other: str) -> bool:
    """Whether a name says a split more plainly: ``test`` before ``test1``."""
    return len(name) < len(other)


def _classes(tree: Tree, root: str) -> tuple[str, ...]:
    root, _ = _unwrapped(tree, root)
    return tree.folders(root)


def _split(
    tree: Tree, root: str, split: str, names: Sequence[str], is_listed: bool, notes: list[str]
) -> Iterator[LabelledFile]:
    folders = tree.folders(root)
    if split != "train" and (not folders or (len(folders) == 1 and folders[0].lower() in _FILLERS)):
        yield from _unsorted(tree, join(root, *folders), split, notes)
        return
    unknown = [name for name in folders if name not in names]
    if unknown and not is_listed:
        raise DataError(
            f"{shown(tree, root)}: the folder {show(unknown[0])} is not a class of the training "
            "pictures.",
            "Remove it, or list every class in order with --classes A,B,...",
        )
    deep = 0
    for name in (*names, *unknown):
        place = join(root, name)
        pictures = list(pictures_below(tree, place)) if name in folders else []
        if not pictures and split == "train":
            raise DataError(
                f"{shown(tree, place)}: expected pictures ({', '.join(sorted(SUFFIXES))}), found "
                "none.",
                "Add pictures, or remove the folder.",
            )
        deep += sum(file.at.rpartition("/")[0] != place for file in pictures)
        yield from (LabelledFile(file, name, split) for file in pictures)
    if deep:
        notes.append(f"{deep:,} {split} pictures are in folders inside those of their classes.")


def _unsorted(tree: Tree, root: str, split: str, notes: list[str]) -> Iterator[LabelledFile]:
    """Pictures of a split that no folder gives a class: some sets have a file that does."""
    pictures = [file for file in tree.files(root) if is_picture(file)]
    known = solutions(tree, root) if split == "val" else {}
    if pictures and not known:
        notes.append(
            f"{shown(tree, root)}: {len(pictures):,} pictures without folders of classes are left "
            "out; cnn-tui predict reads them."
        )
    for file in pictures:
        label = known.get(PurePosixPath(file.name).stem)
        if label is not None:
            yield LabelledFile(file, label, split)


def _no_classes(tree: Tree, layout: Layout, names: Sequence[str]) -> DataError:
    root = layout.roots["train"]
    pictures = [file for file in tree.files(root) if is_picture(file)]
    where = shown(tree, root)
    if pictures and not names:
        found = [LabelledFile(file, _before_dot(file)) for file in pictures]
        is_of_use = 1 < len({picture.label for picture in found}) <= len(found) / 2
        guess = f", or add --labels-from name, which gives: {_counted(found)}" if is_of_use else ""
        received = f"{len(pictures):,} pictures" if len(pictures) > 1 else "one picture"
        return DataError(
            f"{where}: expected a folder of pictures for each class, received {received} in one "
            "folder.",
            f"Make such folders{guess}.",
        )
    received = f"only {show(names[0])}" if names else "none"
    return DataError(
        f"{where}: expected a folder of pictures for each of at least two classes, received "
        f"{received}.",
        "Put the pictures of each class into a folder of its name.",
    )


def _before_dot(file: StoredFile) -> str:
    """The class in a name: ``cat`` of ``cat.0.jpg``, ``cat_1.jpg``, ``cat1.jpg``, ``1_cat.jpg``."""
    first, _, rest = file.name.partition(".")
    return first if "." in rest else re.sub(r"^\d+[-_ ]+|[-_ ]*\(?\d+\)?$", "", first) or first


def _counted(found: Sequence[LabelledFile]) -> str:
    counts = Counter(picture.label for picture in found)
    return _few(
        [f"{plain(str(label))[:40]} ({count:,})" for label, count in sorted(counts.items())]
    )


def _few(words: Sequence[str]) -> str:
    if len(words) <= _MOST_NAMED:
        return listed(words, "and")
    return f"{', '.join(words[: _MOST_NAMED - 1])} and {len(words) - _MOST_NAMED + 1:,} more"
