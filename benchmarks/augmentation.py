"""Cost of augmentation (flip, shift and cutout) in a training step, against none, alternately.

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

SETTINGS = {"none": {}, "all": {"flip": True, "shift": 4, "cutout": 8}}


def split_of(work: Workload, steps: int) -> Split:
    """Random images for ``steps`` steps."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (steps * work.batch, *work.network.input), np.uint8)
    return Split(images, rng.integers(0, 10, len(images)))


def measure(work: Workload, threads: int, rounds: int, steps: int) -> dict[str, object]:
    """Medians over the rounds of an epoch of ``steps`` steps with and without augmentation."""
    train = split_of(work, steps)
    recipe = msgspec.structs.replace(RECIPE, batch_size=work.batch)
    normalizer = Normalizer.of(train, recipe)
    model = build(work.network, threads=threads)
    optimizer = build_optimizer(RECIPE, model)
    loaders = {
        name: Loader(train, normalizer, msgspec.structs.replace(recipe, **some))
        for name, some in SETTINGS.items()
    }

    def epoch(loader: Loader, number: int) -> float:
        begin = time.perf_counter()
        for batch in loader.epoch(number):
            result = model.train_batch(batch.images, batch.targets)
            optimizer.step(RECIPE.lr, result.gradient_norm)
        return 1000 * (time.perf_counter() - begin) / steps

    epoch(loaders["none"], 0)
    times: dict[str, list[float]] = {name: [] for name in loaders}
    for number in range(1, rounds + 1):
        for name, loader in loaders.items():
            times[name].append(epoch(loader, number))
    model.close()
    step = statistics.median(times["none"])
    alone = alone_ms(train, work.batch)
    pairs = zip(times["all"], times["none"], strict=True)
    return {
        "workload": str(work),
        "step_ms": step,
        "with_ms": statistics.median(times["all"]),
        "cost_percent": 100 * (statistics.median(more / less for more, less in pairs) - 1),
        "alone_ms": alone,
        "alone_percent": 100 * alone / step,
    }


def alone_ms(train: Split, batch: int, times: int = 50) -> float:
    """Seconds of augmentation alone per batch."""
    augmenter = Augmenter(flip=True, shift=4, cutout=8)
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
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=10, help="of a turn in a round")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


def main() -> None:
    options = parsed()
    row = measure(options.workload, options.threads, options.rounds, options.steps)
    if options.json:
        print(json.dumps(row))
        return
    print(
        f"{row['workload']:18}step {row['step_ms']:.1f}ms, augmented {row['with_ms']:.1f}ms "
        f"({row['cost_percent']:+.1f}%); the changes alone {row['alone_ms']:.2f}ms "
        f"({row['alone_percent']:.1f}% of a step)"
    )


if __name__ == "__main__":
    main()
