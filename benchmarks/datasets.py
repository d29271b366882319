"""Loading time and memory of datasets, each measured in a separate process.

MNIST and CIFAR-10 are read from the given folders; a folder of tiny pictures is generated. k-NN on
MNIST is exact, 60,000 against 10,000, k = 3.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from memory import peak_mb, resident_mb


def ready(name: str, folder: Path) -> dict[str, float]:
    """Load a set and take one batch of it."""
    from cnn_tui.engine.data.catalog import load_dataset

    before = resident_mb()
    begin = time.perf_counter()
    dataset = load_dataset(name, folder)
    dataset.train.images[:128]
    seconds = time.perf_counter() - begin
    parts = (dataset.train, dataset.val, dataset.test)
    pixels = sum(len(part) * int(np.prod(dataset.input_shape)) for part in parts) / 2**20
    return {"seconds": seconds, "pixels_mb": pixels, "added_mb": peak_mb() - before}


def neighbours(folder: Path) -> dict[str, float]:
    """k-NN on raw pixels."""
    from cnn_tui.engine.baselines.neighbours import accuracy_of
    from cnn_tui.engine.cores import default_threads
    from cnn_tui.engine.data.catalog import load_dataset
    from cnn_tui.engine.threads import WorkerPool

    dataset = load_dataset("mnist", folder)
    team = WorkerPool(default_threads())
    begin = time.perf_counter()
    accuracy = accuracy_of(dataset, 3, "l2", pool=team)
    seconds = time.perf_counter() - begin
    team.close()
    return {"seconds": seconds, "accuracy": accuracy, "peak_mb": peak_mb()}


def make_pictures(folder: Path, count: int) -> None:
    """Tiny PNG files of ten classes."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for number in range(count):
        place = folder / f"class-{number % 10}"
        place.mkdir(exist_ok=True)
        pixels = rng.integers(0, 256, (8, 8, 3), np.uint8)
        Image.fromarray(pixels).save(place / f"{number}.png", compress_level=0)


def child(what: str, folder: Path) -> dict[str, float]:
    return neighbours(folder) if what == "knn" else ready(what, folder)


def measure(what: str, folder: Path) -> dict[str, object]:
    """Run the measurement in a new process."""
    command = [sys.executable, __file__, "--child", what, "--folder", str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return {"what": what, **json.loads(done.stdout)}


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--mnist", type=Path, metavar="DIR")
    parser.add_argument("--cifar10", type=Path, metavar="DIR")
    parser.add_argument("--pictures", type=int, metavar="N", help="how many in the folder")
    kinds = ("mnist", "cifar10", "folder", "knn")
    parser.add_argument("--child", choices=kinds, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    options = parsed()
    if options.child:
        print(json.dumps(child(options.child, options.folder)))
        return
    if options.mnist:
        print(json.dumps(measure("mnist", options.mnist)), flush=True)
        print(json.dumps(measure("knn", options.mnist)), flush=True)
    if options.cifar10:
        for _ in range(2):
            print(json.dumps(measure("cifar10", options.cifar10)), flush=True)
    if options.pictures:
        with tempfile.TemporaryDirectory() as made:
            make_pictures(Path(made), options.pictures)
            for _ in range(2):
                print(json.dumps(measure("folder", Path(made))), flush=True)


if __name__ == "__main__":
    main()
