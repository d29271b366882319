"""Measurements of each layer at one step: norms, relative updates, dead and saturated units.

They use the arrays of a normal training step, without an additional pass. CS231n notes, Neural
Networks Part 3, Monitoring the learning process.
"""

from __future__ import annotations

import numpy as np

from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.protocol import Engine
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.placed import place_network
from cnn_tui.engine.training.events import LayersMeasured

EARLY = (1, 5, 10)
"""Additional steps that are measured, to show faults that exist from the start."""
EVERY = 25
STEADY = 10_000
"""Steps after which measurements become rarer, so that long runs record fewer of them."""


def is_due(step: int) -> bool:
    """Whether step number ``step``, counted from 1, is measured.

    Every 25th; from step 10,000 on every 50th, from 20,000 on every 100th, and so on.
    """
    return step in EARLY or step % (EVERY << (step // STEADY).bit_length()) == 0


class HealthMeter:
    """Measures steps of a model: :meth:`before` and :meth:`measure` enclose the update."""

    def __init__(self, model: Engine, network: Network) -> None:
        layers = place_network(network, check(network))
        types = {one.name: one.report.type for layer in layers for one in layer.walk()}
        self._meter = model.meter(types)

    def before(self) -> None:
        """Remember the weights before the step."""
        self._meter.before()

    def measure(self, step: int, epoch: int, images: Array, targets: np.ndarray) -> LayersMeasured:
        """Measurements of the step just taken on the batch ``images`` and ``targets``."""
        counts = np.bincount(targets)
        with np.errstate(all="ignore"):
            return LayersMeasured(
                step=step,
                epoch=epoch,
                layers=tuple(self._meter.layers()),
                images=len(images),
                input_mean=float(images.mean()),
                input_std=float(images.std()),
                score_range=self._meter.score_range(),
                commonest_class=int(counts.argmax()),
                commonest_share=int(counts.max()) / len(targets),
            )
