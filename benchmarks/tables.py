"""How long a CSV file of MNIST's size takes to read, and how much memory.

python benchmarks/tables.py [ROWS]
"""

from __future__ import annotations

import gzip
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from cnn_tui.engine.data.catalog import load_dataset

PIXELS = 784


def write(path: Path, rows: int) -> None:
    """A file like Kaggle's, of noise as sparse as handwriting."""
    rng = np.random.default_rng(0)
    with path.open("w") as file:
        file.write(",".join(["label", *(f"pixel{at}" for at in range(PIXELS))]) + "\n")
        for start in range(0, rows, 1000):
            count = min(1000, rows - start)
            ink = rng.random((count, PIXELS)) < 0.19
            pixels = np.where(ink, rng.integers(1, 256, ink.shape), 0)
            labels = rng.integers(0, 10, count)
            np.savetxt(file, np.column_stack([labels, pixels]), fmt="%d", delimiter=",")


def measure(path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    dataset = load_dataset(str(path))
    seconds = time.perf_counter() - began
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    images = sum(len(split) for split in (dataset.train, dataset.val, dataset.test))
    print(
        f"{path.name}: {path.stat().st_size / 1e6:.0f} MB, {images:,} images in {seconds:.1f} s; "
        f"memory grew by {grown:.0f} MB, the images are {images * PIXELS / 1e6:.0f} MB"
    )


if __name__ == "__main__":
    rows = int(sys.argv[1]) if sys.argv[1:] else 60_000
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "train.csv"
        write(plain, rows)
        measure(plain)
        packed = plain.with_suffix(".csv.gz")
        packed.write_bytes(gzip.compress(plain.read_bytes(), 1))
        measure(packed)
