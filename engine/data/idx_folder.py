"""A folder of IDX files: pairs of images and labels, as MNIST, KMNIST and EMNIST come."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from cnn_tui.engine.data.arrays import split_of
from cnn_tui.engine.data.assemble import Part, assemble
from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.data.labels import Labels
from cnn_tui.engine.data.mnist import read_idx
from cnn_tui.engine.data.tree import Tree
from cnn_tui.engine.errors import DataError
from cnn_tui.engine.specs.wording import listed, plain, show

IDX = ("-ubyte", "-ubyte.gz", ".idx", ".idx.gz")
"""Endings of IDX files."""
_PAIRS = {"images": 3, "labels": 1}
"""Words in the names of files, and the axes that these have."""


def load_idx(tree: Tree, folder: str, classes: Sequence[str] = ()) -> Dataset:
    """Load pairs of files, such as ``t10k-images-idx3-ubyte`` and ``t10k-labels-idx1-ubyte``.

    Raises:
        DataError: A file is damaged, or one of a pair is missing.
    """
    files = [file for file in tree.files(folder) if file.name.lower().endswith(IDX)]
    path = tree.path(folder)
    if tree.archive:
        raise DataError(f"{path}: IDX files are not read inside a zip.", "Unpack it first.")
    found: dict[str, dict[str, str]] = {}
    for file in files:
        words = re.findall(r"[a-z]+|t10k", file.name.lower().replace("t10k", "test"))
        kind = next((kind for kind in _PAIRS if kind in words), "")
        found.setdefault(split_of(words) or "train", {})[kind] = tree.path(file.at)
    parts = {}
    for split, pair in found.items():
        if not pair.keys() >= _PAIRS.keys():
            names = listed([show(file.name) for file in files[:4]], "and")
            raise DataError(
                f"{path}: expected a file of images and one of labels to {split}, found {names}.",
                "Add the file that is missing.",
            )
        images, labels = (read_idx(Path(pair[kind]), axes) for kind, axes in _PAIRS.items())
        parts[split] = Part(images[:, None], Labels(labels, pair["labels"]))
    if "train" not in parts:
        raise DataError(f"{path}: expected files to train with, found only others.")
    return assemble(plain(Path(path).resolve().name), parts, classes)
