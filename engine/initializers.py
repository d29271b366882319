"""How weights begin. Biases and beta begin at 0, gamma at 1."""

from __future__ import annotations

import math

import numpy as np

from cnn_tui.engine.parameters import Parameter
from cnn_tui.engine.specs.network import InitializerName

GAUSSIAN_STD = 0.01


def weight_std(name: InitializerName, fan_in: int, fan_out: int) -> float:
    """Standard deviation of the normal distribution that weights are drawn from.

    he: sqrt(2/fan_in), He et al. 2015; xavier: sqrt(2/(fan_in + fan_out)), Glorot & Bengio 2010;
    lecun: sqrt(1/fan_in), LeCun et al. 1998; gaussian: 0.01 whatever the size; zeros: 0.
    """
    return {
        "he": math.sqrt(2 / fan_in),
        "xavier": math.sqrt(2 / (fan_in + fan_out)),
        "lecun": math.sqrt(1 / fan_in),
        "gaussian": GAUSSIAN_STD,
        "zeros": 0.0,
    }[name]


def initialize(parameters: list[Parameter], name: InitializerName, seed: int) -> None:
    """Fill the parameters; each draws from a stream of its own, by its place in the network."""
    for number, parameter in enumerate(parameters):
        if parameter.role != "weight":
            parameter.inner.fill(1 if parameter.role == "gamma" else 0)
            continue
        std = weight_std(name, parameter.fan_in, parameter.fan_out)
        generator = np.random.default_rng(np.random.SeedSequence([seed, number]))
        values = generator.standard_normal(parameter.data.shape, np.float32)
        parameter.data[...] = values * np.float32(std)
