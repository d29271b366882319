"""The PyTorch engine beside the NumPy engine: the same numbers, step by step and layer by layer."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest
from peer_networks import NETWORKS
from samples import network, random_images, random_targets
from two_engines import both, torch

from cnn_tui.engine.errors import NonFiniteError
from cnn_tui.engine.protocol import Engine
from cnn_tui.engine.schedules import learning_rate
from cnn_tui.engine.specs.activations import ReLU6
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import (
    FC,
    BatchNorm,
    Conv,
    MaxPool,
    Parallel,
    ReLU,
    Residual,
)
from cnn_tui.engine.specs.network import SVM, Network, Recipe, Softmax
from cnn_tui.engine.specs.placed import place_network
from cnn_tui.engine.specs.presets import load_preset

CLASSES = 10
EXACT = 1e-10
"""float64: what is left is rounding, each engine in an order of its own."""
FIGURES = 4
"""Of each step: the loss, the norm of the gradient, how many were right, the loss of L2."""
OPTIMIZERS = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw")


def sample(name: str, **how: Any) -> Network:
    shape, layers = NETWORKS[name]
    return network(shape, *layers, classes=CLASSES, **how)


def close(ours: np.ndarray, theirs: np.ndarray, tolerance: float = EXACT) -> None:
    scale = max(1e-3, float(np.abs(ours).max()))
    np.testing.assert_allclose(theirs / scale, ours / scale, rtol=tolerance, atol=tolerance)


def train(engine: Engine, recipe: Recipe, steps: int, shape: Any, batch: int = 8) -> list[float]:
    optimizer, losses = engine.optimizer(recipe), []
    for step in range(steps):
        images = random_images(shape, batch, step, engine.dtype)
        result = engine.train_batch(images, random_targets(CLASSES, batch, step))
        losses += [result.loss, result.gradient_norm, float(result.correct)]
        losses.append(optimizer.step(learning_rate(recipe, step, 5), result.gradient_norm))
    return losses


@pytest.mark.parametrize(
    ("dtype", "steps", "tolerance"), [(np.float64, 50, 1e-8), (np.float32, 20, 1e-4)]
)
def test_lenet5_loses_the_same_step_by_step(dtype: Any, steps: int, tolerance: float) -> None:
    described = load_preset("lenet5")
    with both(described, dtype) as pair:
        ours, theirs = (
            np.array(train(engine, described.training, steps, described.input)) for engine in pair
        )
    np.testing.assert_allclose(theirs[::FIGURES], ours[::FIGURES], rtol=tolerance)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("schedule", ["constant", "step", "exponential", "cosine", "one-cycle"])
def test_every_optimizer_and_schedule(optimizer: Any, schedule: Any) -> None:
    recipe = Recipe(
        optimizer=optimizer, schedule=schedule, lr=1e-3, l2=1e-2, weight_decay=1e-2, eps=1e-3,
        clip_norm=2.0, warmup_epochs=0.5, step_epochs=1.0, epochs=2,
    )  # fmt: skip
    described = network((3, 6, 6), Conv(out_channels=4), ReLU(), classes=CLASSES, training=recipe)
    states = []
    with both(described) as pair:
        losses = [np.array(train(engine, recipe, 10, described.input)) for engine in pair]
        for engine in pair:
            states.append(engine.optimizer(recipe).arrays())
    np.testing.assert_allclose(losses[1], losses[0], rtol=EXACT)
    assert list(states[0]) == list(states[1])


@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer_and_what_is_seen_inside(name: str) -> None:
    described = sample(name)
    images = random_images(described.input, 6)
    targets, chosen = random_targets(CLASSES, 6), random_targets(CLASSES, 6, 5)
    with both(described) as pair:
        for engine in pair:
            train(engine, Recipe(lr=1e-3), 2, described.input)
        ours, theirs = pair
        close(ours.forward(images), theirs.forward(images))
        for one, other in zip(ours.arrays().items(), theirs.arrays().items(), strict=True):
            assert one[0] == other[0]
            close(one[1], other[1])
        for training in (False, True):
            with (
                ours.opened(images, training=training) as seen,
                theirs.opened(images, training=training) as same,
            ):
                assert seen.layers == same.layers and dict(seen.shapes) == dict(same.shapes)
                close(seen.logits, same.logits)
                close(seen.input_gradient(chosen), same.input_gradient(chosen))
                for layer in seen.layers:
                    close(seen.output(layer), same.output(layer))
                    close(seen.gradient(layer, 3), same.gradient(layer, 3))
                gradients = same.loss_gradients(targets)
                for parameter, gradient in seen.loss_gradients(targets).items():
                    close(gradient, gradients[parameter])


@pytest.mark.parametrize("loss", [Softmax(label_smoothing=0.1), SVM(delta=0.5), SVM(squared=True)])
def test_losses_of_weighted_and_blended_images(loss: Any) -> None:
    described = sample("plain", loss=loss)
    images, targets = random_images(described.input, 8), random_targets(CLASSES, 8)
    others, shares = random_targets(CLASSES, 8, 7), np.linspace(0.5, 1, 8)
    with both(described) as pair:
        first, second = (
            engine.train_batch(images, targets, shares, others, 1 - shares) for engine in pair
        )
        assert second.loss == pytest.approx(first.loss, rel=EXACT)
        assert second.gradient_norm == pytest.approx(first.gradient_norm, rel=EXACT)
        scores = pair[0].forward(images)
        assert pair[1].loss_of(scores, targets) == pytest.approx(pair[0].loss_of(scores, targets))


@pytest.mark.parametrize("name", ["residual", "plain"])
def test_the_health_of_every_layer(name: str) -> None:
    described = sample(name)
    layers = place_network(described, check(described))
    types = {one.name: one.report.type for layer in layers for one in layer.walk()}
    found = []
    with both(described) as pair:
        for engine in pair:
            meter, optimizer = engine.meter(types), engine.optimizer(Recipe())
            meter.before()
            images = random_images(described.input, 8)
            result = engine.train_batch(images, random_targets(CLASSES, 8))
            optimizer.step(0.01, result.gradient_norm)
            found.append([msgspec.to_builtins(one) for one in meter.layers()])
            found[-1].append({"range": meter.score_range()})
    for one, other in zip(*found, strict=True):
        assert one == pytest.approx(other, rel=1e-6), one


def test_frozen_layers_stay() -> None:
    layers = (Conv(out_channels=4), BatchNorm(), ReLU(), FC(out_features=8, name="last"))
    recipe = Recipe(freeze="relu3", optimizer="adam")
    described = network((1, 6, 6), *layers, classes=CLASSES, training=recipe)
    with both(described) as pair:
        before = {name: array.copy() for name, array in pair[1].arrays().items()}
        losses = [train(engine, recipe, 3, described.input) for engine in pair]
        np.testing.assert_allclose(losses[1], losses[0], rtol=EXACT)
        after = pair[1].arrays()
        changed = {name for name, array in after.items() if (array != before[name]).any()}
        assert changed == {"last.weight", "last.bias", "scores.weight", "scores.bias"}


def test_a_layer_that_explodes_is_named() -> None:
    described = network((1, 6, 6), Conv(out_channels=4), ReLU(), classes=CLASSES)
    with both(described, np.float32) as (_, engine):
        engine.put({**engine.arrays(), "conv1.bias": np.full(4, np.inf, np.float32)})
        with pytest.raises(NonFiniteError, match="not finite is conv1"):
            engine.train_batch(random_images((1, 6, 6), 4, dtype=np.float32), np.zeros(4, int))


@pytest.mark.parametrize("pixel", [1e22, 1e30])
def test_the_norm_of_a_gradient_whose_square_overflows(pixel: float) -> None:
    described = network((1, 2, 2), FC(out_features=4), ReLU(), classes=3)
    images, targets = np.full((6, 1, 2, 2), pixel, np.float32), random_targets(3, 6)
    with both(described, np.float32) as pair:
        norms = [engine.train_batch(images, targets).gradient_norm for engine in pair]
    assert norms[0] > 1e20  # float32 ends at 3.4e38, the squares at its root
    assert norms[1] == pytest.approx(norms[0], rel=1e-5)


def test_stages_are_those_of_the_layers() -> None:
    described = network((1, 8, 8), Conv(out_channels=4), ReLU(), MaxPool(), classes=CLASSES)
    with both(described, np.float32) as (_, engine):
        images = random_images((1, 8, 8), 4, dtype=np.float32)
        stages = list(engine.train_stages(images, np.zeros(4, int)))
    # A pool comes before the ReLU in front of it.
    names = ["conv1", "maxpool3", "relu2", "scores"]
    assert [name for name, backward in stages if not backward] == names
    assert [name for name, backward in stages if backward] == ["", *reversed(names), ""]


def test_a_pool_before_a_relu_changes_no_bit() -> None:
    from cnn_tui.engine.torch_engine.described import Described

    pool = MaxPool(kernel_size=3, stride=2)
    inside = (Conv(out_channels=4, padding="same"), ReLU(), pool)
    layers = (ReLU(), pool, *inside, Parallel(branches=(inside, (ReLU6(), *inside[1:]))))
    described = Described(network((2, 23, 23), *layers, classes=CLASSES), 1, np.dtype("f"))
    found: list[list[Any]] = []
    for in_order in (True, False):
        net = described.module(torch.device("cpu"), np.dtype("f"), in_order=in_order)
        with torch.no_grad():
            for name, parameter in described.parameters(net).items():
                parameter.tensor.copy_(torch.from_numpy(described.initial[name].copy()))
        ran: dict[str, Any] = {}
        with described.watching(net, ran.__setitem__):
            scores = net(torch.from_numpy(random_images((2, 23, 23), 8, dtype=np.float32)))
        scores.logsumexp(1).sum().backward()
        tensors = [one.tensor for one in described.parameters(net).values()]
        found.append([list(ran), scores, *(tensor.grad for tensor in tensors)])
    (ran, *wanted), (fast, *got) = found
    assert (ran[:2], fast[:2]) == (["relu1", "maxpool2"], ["maxpool2", "relu1"])
    assert all(map(torch.equal, wanted, got))


def test_only_fresh_outputs_are_written_over() -> None:
    def block(*layers: Any) -> Residual:
        return Residual(branch=(*layers, Conv(out_channels=4, padding="same")))

    relu, conv = ReLU(), Conv(out_channels=4, padding="same")
    layers = (relu, conv, relu, relu, block(relu, BatchNorm(), relu), relu, MaxPool(), relu)
    described = network((1, 6, 6), *layers, classes=CLASSES)
    with both(described) as (ours, theirs):
        modules = [one for one in theirs.net.modules() if isinstance(one, torch.nn.ReLU)]
        # Not the images, what an activation has kept, or what the shortcut reads as well.
        written = [False, True, False, False, True, True, False]
        assert [one.inplace for one in modules] == written
        close(
            *(np.array(train(engine, Recipe(lr=1e-3), 3, (1, 6, 6))) for engine in (ours, theirs))
        )
        list(theirs.train_stages(random_images((1, 6, 6), 4), np.zeros(4, int)))
        assert [one.inplace for one in modules] == written
