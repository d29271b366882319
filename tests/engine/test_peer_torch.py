"""Whole networks against PyTorch: scores, loss, every gradient, ten steps of each optimizer."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from cases import Choice, networks
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec import structs
from peer_networks import NETWORKS
from samples import (
    arrays_of,
    network,
    random_images,
    random_targets,
    randomize,
)

from cnn_tui.engine.build import build
from cnn_tui.engine.model import Model
from cnn_tui.engine.optimizers import build_optimizer
from cnn_tui.engine.schedules import learning_rate
from cnn_tui.engine.specs.inside import lists_in, with_lists
from cnn_tui.engine.specs.layers import FC, BatchNorm, Layer, layer_type
from cnn_tui.engine.specs.network import SVM, Loss, Network, Recipe, Softmax
from cnn_tui.engine.specs.presets import load_preset

torch = pytest.importorskip(
    "torch", reason='PyTorch is not installed; pip install -e ".[test,peer]" brings it'
)
peer = importlib.import_module("torch_peer")

CLASSES = 10
LOSSES = [
    Softmax(),
    Softmax(label_smoothing=0.1),
    SVM(),
    SVM(delta=0.3),
    SVM(squared=True),
]
OPTIMIZERS = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw")
TIGHT, ROUNDED = {"rtol": 1e-9, "atol": 1e-11}, {"rtol": 1e-3, "atol": 1e-4}
"""float64 to compare formulas; float32 rounds, each side in an order of its own."""


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Pair:
    """The same network with the same weights on both sides."""

    def __init__(self, described: Network, dtype: Any, *, random: bool = True) -> None:
        self.network = described
        self.model: Model = build(described, dtype=dtype, seed=1)
        if random:
            randomize_gently(self.model)
        self.peer = peer.to_torch(described).to(torch.float64 if dtype is np.float64 else None)
        peer.copy_weights(self.model, self.peer)
        self.loss = peer.loss_function(described.loss)
        self.close = TIGHT if dtype is np.float64 else ROUNDED

    def train(self, images: np.ndarray, targets: np.ndarray) -> None:
        """One training pass on both sides; scores, loss and gradients must agree."""
        self.peer.train()
        self.peer.zero_grad()
        scores = self.peer(torch.tensor(images)).flatten(1)
        loss = self.loss(scores, torch.tensor(targets))
        loss.backward()
        result = self.model.train_batch(images, targets)
        assert result.loss == pytest.approx(loss.item(), rel=self.close["rtol"])
        assert result.correct == int((scores.argmax(1) == torch.tensor(targets)).sum())
        self.compare({name: p.grad for name, p in self.peer.named_parameters()}, gradients=True)

    def compare(self, theirs: dict[str, Any], *, gradients: bool) -> None:
        """Each array to its own scale, or to a hundredth of the largest.

        Some gradients are nothing but rounding, such as those of a bias before a batch norm.
        """
        expected = {name: theirs[name].detach().numpy() for name in self.model.parameters}
        sizes = {name: float(np.abs(array).max()) for name, array in expected.items()}
        least = max(sizes.values()) / 100
        for name, parameter in self.model.parameters.items():
            found, scale = parameter.grad if gradients else parameter.data, max(sizes[name], least)
            assert_close(found / scale, expected[name] / scale, self.close, name)

    def compare_buffers(self) -> None:
        theirs = dict(self.peer.named_buffers())
        for name, buffer in self.model.buffers.items():
            assert_close(buffer, theirs[name].numpy(), self.close, name)

    def evaluate(self, images: np.ndarray) -> None:
        self.peer.eval()
        with torch.no_grad():
            expected = self.peer(torch.tensor(images)).flatten(1).numpy()
        scale = np.abs(expected).max()
        assert_close(self.model.forward(images) / scale, expected / scale, self.close, "scores")


Tolerance = dict[str, float]


def assert_close(found: np.ndarray, expected: np.ndarray, close: Tolerance, what: str) -> None:
    np.testing.assert_allclose(found, expected, err_msg=what, **close)


def randomize_gently(model: Model) -> None:
    """Random biases, norms and statistics; weights of He's size, so that nothing saturates."""
    weights = {name: p.data.copy() for name, p in model.parameters.items() if p.role == "weight"}
    randomize(model)
    for name, values in weights.items():
        model.parameters[name].data[...] = values


def sample(name: str, loss: Loss | None = None, training: Recipe | None = None) -> Network:
    shape, layers = NETWORKS[name]
    return network(shape, *layers, classes=CLASSES, loss=loss, training=training)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("name", "batch"),
    # PyTorch refuses to normalise a single vector.
    [(name, batch) for name in NETWORKS for batch in (1, 7, 33) if (name, batch) != ("normed", 1)],
)
def test_network(name: str, batch: int, dtype: Any) -> None:
    pair = Pair(sample(name), dtype)
    for seed in range(2):
        images = random_images(pair.network.input, batch, seed, dtype)
        pair.evaluate(images)
        pair.train(images, random_targets(CLASSES, batch, seed))
        pair.compare_buffers()
    pair.evaluate(images)


ANY = Choice(widths=(3, 16, 18, 50))


@settings(max_examples=150)
@given(networks(ANY), st.integers(2, 9))
def test_random_network(described: Network, batch: int) -> None:
    """Whatever layers share, overwrite or read in place among themselves."""
    pair = Pair(described, np.float64)
    # A norm of two values, or of equal ones, magnifies what little they differ by rounding.
    pair.close = {"rtol": 1e-6, "atol": 1e-8}
    for seed in range(2):
        images = random_images(described.input, batch, seed)
        with refusals_of_pytorch():
            pair.evaluate(images)
            pair.train(images, random_targets(3, batch, seed))
        pair.compare_buffers()


@pytest.mark.slow
@settings(max_examples=300)
@given(networks(ANY), st.integers(2, 9))
def test_three_hundred_random_networks_to_the_tenth_digit(described: Network, batch: int) -> None:
    """Branches nested in branches and layers of every kind; norms that magnify no rounding."""
    pair = Pair(structs.replace(described, layers=tuple(map(_calm, described.layers))), np.float64)
    pair.close = {"rtol": 1e-10, "atol": 1e-10}
    images = random_images(described.input, batch)
    with refusals_of_pytorch():
        pair.evaluate(images)
        pair.train(images, random_targets(3, batch))


def _calm(layer: Layer) -> Layer:
    layer = with_lists(layer, [tuple(map(_calm, inner)) for inner in lists_in(layer)])
    eps = getattr(layer, "eps", None)
    return layer if eps is None else structs.replace(layer, eps=max(eps, 0.1))


@contextmanager
def refusals_of_pytorch() -> Iterator[None]:
    """PyTorch pads a pool by no more than half its window."""
    try:
        yield
    except RuntimeError as error:
        if "at most half" not in str(error):
            raise
        assume(False)


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_loss(loss: Loss) -> None:
    pair = Pair(sample("plain", loss), np.float64)
    pair.train(random_images(pair.network.input, 9), random_targets(CLASSES, 9))


def test_running_statistics_over_many_batches() -> None:
    pair = Pair(sample("normed"), np.float64)
    for seed, batch in enumerate((16, 16, 5, 2)):
        images = 3 + 2 * random_images(pair.network.input, batch, seed)
        pair.train(images, random_targets(CLASSES, batch, seed))
        pair.compare_buffers()


def test_statistics_of_values_far_from_zero() -> None:
    """Where a variance from sums of squares loses digits."""
    pair = Pair(network((3, 12, 12), BatchNorm(), FC(out_features=5), classes=4), np.float32)
    images = random_images((3, 12, 12), 16, dtype=np.float32) + np.float32(20)
    pair.train(images, random_targets(4, 16))
    pair.compare_buffers()


def steps(pair: Pair, training: Recipe, count: int = 10) -> None:
    """Training steps on both sides, each from its own gradients."""
    ours = build_optimizer(training, pair.model)
    theirs = peer.torch_optimizer(training, pair.model, pair.peer)
    for step in range(count):
        lr = learning_rate(training, step, 5)
        images = random_images(pair.network.input, 8, step, pair.model.dtype)
        targets = random_targets(CLASSES, 8, step)
        for group in theirs.param_groups:
            group["lr"] = lr
        pair.peer.zero_grad()
        pair.loss(pair.peer(torch.tensor(images)).flatten(1), torch.tensor(targets)).backward()
        if training.clip_norm:
            torch.nn.utils.clip_grad_norm_(pair.peer.parameters(), training.clip_norm)
        theirs.step()
        result = pair.model.train_batch(images, targets)
        ours.step(lr, result.gradient_norm)
    pair.compare(dict(pair.peer.named_parameters()), gradients=False)
    pair.compare_buffers()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_ten_steps(name: Any, dtype: Any) -> None:
    l2 = 0.0 if name == "adamw" else 1e-2
    recipe = Recipe(
        optimizer=name, lr=1e-3, l2=l2, weight_decay=1e-2, eps=1e-3, schedule="cosine", epochs=2
    )
    steps(Pair(sample("residual"), dtype), recipe)


def test_ten_clipped_steps() -> None:
    """PyTorch adds 1e-6 to the length that it divides by."""
    pair = Pair(sample("plain"), np.float64)
    pair.close = {"rtol": 1e-6, "atol": 1e-7}
    steps(pair, Recipe(optimizer="momentum", lr=1e-2, clip_norm=0.5))


@pytest.mark.parametrize(
    ("recipe", "theirs"),
    [
        (
            Recipe(schedule="step", step_epochs=3.0, gamma=0.5),
            lambda sgd: torch.optim.lr_scheduler.StepLR(sgd, 3, 0.5),
        ),
        (
            Recipe(schedule="exponential", gamma=0.8),
            lambda sgd: torch.optim.lr_scheduler.ExponentialLR(sgd, 0.8),
        ),
        (
            Recipe(schedule="cosine", epochs=12),
            lambda sgd: torch.optim.lr_scheduler.CosineAnnealingLR(sgd, 11),
        ),
    ],
    ids=lambda value: getattr(value, "schedule", ""),
)
def test_schedule(recipe: Recipe, theirs: Any) -> None:
    """With one batch in an epoch both count alike."""
    sgd = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], recipe.lr)
    scheduler = theirs(sgd)
    for step in range(recipe.epochs):
        assert learning_rate(recipe, step, 1) == pytest.approx(
            scheduler.get_last_lr()[0], abs=1e-12
        )
        sgd.step()
        scheduler.step()


PRESETS = [
    ("lenet5", 5),
    ("digits-convnet", 5),
    ("convnetjs-cifar", 3),
    ("cifar-convnet", 3),
    ("all-conv", 2),
    ("svm-linear", 5),
    ("resnet20", 4),
]


@pytest.mark.parametrize(("name", "batch"), PRESETS)
def test_preset(name: str, batch: int) -> None:
    """As it comes, in float64; without dropout, whose masks cannot be the same."""
    described = load_preset(name)
    layers = tuple(layer for layer in described.layers if layer_type(layer) != "dropout")
    pair = Pair(structs.replace(described, layers=layers), np.float64, random=False)
    images = random_images(described.input, batch)
    classes = pair.model.forward(images).shape[1]
    pair.train(images, random_targets(classes, batch))
    pair.compare_buffers()
    pair.evaluate(images)


def test_weights_go_over_by_name() -> None:
    """Names and shapes are PyTorch's own, with nothing left over on either side."""
    pair = Pair(sample("residual"), np.float32)
    theirs = {
        name: tensor.numpy()
        for name, tensor in pair.peer.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    ours = arrays_of(pair.model)
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        np.testing.assert_array_equal(array, theirs[name])
