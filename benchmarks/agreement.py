"""How far the losses of both engines are apart: ``python benchmarks/agreement.py``.

From the same weights, without dropout, on the same images: each class is a picture with noise.
``--quick`` takes a tenth of the steps.
"""

from __future__ import annotations

import sys
from contextlib import closing

import msgspec
import numpy as np

from cnn_tui.engine.engines import make_engine
from cnn_tui.engine.schedules import learning_rate
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import load_preset

NETWORKS = {
    "lenet5": 32,
    "cifar-convnet": 32,
    "resnet20": 32,
    "mobilenet_v2": 8,
    "squeezenet1_0": 2,
}
"""Images in a batch of each; with two, the batch norms of mobilenet_v2 make chaos of rounding."""
CASES = (("float64", 50, 1.0, 1e-8), ("float32", 20, 0.1, 1e-4), ("float32", 20, 1.0, None))
"""Precision, steps, factor of the recipe's learning rate, and the difference that is wanted.

At the full rate the first steps of most recipes are chaos: in float32 rounding grows tenfold every
three or four steps, whoever computes.
"""


def losses(
    network: Network, engine: str, dtype: str, steps: int, batch: int, factor: float = 1.0
) -> np.ndarray:
    recipe = msgspec.structs.replace(
        network.training, engine=engine, device="cpu", lr=factor * network.training.lr
    )
    network = msgspec.structs.replace(network, training=recipe)
    classes = min(10, check(network).layers[-1].output[0])
    found = []
    templates = np.random.default_rng(99).standard_normal((classes, *network.input))
    with closing(make_engine(network, seed=1, dtype=dtype, threads=1)) as model:
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


def main() -> None:
    wanted = [word for word in sys.argv[1:] if not word.startswith("-")]
    divisor = 10 if "--quick" in sys.argv else 1
    print("| network | batch | precision | learning rate | steps | difference | wanted |")
    print("|---|--:|---|--:|--:|--:|--:|")
    for name in wanted or NETWORKS:
        network, batch = load_preset(name), NETWORKS.get(name, 4)
        for dtype, count, factor, most in CASES:
            steps = max(2, count // divisor)
            ours, theirs = (
                losses(network, engine, dtype, steps, batch, factor)
                for engine in ("numpy", "torch")
            )
            apart = float(np.max(np.abs(ours - theirs) / np.abs(ours)))
            rate = f"{factor * network.training.lr:g}"
            line = (name, batch, dtype, rate, steps, f"{apart:.0e}", f"{most:.0e}" if most else "")
            print(f"| {' | '.join(map(str, line))} |", flush=True)


if __name__ == "__main__":
    main()
