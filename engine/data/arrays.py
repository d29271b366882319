"""Images and labels in arrays: a ``.npz`` file, or ``.npy`` files side by side.

What an array is follows from the words of its name, in any of the usual spellings: ``x``,
``x_train``, ``trainX``, ``train_images``, ``val_labels``, ``y_test`` and so on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from cnn_tui.engine.data.assemble import Part, assemble
from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.data.labels import Labels
from cnn_tui.engine.data.npz import Arrays, open_npy, open_npz
from cnn_tui.engine.data.pixels import Shape, to_pixels
from cnn_tui.engine.data.tree import Tree, shown
from cnn_tui.engine.errors import DataError
from cnn_tui.engine.specs.wording import listed, plain

SPLIT_WORDS = {
    "train": ("train", "training", "tr", "trn"),
    "val": ("val", "valid", "validation", "dev", "publictest"),
    "test": ("test", "testing", "te", "tst", "privatetest"),
}
_IMAGES = {"x", "image", "images", "img", "imgs", "data", "pixels", "input", "inputs", "features"}
_LABELS = {"y", "label", "labels", "target", "targets"}
_NAMES = {"classes", "classnames", "labelnames", "targetnames", "categories", "names"}
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_MOST_LETTERS = 64


class _ArrayRoles(NamedTuple):
    """The names of the arrays of images and labels by split, and of that of class names."""

    images: dict[str, str]
    labels: dict[str, str]
    classes: str = ""
    note: str = ""


def load_npz(
    tree: Tree, at: str, *, wanted: Shape | None = None, classes: Sequence[str] = ()
) -> Dataset:
    """Load images and labels from a ``.npz`` file.

    Images are as for :func:`to_pixels`, labels as for :func:`classify`. An array of class names may
    stand beside them. If validation or test images are missing, a tenth is held out for each.

    Args:
        tree: Holds the file.
        at: The file.
        wanted: Shape of the network's input.
        classes: Names of all classes in order, in place of those of the file.

    Raises:
        DataError: The file is damaged, declares false sizes, or has other contents.
    """
    with open_npz(tree, at) as arrays:
        return _load(arrays, shown(tree, at), wanted, classes)


def load_npy(
    tree: Tree, at: str, *, wanted: Shape | None = None, classes: Sequence[str] = ()
) -> Dataset:
    """Load images and labels from a ``.npy`` file and those beside it; else as :func:`load_npz`."""
    folder = at.rpartition("/")[0]
    files = {
        PurePosixPath(file.name).stem: file
        for file in tree.files(folder)
        if file.name.lower().endswith(".npy")
    }
    where = shown(tree, at)
    with open_npy(tree, files, where) as arrays:
        return _load(arrays, where, wanted, classes)


def _load(arrays: Arrays, where: str, wanted: Shape | None, classes: Sequence[str]) -> Dataset:
    try:
        roles = _roles(arrays)
        if not classes and roles.classes:
            names = arrays.read(roles.classes)
            classes = [str(name) for name in names.ravel().tolist()]
        parts = {
            split: Part(
                to_pixels(arrays.read(name), name, wanted),
                Labels(arrays.read(roles.labels[split]), roles.labels[split]),
            )
            for split, name in roles.images.items()
        }
        name = plain(PurePosixPath(where).stem)[:_MOST_LETTERS]
        return assemble(name, parts, classes, (roles.note,) if roles.note else ())
    except DataError as error:
        if error.message.startswith(where):
            raise
        raise DataError(f"{where}: {error.message}", error.hint) from error


def _roles(arrays: Arrays) -> _ArrayRoles:
    """Which array is what, by names, else by shapes.

    Raises:
        DataError: It is not clear, or images or labels are missing.
    """
    named = _by_names(arrays)
    is_half = bool(named.images) != bool(named.labels)
    if (not named.images and not named.labels) or (is_half and len(arrays.names) > 1):
        roles = _by_shapes(arrays, named.classes)
    else:
        roles = named
    pairs = [split for split in SPLIT_WORDS if {split} <= roles.images.keys() & roles.labels.keys()]
    if len(pairs) == 1:
        # A single pair trains, whatever it is called.
        (only,) = pairs
        roles = roles._replace(
            images={"train": roles.images[only]}, labels={"train": roles.labels[only]}
        )
    elif "train" not in pairs:
        raise arrays.wrong(
            f"expected images and their labels, such as x and y or train_images and train_labels; "
            f"found {arrays.found()}"
        )
    images = {split: name for split, name in roles.images.items() if split in roles.labels}
    labels = {split: name for split, name in roles.labels.items() if split in roles.images}
    used = {*images.values(), *labels.values(), roles.classes}
    left = [plain(name)[:_MOST_LETTERS] for name in arrays.names if name not in used]
    note = f"Arrays that are not used: {listed(left, 'and')}." if left else roles.note
    return _ArrayRoles(images, labels, roles.classes, note)


def _by_names(arrays: Arrays) -> _ArrayRoles:
    roles = _ArrayRoles({}, {})
    for name in arrays.names:
        words = list(_words(name))
        if "".join(words) in _NAMES:
            roles = roles._replace(classes=name)
            continue
        split, rest = split_of(words) or "train", set(words)
        found = roles.labels if rest & _LABELS else roles.images if rest & _IMAGES else None
        if found is None:
            continue
        if split in found:
            raise arrays.wrong(
                f"it is not clear whether {plain(found[split])[:40]} or {plain(name)[:40]} is "
                f"meant; found {arrays.found()}"
            )
        found[split] = name
    return roles


def _words(name: str) -> Iterator[str]:
    """The words of a name in lower case: ``trainX`` and ``xtrain`` have two."""
    known = {word for words in SPLIT_WORDS.values() for word in words}
    for word in map(str.lower, _WORDS.findall(name)):
        yield from (word[0], word[1:]) if word[0] in "xy" and word[1:] in known else (word,)


def split_of(words: Sequence[str]) -> str:
    """The split that one of the words names; empty if none or several do."""
    splits = {split for split, known in SPLIT_WORDS.items() for word in words if word in known}
    return splits.pop() if len(splits) == 1 else ""


def _by_shapes(arrays: Arrays, classes: str) -> _ArrayRoles:
    """Images are the arrays of three or four axes, labels the others; pairs go by their order."""
    headers = {name: arrays.header(name) for name in arrays.names if name != classes}
    images = [name for name, header in headers.items() if len(header.shape) >= 3]
    labels = [name for name, header in headers.items() if len(header.shape) in (1, 2)]
    splits = {1: ("train",), 2: ("train", "test"), 3: ("train", "val", "test")}.get(len(images), ())
    pairs = list(zip(images, labels, strict=False))
    fits = all(headers[x].shape[0] == headers[y].shape[0] for x, y in pairs)
    if images and not labels:
        raise arrays.wrong(f"expected labels beside the images, found only {arrays.found()}")
    if not splits or len(images) != len(labels) or not fits:
        raise arrays.wrong(
            f"it is not clear which arrays are images and which are labels; found {arrays.found()}"
        )
    taken = [f"{plain(x)[:40]} and {plain(y)[:40]}" for x, y in pairs]
    each = (f"{pair} to {split}" for pair, split in zip(taken, splits, strict=True))
    return _ArrayRoles(
        dict(zip(splits, images, strict=True)),
        dict(zip(splits, labels, strict=True)),
        classes,
        note=f"Taken as images and labels by their shapes: {listed(each, 'and')}.",
    )
