"""Building a model with weights from the description of a network."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import DTypeLike

from cnn_tui.engine.errors import ShapeError
from cnn_tui.engine.layers.building import Operations, Parts
from cnn_tui.engine.layers.lower import chain_ops
from cnn_tui.engine.numpy_engine import NumpyEngine
from cnn_tui.engine.ops.kernel import Mode
from cnn_tui.engine.ops.loss import SoftmaxKernel, SVMKernel
from cnn_tui.engine.parameters import ParameterStore, initialize
from cnn_tui.engine.plan import MakeLoss
from cnn_tui.engine.specs.check import Report, check
from cnn_tui.engine.specs.freezing import frozen_layers
from cnn_tui.engine.specs.network import SVM, Loss, Network
from cnn_tui.engine.specs.placed import place_network


def build(
    network: Network,
    *,
    seed: int | None = None,
    dtype: DTypeLike = np.float32,
    threads: int = 1,
) -> NumpyEngine:
    """A model of ``network`` with initial weights drawn from ``seed``; None is that of the recipe.

    Raises:
        ShapeError: if the layers do not fit together; the message is the first issue.
    """
    seed = network.training.seed if seed is None else seed
    model = build_uninitialized(network, seed=seed, dtype=dtype, threads=threads)
    initialize(model.store.parameters, network.training.initializer, seed)
    return model


def build_uninitialized(
    network: Network, *, seed: int, dtype: DTypeLike, threads: int
) -> NumpyEngine:
    """A model with uninitialised weights, which occupy no memory until they are touched."""
    report = check(network)
    if not report.valid:
        raise ShapeError(report.issues[0].message)
    lower = partial(_lower, network, report, seed, dtype)
    return NumpyEngine(lower(), partial(lower, kept=True), _loss_of(network.loss), threads)


def _lower(
    network: Network, report: Report, seed: int, dtype: DTypeLike, *, kept: bool = False
) -> Operations:
    parts = Parts(Mode(seed=seed), dtype, kept)
    placed = place_network(network, report)
    every = [inner for layer in placed for inner in layer.walk()]
    still = frozen_layers(network, report, placed)
    before = chain_ops(placed[:still], evaluating(parts))
    if not kept:
        for parameter in parts.parameters:
            parameter.frozen = True
    return Operations(
        [*before, *chain_ops(placed[still:], parts)],
        ParameterStore(parts.parameters, dtype),
        parts.buffers,
        parts.mode,
        {layer.name: layer.output for layer in every},
        network.input,
        max(layer.report.activations for layer in every),
        report.total_macs,
        0 if kept else len(before),
    )


def evaluating(parts: Parts) -> Parts:
    """The same parts for layers that always work as in evaluation, whatever the model does."""
    return replace(parts, mode=Mode(training=False))


def _loss_of(loss: Loss) -> MakeLoss:
    if isinstance(loss, SVM):
        return partial(SVMKernel, delta=loss.delta, squared=loss.squared)
    return partial(SoftmaxKernel, smoothing=loss.label_smoothing)
