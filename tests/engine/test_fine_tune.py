"""Training on from a run: frozen layers, a new head, and weights that fit or do not."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest
from msgspec import structs
from samples import arrays_of, network, random_images, random_targets, randomize

from cnn_tui.engine.build import build
from cnn_tui.engine.errors import ShapeError
from cnn_tui.engine.optimizers import build_optimizer
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import (
    FC,
    BatchNorm,
    Conv,
    Dropout,
    MaxPool,
    ReLU,
    Repeat,
    Residual,
)
from cnn_tui.engine.specs.network import Network, Recipe
from cnn_tui.engine.training.snapshot import take_snapshot
from cnn_tui.engine.transforms.fine_tune import starting_weights, with_new_head

SHAPE = (3, 8, 8)
THREE = Conv(out_channels=8, padding=1, bias=False)
BODY = (
    Conv(out_channels=8, padding=1, name="first"),
    BatchNorm(name="norm"),
    ReLU(),
    Repeat(
        layers=(
            Residual(branch=(Conv(out_channels=8, padding=1, bias=False), BatchNorm(), Dropout())),
        )
    ),
    MaxPool(name="pool"),
    Conv(out_channels=6, name="last"),
    ReLU(),
)


def described(freeze: str = "", optimizer: str = "adam", classes: int = 4) -> Network:
    recipe = Recipe(freeze=freeze, optimizer=optimizer, l2=0.01, lr=0.01)
    return network(SHAPE, *BODY, classes=classes, training=recipe)


def frozen_names(model_names: list[str], freeze: str) -> set[str]:
    frozen = {"first", "norm"} if freeze == "norm" else {"first", "norm", "repeat4"}
    return {name for name in model_names if name.split(".")[0] in frozen}


@pytest.mark.parametrize("freeze", ["norm", "repeat4", "pool"])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_frozen_layers_keep_every_bit_and_the_others_move(freeze: str, optimizer: str) -> None:
    with closing(build(described(freeze, optimizer))) as model:
        randomize(model)
        before = arrays_of(model)
        rule = build_optimizer(Recipe(optimizer=optimizer, l2=0.01, weight_decay=0.1), model)
        for seed in range(3):
            images = random_images(SHAPE, 20, seed, np.float32)
            result = model.train_batch(images, random_targets(4, 20, seed))
            rule.step(0.01, result.gradient_norm)
        after = arrays_of(model)
        still = frozen_names(list(before), freeze)
        assert still == {name for name in before if np.array_equal(before[name], after[name])}


def test_gradients_are_those_of_the_whole_network_in_evaluation_up_to_there() -> None:
    """Without norms and dropout, freezing changes nothing but which gradients there are."""
    layers = (
        Conv(out_channels=4, padding=1, name="a"),
        ReLU(),
        Conv(out_channels=5, name="b"),
        ReLU(),
    )
    whole = network(SHAPE, *layers, classes=3)
    partly = structs.replace(whole, training=Recipe(freeze="a"))
    images, targets = random_images(SHAPE, 9, dtype=np.float64), random_targets(3, 9)
    with closing(build(whole, dtype=float)) as full, closing(build(partly, dtype=float)) as head:
        assert full.train_batch(images, targets).loss == head.train_batch(images, targets).loss
        for name in ("b.weight", "b.bias", "scores.weight", "scores.bias"):
            np.testing.assert_array_equal(full.parameters[name].grad, head.parameters[name].grad)
        assert not head.parameters["a.weight"].grad.any()
        assert head.store.grad.size == head.store.size - 4 * 27 - 4


def test_the_state_of_the_optimizer_is_that_of_the_trained_layers_only() -> None:
    with closing(build(described("pool"))) as model:
        optimizer = build_optimizer(Recipe(optimizer="adam"), model)
        names = {name.split("/")[-1] for name in optimizer.arrays() if "/" in name}
        assert names == {"last.weight", "last.bias", "scores.weight", "scores.bias"}
        assert sum(state.size for state in optimizer.state) == 2 * model.store.trained


def test_threads_do_not_change_a_bit() -> None:
    bits = set()
    for threads in (1, 2, 3):
        with closing(build(described("norm"), threads=threads)) as model:
            result = model.train_batch(
                random_images(SHAPE, 40, dtype=np.float32), random_targets(4, 40)
            )
            bits.add((result, model.store.grad.tobytes()))
    assert len(bits) == 1


def test_an_opened_network_shows_frozen_layers_and_their_gradients() -> None:
    with closing(build(described("pool"))) as model:
        randomize(model)
        images = random_images(SHAPE, 3, dtype=np.float32)
        with model.opened(images) as inside:
            np.testing.assert_allclose(inside.logits, model.forward(images), rtol=1e-5, atol=1e-6)
            assert np.abs(inside.gradient("first", 0)).max() > 0
            assert np.abs(inside.loss_gradients(np.zeros(3, int))["first.weight"]).max() > 0


def test_the_recipe_is_checked() -> None:
    assert check(described("pool")).valid
    (issue,) = check(structs.replace(described(), training=Recipe(freeze="scores"))).issues
    assert "behind scores no layer has weights to train" in issue.message
    (issue,) = check(structs.replace(described(), training=Recipe(freeze="frist"))).issues
    assert "there is no layer called frist" in issue.message
    assert "Did you mean first?" in issue.message


def test_a_new_head_has_fresh_weights_and_the_rest_those_of_the_run() -> None:
    origin = described()
    with closing(build(origin)) as model:
        randomize(model)
        weights = arrays_of(model)
    other = with_new_head(origin, 7)
    assert other.layers[-1] == FC(out_features=7, name="scores")
    found = starting_weights(other, origin, weights, new_head=True)
    with closing(build(other)) as model:
        fresh = {name: array.copy() for name, array in model.arrays().items()}
    for name, array in found.items():
        expected = fresh if name.startswith("scores.") else weights
        np.testing.assert_array_equal(array, expected[name])


def test_weights_that_do_not_fit_are_refused_by_the_layer() -> None:
    origin = described()
    with closing(build(origin)) as model:
        weights = arrays_of(model)
    with pytest.raises(
        ShapeError, match="scores has 144 weights and 6 biases, scores of the run 96"
    ):
        starting_weights(described(classes=6), origin, weights)
    wider = network(SHAPE, Conv(out_channels=9, padding=1, name="first"), *BODY[4:], classes=4)
    with pytest.raises(
        ShapeError, match="first has 243 weights and 9 biases, first of the run 216"
    ):
        starting_weights(wider, origin, weights, new_head=True)
    shorter = network(SHAPE, *BODY[:3], classes=4)
    with pytest.raises(ShapeError, match="the network has no layer for"):
        starting_weights(shorter, origin, weights, new_head=True)


def test_a_saved_state_resumes_to_the_same_bits() -> None:
    def step(model, optimizer, seed: int) -> None:
        images = random_images(SHAPE, 12, seed, np.float32)
        result = model.train_batch(images, random_targets(4, 12, seed))
        optimizer.step(0.01, result.gradient_norm)

    finals = []
    for interrupted in (False, True):
        with closing(build(described("norm"))) as model:
            optimizer = build_optimizer(Recipe(optimizer="adam"), model)
            step(model, optimizer, 0)
            if interrupted:
                progress = type("P", (), {"step": 1})()
                tensors = take_snapshot(optimizer, progress).tensors()
                again = build(described("norm"))
                other = build_optimizer(Recipe(optimizer="adam"), again)
                other.restore(tensors, progress.step)
                step(again, other, 1)
                finals.append(again.store.data.tobytes())
                again.close()
            else:
                step(model, optimizer, 1)
                finals.append(model.store.data.tobytes())
    assert finals[0] == finals[1]
