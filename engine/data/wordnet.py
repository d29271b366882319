"""The classes of ImageNet: names for WordNet's numbers, and labels of validation pictures."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from cnn_tui.engine.data.tree import Tree

_ID = re.compile(r"n\d{8}")
_MOST_BYTES = 16 << 20
_NAMES = {"LOC_synset_mapping.txt": " ", "words.txt": "\t"}
"""Files of names, each line a number and its words, and what stands between them."""
_SOLUTIONS = {"LOC_val_solution.csv": ",", "val_annotations.txt": "\t"}
"""Files of the labels of validation pictures: the picture, the number, and boxes."""

IMAGENETTE = {
    "n01440764": "tench",
    "n02102040": "English springer",
    "n02979186": "cassette player",
    "n03000684": "chain saw",
    "n03028079": "church",
    "n03394916": "French horn",
    "n03417042": "garbage truck",
    "n03425413": "gas pump",
    "n03445777": "golf ball",
    "n03888257": "parachute",
}


def readable(tree: Tree, root: str, folders: Sequence[str]) -> Mapping[str, str]:
    """The class that each folder means; empty if these are not ImageNet's, or one is unknown."""
    if not all(map(_ID.fullmatch, folders)):
        return {}
    known = IMAGENETTE
    if not set(folders) <= known.keys():
        known = {}
        for text, separator in _beside(tree, root, _NAMES):
            pairs = (line.partition(separator) for line in text.splitlines())
            known |= {number: words for number, _, words in pairs}
    if not set(folders) <= known.keys():
        return {}
    titles = {folder: known[folder].partition(",")[0].strip() for folder in folders}
    # Two classes may share their first name: "crane" is a bird and a machine.
    counts = Counter(titles.values())
    return {
        folder: title if counts[title] == 1 else f"{title} ({folder})"
        for folder, title in titles.items()
    }


def solutions(tree: Tree, root: str) -> Mapping[str, str]:
    """The folder of the class of each validation picture, by the name without its suffix."""
    found = {}
    for text, separator in _beside(tree, root, _SOLUTIONS):
        for row in csv.reader(io.StringIO(text), delimiter=separator):
            if len(row) > 1 and _ID.match(row[1]):
                found[PurePosixPath(row[0]).stem] = row[1].split(" ")[0]
    return found


def _beside(tree: Tree, root: str, names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The text of each such file in a folder or in those around it, and its separator."""
    while True:
        for file in tree.files(root):
            if file.name in names and file.size <= _MOST_BYTES:
                with tree.open(file.at) as stream:
                    text = stream.read(_MOST_BYTES).decode("utf-8", "replace")
                yield text, names[file.name]
        if not root:
            return
        root = root.rpartition("/")[0]
