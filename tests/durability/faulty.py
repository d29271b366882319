"""A disk that fails on command, and small runs on it."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import BinaryIO

import numpy as np

from cnn_tui.engine.data.dataset import Dataset, Split
from cnn_tui.engine.specs.layers import FC, BatchNorm, Conv, ReLU
from cnn_tui.engine.specs.network import Network, Recipe
from cnn_tui.engine.storage import Data, Storage

KINDS = ("open", "write", "fsync", "replace")


class FaultyStorage(Storage):
    """Counts the calls of each kind and fails those in ``failing``, a call of ``kind`` each.

    A write that fails leaves half of its bytes behind, as a full disk does.
    """

    def __init__(self, kind: str = "", failing: range = range(0), code: int = errno.ENOSPC) -> None:
        self.kind, self.failing, self.code = kind, failing, code
        self.calls = dict.fromkeys(KINDS, 0)

    def _fails(self, kind: str) -> bool:
        number = self.calls[kind]
        self.calls[kind] += 1
        return kind == self.kind and number in self.failing

    def _error(self) -> OSError:
        return OSError(self.code, os.strerror(self.code))

    def open(self, path: Path, mode: str) -> BinaryIO:
        if self._fails("open"):
            raise self._error()
        return super().open(path, mode)

    def write(self, file: BinaryIO, data: Data) -> None:
        if self._fails("write"):
            super().write(file, memoryview(data)[: len(data) // 2])
            raise self._error()
        super().write(file, data)

    def fsync(self, descriptor: int) -> None:
        if self._fails("fsync"):
            raise self._error()
        # What a power cut would take is not looked at here; waiting for the disk would be slow.

    def replace(self, source: Path, target: Path) -> None:
        if self._fails("replace"):
            raise self._error()
        super().replace(source, target)


def noise(seed: int = 0) -> Dataset:
    """Two batches an epoch."""
    rng = np.random.default_rng(seed)

    def split(n: int) -> Split:
        return Split(rng.integers(0, 17, (n, 1, 4, 4), dtype=np.uint8), rng.integers(0, 2, n))

    return Dataset("noise", ("a", "b"), split(12), split(5), split(5))


def tiny(epochs: int = 2) -> Network:
    return Network(
        name="tiny",
        input=(1, 4, 4),
        data="noise",
        layers=(Conv(out_channels=2), BatchNorm(), ReLU(), FC(out_features=2)),
        training=Recipe(epochs=epochs, batch_size=8, optimizer="momentum"),
    )
