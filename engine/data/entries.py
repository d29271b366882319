"""What datasets there are, before any of them is loaded."""

from __future__ import annotations

import msgspec

from cnn_tui.engine.data.catalog import FOLDER, dataset_names
from cnn_tui.engine.data.places import dataset_dir
from cnn_tui.engine.data.sources import SOURCES, is_complete


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
_BUILT_IN = {"digits": ((1, 8, 8), 1797), "shapes": ((3, 32, 32), 10_000)}
_CLASSES = {"cifar100": 100, FOLDER: None}


def entries() -> tuple[DatasetEntry, ...]:
    """Every dataset, in the order of :func:`dataset_names`."""
    return tuple(_entry(name) for name in dataset_names())


def _entry(name: str) -> DatasetEntry:
    source = SOURCES.get(name)
    folder = dataset_dir(name)
    shape, images = _BUILT_IN.get(name, (None, None))
    if source:
        shape, images = source.input, source.train + source.test
    return DatasetEntry(
        name=name,
        description=_WORDS[name],
        input=shape,
        classes=_CLASSES.get(name, 10),
        images=images,
        ready=is_complete(name, folder) if source else name in _BUILT_IN,
        download_bytes=source.size if source else 0,
        folder=str(folder) if source else "",
    )
