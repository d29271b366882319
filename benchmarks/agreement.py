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
    """How many images a batch has, and their size where it is not that of the recipe."""

    batch: int
    size: int = 0


NETWORKS = {
    "lenet5": Start(32),
    "cifar-convnet": Start(32),
    "resnet20": Start(32),
    "mobilenet_v2": Start(8, 64),
    "squeezenet1_0": Start(2),
}
"""MobileNet v2 gets smaller images than its recipe's: NumPy needs a minute for fifty of those."""
CASES = (("float64", 50, 1.0, 1e-8), ("float32", 20, 0.1, 1e-4), ("float32", 20, 1.0, None))
"""Precision, steps, factor of the recipe's learning rate, and the difference that is wanted.

At the full rate the first steps of most recipes are chaos: in float32 rounding grows tenfold every
three or four steps, whoever computes. The last column is what rounding amounts to without the
engine of this project: PyTorch in float32 beside float64, from the same weights and images.
"""


def losses(
    network: Network, engine: str, dtype: str, steps: int, batch: int, factor: float = 1.0
) -> np.ndarray:
    """The losses of the first steps, in any precision from the same weights and images."""
    recipe = msgspec.structs.replace(
        network.training, engine=engine, device="cpu", lr=factor * network.training.lr
    )
    network = msgspec.structs.replace(network, training=recipe)
    classes = min(10, check(network).layers[-1].output[0])
    found = []
    templates = np.random.default_rng(99).standard_normal((classes, *network.input))
    with closing(make_engine(network, seed=1, threads=1)) as model:
        start = {name: array.astype(dtype) for name, array in model.arrays().items()}
    with closing(make_engine(network, seed=1, dtype=dtype, threads=1)) as model:
        model.put(start)
        model.mode.dropout = 0.0
        optimizer = model.optimizer(recipe)
        for step in range(steps):
            rng = np.random.default_rng(step)
            targets = rng.integers(0, classes, batch)
            noise = rng.standard_normal((batch, *network.input))
            images = (templates[targets] + 0.5 * noise).astype(np.float32).astype(dtype)
            result = model.train_batch(images, targets)
            optimizer.step(learning_rate(recipe, step, 100), result.gradient_norm)
            found.append(result.loss)
    return np.array(found)


def apart(ours: np.ndarray, theirs: np.ndarray) -> str:
    """The largest relative difference."""
    return f"{float(np.max(np.abs(ours - theirs) / np.abs(ours))):.0e}"


def main() -> None:
    wanted = [word for word in sys.argv[1:] if not word.startswith("-")]
    divisor = 10 if "--quick" in sys.argv else 1
    print(
        "| network | batch | precision | learning rate | steps | difference | wanted | rounding |"
    )
    print("|---|--:|---|--:|--:|--:|--:|--:|")
    for name in wanted or NETWORKS:
        network, start = load_preset(name), NETWORKS.get(name, Start(4))
        if start.size:
            network = msgspec.structs.replace(network, input=(3, start.size, start.size))
        for dtype, count, factor, most in CASES:
            how = (max(2, count // divisor), start.batch, factor)
            ours, theirs = (losses(network, engine, dtype, *how) for engine in ("numpy", "torch"))
            exact = "" if dtype == "float64" else losses(network, "torch", "float64", *how)
            line = (
                f"{name}, {start.size} x {start.size}" if start.size else name,
                start.batch,
                dtype,
                f"{factor * network.training.lr:g}",
                how[0],
                apart(ours, theirs),
                f"{most:.0e}" if most else "",
                "" if isinstance(exact, str) else apart(exact, theirs),
            )
            print(f"| {' | '.join(map(str, line))} |", flush=True)


if __name__ == "__main__":
    main()
