"""Each rule against a few lines that say what it is."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from samples import arrays_of, network, randomize

from cnn_tui.engine.build import build
from cnn_tui.engine.model import Model
from cnn_tui.engine.optimizers import build_optimizer
from cnn_tui.engine.specs.layers import FC, BatchNorm, Conv
from cnn_tui.engine.specs.network import Network, Recipe

Array = np.ndarray
Rule = Callable[[Array, Array, dict[str, Any], Recipe, float], Array]
STEPS = 10


def sgd(w: Array, g: Array, state: dict[str, Any], recipe: Recipe, lr: float) -> Array:
    return w - lr * g


def momentum(w: Array, g: Array, state: dict[str, Any], recipe: Recipe, lr: float) -> Array:
    state["v"] = recipe.momentum * state.get("v", 0) + g
    return w - lr * state["v"]


def nesterov(w: Array, g: Array, state: dict[str, Any], recipe: Recipe, lr: float) -> Array:
    state["v"] = recipe.momentum * state.get("v", 0) + g
    return w - lr * (g + recipe.momentum * state["v"])


def adagrad(w: Array, g: Array, state: dict[str, Any], recipe: Recipe, lr: float) -> Array:
    state["s"] = state.get("s", 0) + g**2
    return w - lr * g / (np.sqrt(state["s"]) + recipe.eps)


def rmsprop(w: Array, g: Array, state: dict[str, Any], recipe: Recipe, lr: float) -> Array:
    state["s"] = recipe.rho * state.get("s", 0) + (1 - recipe.rho) * g**2
    return w - lr * g / (np.sqrt(state["s"]) + recipe.eps)


def adam(w: Array, g: Array, state: dict[str, Any], recipe: Recipe, lr: float) -> Array:
    first, second = recipe.betas
    state["t"] = state.get("t", 0) + 1
    state["m"] = first * state.get("m", 0) + (1 - first) * g
    state["s"] = second * state.get("s", 0) + (1 - second) * g**2
    mean = state["m"] / (1 - first ** state["t"])
    square = state["s"] / (1 - second ** state["t"])
    return w - lr * mean / (np.sqrt(square) + recipe.eps)


RULES: dict[str, Rule] = {
    "sgd": sgd,
    "momentum": momentum,
    "nesterov": nesterov,
    "adagrad": adagrad,
    "rmsprop": rmsprop,
    "adam": adam,
    "adamw": adam,
}
OTHER_NUMBERS: dict[str, dict[str, Any]] = {
    "momentum": {"momentum": 0.5},
    "nesterov": {"momentum": 0.99},
    "adagrad": {"eps": 1e-2},
    "rmsprop": {"rho": 0.9, "eps": 1e-3},
    "adam": {"betas": (0.8, 0.95), "eps": 1e-3},
}


def sample_model(dtype: type = np.float64, threads: int = 1) -> Model:
    """Weights, biases, a batch norm, and a matrix that is larger than any block."""
    layers = (Conv(out_channels=6, kernel_size=3), BatchNorm(), FC(out_features=700))
    model = build(network((2, 9, 9), *layers, classes=5), dtype=dtype, threads=threads)
    randomize(model)
    return model


def give_gradients(model: Model, step: int) -> tuple[dict[str, Array], float]:
    """Random gradients in the model; returns them with their length."""
    rng = np.random.default_rng(step)
    for parameter in model.parameters.values():
        parameter.grad[...] = rng.standard_normal(parameter.grad.shape)
    gradients = {name: p.grad.astype(float) for name, p in model.parameters.items()}
    return gradients, math.sqrt(sum(float((g**2).sum()) for g in gradients.values()))


def follow(recipe: Recipe, dtype: type = np.float64, rtol: float = 1e-11) -> None:
    """Ten steps of the engine and of the rule, side by side; the rate changes on the way."""
    model = sample_model(dtype)
    optimizer = build_optimizer(recipe, model)
    weights = {name: p.data.astype(float) for name, p in model.parameters.items()}
    states: dict[str, dict[str, Any]] = {name: {} for name in weights}
    for step in range(STEPS):
        lr = recipe.lr / (1 + step)
        gradients, length = give_gradients(model, step)
        decaying = [name for name, p in model.parameters.items() if p.decay]
        l2_loss = sum(float((weights[name] ** 2).sum()) for name in decaying) * recipe.l2 / 2
        assert optimizer.step(lr, length) == pytest.approx(l2_loss, rel=max(rtol, 1e-11))
        scale = min(1.0, recipe.clip_norm / length) if recipe.clip_norm else 1.0
        for name, w in weights.items():
            g = scale * gradients[name] + (recipe.l2 * w if name in decaying else 0)
            if recipe.optimizer == "adamw" and name in decaying:
                w = w * (1 - lr * recipe.weight_decay)
            weights[name] = RULES[recipe.optimizer](w, g, states[name], recipe, lr)
    for name, parameter in model.parameters.items():
        np.testing.assert_allclose(
            parameter.data, weights[name], rtol=rtol, atol=rtol, err_msg=name
        )


@pytest.mark.parametrize("name", RULES)
def test_rule(name: Any) -> None:
    follow(Recipe(optimizer=name, lr=0.05))


@pytest.mark.parametrize("name", OTHER_NUMBERS)
def test_rule_with_other_numbers(name: Any) -> None:
    follow(Recipe(optimizer=name, lr=0.02, **OTHER_NUMBERS[name]))


@pytest.mark.parametrize("name", RULES)
def test_rule_with_l2_and_clipping(name: Any) -> None:
    follow(Recipe(optimizer=name, lr=0.05, l2=0.1, clip_norm=5.0))


@pytest.mark.parametrize("name", RULES)
def test_rule_in_float32(name: Any) -> None:
    follow(Recipe(optimizer=name, lr=0.01, l2=0.01), np.float32, rtol=2e-5)


def test_adamw_shrinks_weights_apart_from_the_gradient() -> None:
    follow(Recipe(optimizer="adamw", lr=0.05, weight_decay=0.3))
    follow(Recipe(optimizer="adamw", lr=0.05, weight_decay=0.3, l2=0.1, clip_norm=1.0))


def test_weight_decay_is_adamws_alone() -> None:
    follow(Recipe(optimizer="adam", lr=0.05, weight_decay=0.3))


def test_l2_and_decay_leave_biases_and_batch_norms_alone() -> None:
    for recipe in (
        Recipe(optimizer="sgd", l2=0.5),
        Recipe(optimizer="adamw", weight_decay=0.5),
    ):
        model = sample_model()
        before = arrays_of(model)
        for parameter in model.parameters.values():
            parameter.grad[...] = 0
        build_optimizer(recipe, model).step(0.1)
        moved = {name for name, p in model.parameters.items() if (p.data != before[name]).any()}
        assert moved == {"conv1.weight", "fc3.weight", "scores.weight"}


def test_gradients_below_the_limit_are_not_clipped() -> None:
    for clip_norm in (None, 1e6):
        model = sample_model()
        before = arrays_of(model)
        gradients, length = give_gradients(model, 0)
        build_optimizer(Recipe(optimizer="sgd", clip_norm=clip_norm), model).step(0.1, length)
        for name, parameter in model.parameters.items():
            np.testing.assert_array_equal(parameter.data, before[name] - 0.1 * gradients[name])


def test_step_leaves_gradients_and_buffers_as_they_are() -> None:
    for name in RULES:
        model = sample_model()
        buffers = {key: value.copy() for key, value in model.buffers.items()}
        gradients, length = give_gradients(model, 0)
        recipe = Recipe(optimizer=name, l2=0.1, clip_norm=1.0, weight_decay=0.1)  # type: ignore[arg-type]
        build_optimizer(recipe, model).step(0.1, length)
        for key, parameter in model.parameters.items():
            np.testing.assert_array_equal(parameter.grad, gradients[key])
        for key, buffer in model.buffers.items():
            np.testing.assert_array_equal(buffer, buffers[key])


def test_a_rate_of_zero_moves_nothing() -> None:
    for name in RULES:
        model = sample_model()
        before = arrays_of(model)
        _, length = give_gradients(model, 0)
        recipe = Recipe(optimizer=name, l2=0.1, weight_decay=0.1)  # type: ignore[arg-type]
        build_optimizer(recipe, model).step(0.0, length)
        for key, parameter in model.parameters.items():
            np.testing.assert_array_equal(parameter.data, before[key])


def test_clipping_survives_gradients_whose_squares_overflow() -> None:
    network = Network(
        input=(1, 2, 2),
        layers=(FC(out_features=3, name="tiny"), FC(out_features=3)),
        training=Recipe(clip_norm=1.0, optimizer="sgd"),
    )
    model = build(network)
    weight = model.parameters["tiny.weight"].data
    weight[...] = 1e-30
    before = weight.copy()
    result = model.train_batch(np.full((2, 1, 2, 2), 1e30, np.float32), np.array([0, 1]))
    assert np.isfinite(result.gradient_norm)
    build_optimizer(network.training, model).step(0.1, result.gradient_norm)
    assert 0.001 < np.linalg.norm(weight - before) <= 0.1001
