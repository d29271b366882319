"""Cost of augmentation in a training step, against none, alternately.

Batches come from the trainer's own loader, which prepares them on a thread, one ahead. Besides the
cost of whole steps, the time of the augmentation alone is reported as a share of a step.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time

import msgspec
import numpy as np
from _common import RECIPE, Workload, workload

from cnn_tui.engine.build import build
from cnn_tui.engine.data.augment import Augmenter
from cnn_tui.engine.data.dataset import Split
from cnn_tui.engine.data.loader import Loader
from cnn_tui.engine.data.preprocess import Normalizer
from cnn_tui.engine.optimizers import build_optimizer

SETTINGS = {
    "crop": {"flip": True, "shift": 4},
    "cutout": {"flip": True, "shift": 4, "cutout": 8},
    "turn": {"flip": True, "rotate": 15.0, "scale": 0.1, "translate": 0.1},
    "all": {
        "flip": True,
        "shift": 4,
        "cutout": 8,
        "rotate": 15.0,
        "scale": 0.1,
        "translate": 0.1,
        "jitter": 0.2,
        "mixup": 0.2,
    },
}
"""Augmentations by name; ``crop`` is the usual one of CIFAR-10, and to cost less than 3%."""


def split_of(work: Workload, steps: int) -> Split:
    """Random images for ``steps`` steps."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (steps * work.batch, *work.network.input), np.uint8)
    return Split(images, rng.integers(0, 10, len(images)))


def measure(
    work: Workload, changes: str, threads: int, rounds: int, steps: int
) -> dict[str, object]:
    """Medians over the rounds of an epoch of ``steps`` steps with and without augmentation."""
    train = split_of(work, steps)
    recipe = msgspec.structs.replace(RECIPE, batch_size=work.batch)
    normalizer = Normalizer.of(train, recipe)
    model = build(work.network, threads=threads)
    optimizer = build_optimizer(RECIPE, model)
    augmenting = msgspec.structs.replace(recipe, **SETTINGS[changes])
    loaders = {
        "none": Loader(train, normalizer, recipe),
        "all": Loader(train, normalizer, augmenting),
    }

    def epoch(loader: Loader, number: int) -> float:
        begin = time.perf_counter()
        for batch in loader.epoch(number):
            result = model.train_batch(*batch)
            optimizer.step(RECIPE.lr, result.gradient_norm)
        return 1000 * (time.perf_counter() - begin) / steps

    epoch(loaders["none"], 0)
    times: dict[str, list[float]] = {name: [] for name in loaders}
    for number in range(1, rounds + 1):
        for name, loader in loaders.items():
            times[name].append(epoch(loader, number))
    model.close()
    step = statistics.median(times["none"])
    alone = alone_ms(train, Augmenter(augmenting, normalizer), work.batch)
    pairs = zip(times["all"], times["none"], strict=True)
    return {
        "workload": str(work),
        "changes": changes,
        "step_ms": step,
        "with_ms": statistics.median(times["all"]),
        "cost_percent": 100 * (statistics.median(more / less for more, less in pairs) - 1),
        "alone_ms": alone,
        "alone_percent": 100 * alone / step,
    }


def alone_ms(train: Split, augmenter: Augmenter, batch: int, times: int = 50) -> float:
    """Milliseconds of augmentation alone per batch, without mixup."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(times):
        images = train.images[:batch].astype(np.float32)
        begin = time.perf_counter()
        augmenter.apply(images, rng)
        found.append(1000 * (time.perf_counter() - begin))
    return statistics.median(found)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--workload", type=workload, default=Workload("cifar-convnet", 64))
    parser.add_argument("--changes", choices=[*SETTINGS, "every"], default="crop")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=10, help="of a turn in a round")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


def main() -> None:
    options = parsed()
    for changes in SETTINGS if options.changes == "every" else [options.changes]:
        row = measure(options.workload, changes, options.threads, options.rounds, options.steps)
        if options.json:
            print(json.dumps(row))
            continue
        print(
            f"{row['workload']:18}{changes:7}step {row['step_ms']:.1f}ms, augmented "
            f"{row['with_ms']:.1f}ms ({row['cost_percent']:+.1f}%); the changes alone "
            f"{row['alone_ms']:.2f}ms ({row['alone_percent']:.1f}% of a step)"
        )


if __name__ == "__main__":
    main()
