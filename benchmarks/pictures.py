"""A folder of JPEGs: decoded the first time, read from the cache the second; and its memory.

Prints one line; the wanted figures are for 10,000 pictures on two cores.

    .venv/bin/python benchmarks/pictures.py --pictures 10000
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WANTED = {"first_seconds": 6.0, "second_seconds": 0.3, "memory_above_set_mb": 200.0}
_CLASSES = 10


def make(folder: Path, count: int) -> None:
    """Photographs as phones make them, but of 32 to 64 pixels: gradients with noise."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(0)
    for number in range(count):
        place = folder / f"class{number % _CLASSES}"
        place.mkdir(parents=True, exist_ok=True)
        height, width = rng.integers(32, 65, 2)
        ramp = np.linspace(0, 150, width)[None, :, None] + rng.integers(0, 60, (height, 1, 3))
        noise = rng.normal(0, 12, (height, width, 3))
        pixels = np.clip(ramp + noise, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(place / f"{number:06}.jpg", quality=85)


def load(folder: Path, side: int) -> dict[str, float]:
    """Seconds and megabytes of one loading, in this process."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    from cnn_tui.engine.data.catalog import load_dataset

    imported = time.perf_counter()
    data = load_dataset(str(folder), shape=(3, side, side))
    seconds = time.perf_counter() - imported
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    whole = (len(data.train) + len(data.val) + len(data.test)) * 3 * side * side
    return {
        "seconds": round(seconds, 3),
        "import_seconds": round(imported - began, 3),
        "memory_mb": round(grown / 1024, 1),
        "set_mb": round(whole / 1e6, 1),
    }


def measure(folder: Path, side: int, cache: Path) -> dict[str, float]:
    """The same in a new process, with a cache of its own."""
    command = [sys.executable, __file__, "--load", str(folder), "--side", str(side)]
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--load", type=Path)
    options = parser.parse_args()
    if options.load:
        print(json.dumps(load(options.load, options.side)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder, cache = Path(temporary) / "set", Path(temporary) / "cache"
        make(folder, options.pictures)
        first, second = (measure(folder, options.side, cache) for _ in range(2))
    print(
        f"{options.pictures:,} JPEGs to 3x{options.side}x{options.side}: first "
        f"{first['seconds']:.2f} s (wanted under {WANTED['first_seconds']:g}), second "
        f"{second['seconds']:.2f} s (under {WANTED['second_seconds']:g}), memory "
        f"{first['memory_mb']:.0f} MB for a set of {first['set_mb']:.0f} MB (wanted at most "
        f"{WANTED['memory_above_set_mb']:g} MB more)"
    )


if __name__ == "__main__":
    main()
