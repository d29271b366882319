"""What tells whether a checkpoint belongs to this network and these images."""

from __future__ import annotations

import hashlib

import msgspec
import numpy as np

from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.specs.codec import dumps_network
from cnn_tui.engine.specs.network import Network

_CHUNK = 1024
"""Images at a time: they may be read from a file larger than the memory."""


def network_digest(network: Network) -> str:
    """Of all that decides the weights after a given step, so without names and when to end."""
    training = msgspec.structs.replace(network.training, epochs=1, patience=None, keep_best=False)
    bare = msgspec.structs.replace(network, name="", description="", data="", training=training)
    return hashlib.sha256(dumps_network(bare).encode()).hexdigest()


def data_digest(dataset: Dataset) -> str:
    """Of every image and label; about a second for a gigabyte."""
    digest = hashlib.sha256()
    for split in (dataset.train, dataset.val, dataset.test):
        digest.update(f"{split.images.dtype} {split.images.shape}\n".encode())
        for start in range(0, len(split), _CHUNK):
            part = slice(start, start + _CHUNK)
            digest.update(_bytes(split.images[part]))
            digest.update(_bytes(split.labels[part]))
    return digest.hexdigest()


def _bytes(array: np.ndarray) -> memoryview:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
