"""Digests by which a run and its checkpoints recognise their network and their images."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import msgspec
import numpy as np

from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.errors import RunError
from cnn_tui.engine.runs.tensors import Layout
from cnn_tui.engine.specs.codec import dumps_network
from cnn_tui.engine.specs.network import COMPUTING, Network, Recipe

_CHUNK = 1024
"""Images per read: they may come from a file larger than the memory."""


_FREE = ("epochs", "patience", "keep_best", "keep_every", *COMPUTING)
"""Settings of the recipe that may differ when a run is resumed."""
_USUAL = Recipe(epochs=1)


@dataclass(frozen=True)
class Fingerprint:
    """The network, the data and the array shapes that a usable checkpoint was made with."""

    network: str
    data: str
    layout: Layout


def network_digest(network: Network) -> str:
    """SHA-256 of everything that decides the weights after a given step: no names, no epochs.

    Nor who computes, which decides no more than the rounding: a run may change its engine.
    """
    free = {name: getattr(_USUAL, name) for name in _FREE}
    bare = msgspec.structs.replace(network, name="", description="", data="").with_training(**free)
    return hashlib.sha256(dumps_network(bare).encode()).hexdigest()


def data_digest(dataset: Dataset) -> str:
    """SHA-256 of all images and labels; takes about a second for a gigabyte."""
    digest = hashlib.sha256()
    for split in (dataset.train, dataset.val, dataset.test):
        digest.update(f"{split.images.dtype} {split.images.shape}\n".encode())
        for start in range(0, len(split), _CHUNK):
            chunk = slice(start, start + _CHUNK)
            digest.update(_bytes(split.images[chunk]))
            digest.update(_bytes(split.labels[chunk]))
    return digest.hexdigest()


def require_same_data(owner: str, recorded: str, current: str) -> None:
    """Refuse data with another digest than the one that ``owner``, a run or a file, recorded.

    Raises:
        RunError: if the digests differ.
    """
    if current != recorded:
        raise RunError(
            f"{owner} was trained on other images or labels than these.",
            "Name the folder of the same data with --data-dir.",
        )


def _bytes(array: np.ndarray) -> memoryview:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
