"""Sets of MedMNIST v2 (Yang et al. 2023): one ``.npz`` file with three splits of 28x28 pixels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cnn_tui.engine.data.arrays import load_npz
from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.data.sets import SOURCES
from cnn_tui.engine.data.tree import FolderTree


def load_medmnist(name: str, folder: Path) -> Dataset:
    """Load ``folder/NAME.npz``: ``train_images (N, 28, 28[, 3])``, ``train_labels (N, 1)`` ...

    Raises:
        DataError: The file is missing or damaged, or holds other arrays.
    """
    source = SOURCES[name]
    file = source.files[0].name
    return replace(load_npz(FolderTree(folder), file, classes=source.classes), name=name)
