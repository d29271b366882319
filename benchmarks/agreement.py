"""How far the losses of both engines are apart: ``python benchmarks/agreement.py``.

From the same weights, without dropout, on the same images: each class is a picture with noise.
``--quick`` takes a tenth of the steps.
"""

from __future__ import annotations

import sys
from contextlib import closing
from typing import NamedTuple

import msgspec
import numpy as np

from cnn_tui.engine.engines import make_engine
from cnn_tui.engine.schedules import learning_rate
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import load_preset


class Start(NamedTuple):
    """What a comparison begins with."""

    batch: int
    size: int = 0
    """Of the images, where it is not that of the recipe."""
    factor: float = 1.0
    """Of the recipe's learning rate in float64."""


NETWORKS = {
    "lenet5": Start(32),
    "cifar-convnet": Start(32),
    "resnet20": Start(32),
    "mobilenet_v2": Start(8, 64, 0.1),
    "squeezenet1_0": Start(2),
}
"""MobileNet v2 gets smaller images, as NumPy needs minutes for fifty batches of its own, and a
tenth of its rate: at the full one its batch norms make chaos of rounding even in float64."""
CASES = (("float64", 50, 1.0, 1e-8), ("float32", 20, 0.1, 1e-4), ("float32", 20, 1.0, None))
"""Precision, steps, factor of the recipe's learning rate, and the difference that is wanted.

At the full rate the first steps of most recipes are chaos: rounding grows from step to step, or
lets a ReLU or a pool decide otherwise, whoever computes. The last column shows it without the
engine of this project: PyTorch beside itself, each of its first weights moved to a neighbour.
"""
MOVED = 4
"""How often the weights are moved; the column has the largest difference."""


def losses(
    network: Network,
    engine: str,
    dtype: str,
    steps: int,
    batch: int,
    factor: float = 1.0,
    moved: int = 0,
) -> np.ndarray:
    """The losses of the first steps; ``moved`` is a seed, to move each first weight by an ulp."""
    recipe = msgspec.structs.replace(
        network.training, engine=engine, device="cpu", lr=factor * network.training.lr
    )
    network = msgspec.structs.replace(network, training=recipe)
    classes = min(10, check(network).layers[-1].output[0])
    found = []
    templates = np.random.default_rng(99).standard_normal((classes, *network.input))
    with closing(make_engine(network, seed=1, dtype=dtype, threads=1)) as model:
        if moved:
            rng = np.random.default_rng(moved)
            start = {name: array.copy() for name, array in model.arrays().items()}
            for name in model.parameters:
                towards = rng.choice((-np.inf, np.inf), start[name].shape).astype(dtype)
                start[name] = np.nextafter(start[name], towards)
            model.put(start)
        model.mode.dropout = 0.0
        optimizer = model.optimizer(recipe)
        for step in range(steps):
            rng = np.random.default_rng(step)
            targets = rng.integers(0, classes, batch)
            noise = rng.standard_normal((batch, *network.input))
            images = (templates[targets] + 0.5 * noise).astype(dtype)
            result = model.train_batch(images, targets)
            optimizer.step(learning_rate(recipe, step, 100), result.gradient_norm)
            found.append(result.loss)
    return np.array(found)


def apart(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest relative difference."""
    return float(np.max(np.abs(ours - theirs) / np.abs(ours)))


def main() -> None:
    wanted = [word for word in sys.argv[1:] if not word.startswith("-")]
    divisor = 10 if "--quick" in sys.argv else 1
    print("| network | batch | precision | learning rate | steps | difference | wanted | moved |")
    print("|---|--:|---|--:|--:|--:|--:|--:|")
    for name in wanted or NETWORKS:
        network, start = load_preset(name), NETWORKS.get(name, Start(4))
        if start.size:
            network = msgspec.structs.replace(network, input=(3, start.size, start.size))
        for dtype, count, factor, most in CASES:
            factor *= start.factor if dtype == "float64" else 1.0
            how = (max(2, count // divisor), start.batch, factor)
            ours, theirs = (losses(network, engine, dtype, *how) for engine in ("numpy", "torch"))
            neighbours = (
                losses(network, "torch", dtype, *how, moved=seed) for seed in range(1, MOVED + 1)
            )
            line = (
                f"{name}, {start.size} x {start.size}" if start.size else name,
                start.batch,
                dtype,
                f"{factor * network.training.lr:g}",
                how[0],
                f"{apart(ours, theirs):.0e}",
                f"{most:.0e}" if most else "",
                f"{max(apart(theirs, one) for one in neighbours):.0e}",
            )
            print(f"| {' | '.join(map(str, line))} |", flush=True)


if __name__ == "__main__":
    main()
