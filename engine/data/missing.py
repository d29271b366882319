"""Which dataset would have to be downloaded first; loads neither data nor NumPy."""

from __future__ import annotations

from pathlib import Path

from cnn_tui.engine.data.places import dataset_dir
from cnn_tui.engine.data.sources import SOURCES, is_complete


def missing(name: str, data_dir: Path | None = None) -> str | None:
    """The set that a name means, if it is one to be downloaded and is not here.

    Args:
        name: As ``load_dataset`` takes it.
        data_dir: Where the set is said to be; then nothing is to be downloaded.
    """
    if data_dir is not None:
        return None
    known = next((one for one in SOURCES if letters(one) == letters(name)), None)
    return known if known and not is_complete(known, dataset_dir(known)) else None


def letters(word: str) -> str:
    """A name without what people spell differently: ``CIFAR-10`` as ``cifar10``."""
    return word.lower().replace("-", "").replace("_", "")
