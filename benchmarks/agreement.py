"""How far the losses of both engines are apart: ``python benchmarks/agreement.py``.

From the same weights, without dropout, on the same images; ``--quick`` for a few steps.
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
    "squeezenet1_0": 8,
}
"""Images in a batch of each."""
STEPS = {"float64": 50, "float32": 20}
WANTED = {"float64": 1e-8, "float32": 1e-4}


def losses(network: Network, engine: str, dtype: str, steps: int, batch: int) -> np.ndarray:
    recipe = msgspec.structs.replace(network.training, engine=engine, device="cpu")
    network = msgspec.structs.replace(network, training=recipe)
    classes = check(network).layers[-1].output[0]
    found = []
    # Each class is a picture of its own with noise: on noise alone a training is chaos, in which
    # rounding grows tenfold every few steps.
    templates = np.random.default_rng(99).standard_normal((classes, *network.input))
    with closing(make_engine(network, seed=1, dtype=dtype, threads=2)) as model:
        model.mode.dropout = 0.0
        optimizer = model.optimizer(recipe)
        for step in range(steps):
            rng = np.random.default_rng(step)
            targets = rng.integers(0, min(classes, 10), batch)
            noise = rng.standard_normal((batch, *network.input))
            images = (templates[targets] + 0.5 * noise).astype(dtype)
            result = model.train_batch(images, targets)
            optimizer.step(learning_rate(recipe, step, 100), result.gradient_norm)
            found.append(result.loss)
    return np.array(found)


def main() -> None:
    wanted = [word for word in sys.argv[1:] if not word.startswith("-")]
    divisor = 10 if "--quick" in sys.argv else 1
    print("| network | batch | precision | steps | largest relative difference | wanted |")
    print("|---|--:|---|--:|--:|--:|")
    for name in wanted or NETWORKS:
        network, batch = load_preset(name), NETWORKS.get(name, 4)
        for dtype, count in STEPS.items():
            steps = max(2, count // divisor)
            ours, theirs = (
                losses(network, engine, dtype, steps, batch) for engine in ("numpy", "torch")
            )
            apart = float(np.max(np.abs(ours - theirs) / np.abs(ours)))
            line = (name, batch, dtype, steps, f"{apart:.1e}", f"{WANTED[dtype]:.0e}")
            print(f"| {' | '.join(map(str, line))} |", flush=True)


if __name__ == "__main__":
    main()
