"""Pre-flight: each line passes on sound trainings and says what is wrong with others."""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest
from sabotage import digits, recipe, summed_loss, with_shuffled_labels, with_train
from samples import network, random_images, random_targets

from cnn_tui.engine.data.dataset import Dataset, Split
from cnn_tui.engine.errors import ShapeError
from cnn_tui.engine.ops.activations import ActivationKernel
from cnn_tui.engine.ops.elementwise import BiasKernel
from cnn_tui.engine.ops.loss import LossKernel
from cnn_tui.engine.specs.layers import (
    FC,
    BatchNorm,
    Conv,
    Dropout,
    GlobalAvgPool,
    Layer,
    MaxPool,
    ReLU,
    Residual,
)
from cnn_tui.engine.specs.network import SVM, Network, Recipe
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.engine.training.checks.bench import CheckResult
from cnn_tui.engine.training.checks.gradcheck import TOLERANCE, check_gradients
from cnn_tui.engine.training.checks.learning import try_to_overfit
from cnn_tui.engine.training.preflight import CHECKS, preflight

NET = "digits-convnet"
AMPLE = 1e6
"""Seconds: these tests must not depend on how fast the machine is."""


def results(net: Network, data: Dataset | None = None, **how: Any) -> dict[str, CheckResult]:
    lines = list(preflight(net, data or digits(), **{"budget": AMPLE, **how}))
    for line in lines:
        assert line.message.isprintable() and line.message.endswith(".")
        assert all(text.isprintable() for text in line.evidence)
    return {line.name: line for line in lines}


def passed(net: Network, data: Dataset | None = None) -> dict[str, bool | None]:
    return {name: line.passed for name, line in results(net, data).items()}


@pytest.mark.parametrize(
    "name", ["digits-convnet", "three-layer", "two-layer", "softmax-linear", "svm-linear"]
)
def test_presets_pass_every_check(name: str) -> None:
    assert passed(recipe(name)) == dict.fromkeys(CHECKS, True)


def test_lines_come_one_by_one_in_order() -> None:
    lines = preflight(recipe("two-layer"), digits())
    assert next(lines).name == "input scale"
    assert [line.name for line in lines] == list(CHECKS)[1:]


@pytest.mark.parametrize(
    ("changes", "failing", "words"),
    [
        ({"normalize": False}, "input scale", "normalize = true"),
        ({"normalize": False}, "initial loss", "too large"),
        ({"initializer": "zeros"}, "overfit a few", "Adam (lr 0.001) memorised all"),
        ({"lr": 5.0}, "overfit a few", "learning rate or the initializer"),
    ],
)
def test_a_bad_recipe_is_told(changes: dict[str, Any], failing: str, words: str) -> None:
    line = results(recipe(NET, **changes))[failing]
    assert line.passed is False and words in line.message


def test_expected_losses_are_those_of_the_notes() -> None:
    softmax = results(recipe(NET))["initial loss"]
    assert f"{math.log(10):.4g}" in softmax.message and "ln 10" in softmax.message
    data = noise_of(3)
    for loss, expected in ((SVM(delta=2.5), 5.0), (SVM(delta=3.0, squared=True), 18.0)):
        net = network((1, 6, 6), FC(out_features=8), classes=3, loss=loss)
        assert f"is {expected:g}, as expected" in results(net, data)["initial loss"].message


def test_a_loss_of_the_wrong_scale_is_told() -> None:
    with summed_loss(10):
        line = results(recipe(NET))["initial loss"]
    assert line.passed is False
    assert "23.03, not ln 10 = 2.303" in line.message


def noise_of(*per_class: int) -> Dataset:
    """Noise with so many images of each class; one number stands for as many classes of ten."""
    counts = per_class if len(per_class) > 1 else (10,) * per_class[0]
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(len(counts)), counts)
    images = rng.integers(0, 256, (len(labels), 1, 6, 6), dtype=np.uint8)
    train = Split(images, labels)
    return Dataset("noise", tuple("abcdefghij"[: len(counts)]), train, train, train)


def test_uneven_classes_are_named() -> None:
    net = network((1, 6, 6), FC(out_features=8), classes=3)
    line = results(net, noise_of(100, 5, 30))["class balance"]
    assert line.passed is False and "'a' has 100" in line.message and "'b' 5" in line.message
    assert results(net, noise_of(50, 20, 30))["class balance"].passed is True
    even = results(net, noise_of(30, 30, 30))["class balance"].message
    assert even == "Each of the 3 classes has 30 training images."


def with_splits(change: Callable[[Split], Split], *names: str) -> Dataset:
    """The digits with some splits changed."""
    data = digits()
    changed = {name: change(getattr(data, name)) for name in names}
    return replace(data, **changed)


def scaled(split: Split) -> Split:
    return Split((np.asarray(split.images) / 16).astype(np.float32), split.labels)


def test_splits_of_another_scale_are_told() -> None:
    line = results(recipe(NET), with_splits(scaled, "test"))["splits"]
    assert line.passed is False
    assert "The test images reach" in line.message and "scaled otherwise" in line.message
    assert "validation" not in line.message
    assert results(recipe(NET), with_splits(scaled, "train", "val", "test"))["splits"].passed


def test_test_images_that_are_in_training_are_told() -> None:
    data = digits()
    leak = replace(data, test=data.train.take(np.arange(50)))
    line = results(recipe("softmax-linear"), leak)["splits"]
    assert line.passed is False and "50 of the 50 test images are also in training" in line.message
    few = (np.arange(1000) < 5).reshape(-1, 1, 1, 1)
    images = np.asarray(data.train.images)[:1000]
    mixed = Split(np.where(few, images, images[..., ::-1, :]), data.train.labels[:1000])
    assert results(recipe("softmax-linear"), replace(data, val=mixed))["splits"].passed


def test_grey_images_in_a_network_for_colour_are_told() -> None:
    data = digits().each(lambda s: Split(np.repeat(np.asarray(s.images), 3, 1), s.labels))
    net = network((3, 8, 8), FC(out_features=8), classes=10)
    line = results(net, data)["input scale"]
    assert line.passed and "the images are grey" in line.message
    with pytest.raises(ShapeError, match="expects images of colour 3x8x8, received grey 1x8x8"):
        list(preflight(net, digits()))


def test_classes_that_are_balanced_by_the_recipe_pass() -> None:
    net = network((1, 6, 6), FC(out_features=8), classes=3)
    balanced = msgspec.structs.replace(net, training=Recipe(balance="sampling"))
    line = results(balanced, noise_of(100, 5, 30))["class balance"]
    assert line.passed and 'balance = "sampling" makes up for it' in line.message


def test_l2_is_half_the_squared_length_of_the_weights() -> None:
    line = results(recipe("softmax-linear", l2=0.5))["L2"]
    squares = float(line.evidence[0].rpartition(" ")[2])
    added = float(line.message.rstrip(".").rpartition(" ")[2])
    assert line.passed and added == pytest.approx(0.25 * squares, rel=0.01)
    without = results(recipe("softmax-linear", l2=0.0))["L2"]
    assert without.passed and "no L2" in without.message


def test_shuffled_labels_can_still_be_learned_by_heart() -> None:
    """It tells whether anything can be learned, not whether it is worth it."""
    assert results(recipe(NET), with_train(with_shuffled_labels))["overfit a few"].passed


def test_what_cannot_be_learned_by_heart_is_told() -> None:
    """Images that are all the same, of two classes."""
    images, labels = np.full((40, 1, 6, 6), 7, np.uint8), np.arange(40) % 2
    split = Split(images, labels)
    data = Dataset("grey", ("a", "b"), split, split, split)
    line = results(network((1, 6, 6), FC(out_features=8), classes=2), data)["overfit a few"]
    assert line.passed is False and "Adam (lr 0.001) fails too" in line.message


def test_network_and_data_must_fit() -> None:
    with pytest.raises(ShapeError, match="expects images of"):
        list(preflight(recipe(NET), noise_of(10)))


# Time.


def test_less_is_done_where_time_is_short_and_the_line_says_so() -> None:
    """On a clock on which the first forward pass takes five seconds, and nothing else any."""
    times = itertools.chain([0.0, 0.0], itertools.repeat(5.0))
    lines = results(recipe(NET), budget=10.0, clock=lambda: next(times))
    assert "24 weights" not in lines["gradients"].message
    assert all("(on a copy of 1/" in lines[name].message for name in ("gradients", "overfit a few"))
    assert lines["overfit a few"].message.endswith("steps.") and lines["gradients"].passed


def test_no_time_is_no_failure() -> None:
    times = itertools.count(0.0, 9.0)
    lines = results(recipe(NET), budget=10.0, clock=lambda: next(times))
    assert lines["gradients"].passed is None and lines["overfit a few"].passed is None
    assert "no time" in lines["gradients"].message
    assert lines["class balance"].passed is True


class After:
    """Says yes from so many questions on."""

    def __init__(self, most: float) -> None:
        self.most, self.asked = most, 0

    def __call__(self) -> bool:
        self.asked += 1
        return self.asked > self.most


def test_it_can_be_cancelled_anywhere() -> None:
    """Whenever the answer turns to yes it ends soon, without a line about what was cut off."""
    net, data, never = recipe("two-layer"), digits(), After(math.inf)
    whole = list(preflight(net, data, budget=AMPLE, stopping=never))
    for most in {0, 1, 7, never.asked // 3, never.asked // 2, never.asked - 1}:
        stopping = After(most)
        lines = list(preflight(net, data, budget=AMPLE, stopping=stopping))
        assert lines == whole[: len(lines)] and len(lines) < len(whole)
        assert stopping.asked <= most + 4


@pytest.mark.slow
def test_large_networks_are_checked_on_narrower_copies() -> None:
    """Without such a copy the gradients of this one alone would need a gigabyte in float64."""
    net = network((1, 6, 6), FC(out_features=8000), ReLU(), FC(out_features=8000), classes=3)
    lines = results(net, noise_of(3), budget=20.0)
    assert all("1/" in lines[name].message for name in ("gradients", "overfit a few"))
    assert "of the width" in lines["initial loss"].evidence[1]


# Gradients.

KINKY: tuple[Layer, ...] = (
    Conv(out_channels=4, padding=1),
    ReLU(),
    MaxPool(),
    Residual(branch=(Conv(out_channels=4, padding=1), BatchNorm(), ReLU())),
    Dropout(p=0.3),
    Conv(out_channels=5),
    ReLU(),
    GlobalAvgPool(),
)


def gradient_error(*layers: Layer, images: np.ndarray | None = None, **how: Any) -> float:
    net = network((2, 8, 8), *layers, classes=3, training=Recipe(**how))
    given = random_images((2, 8, 8), 4, dtype=np.float32) if images is None else images
    return check_gradients(net, given, random_targets(3, 4)).error


def test_right_gradients_agree_in_spite_of_kinks() -> None:
    assert gradient_error(*KINKY) < TOLERANCE / 100


def test_a_loss_so_large_that_its_rounding_is_a_slope_is_no_fault() -> None:
    net = network((2, 8, 8), *KINKY, classes=3, loss=SVM(delta=1e6))
    images = random_images((2, 8, 8), 4, dtype=np.float32)
    assert check_gradients(net, images, random_targets(3, 4)).error < TOLERANCE / 100


def test_units_exactly_at_their_kink_are_no_fault() -> None:
    """Blank images and no biases yet: every ReLU stands at zero."""
    blank = np.zeros((4, 2, 8, 8), np.float32)
    assert gradient_error(*KINKY, images=blank) < TOLERANCE


@pytest.fixture(params=["relu", "bias", "loss"])
def broken_kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Mistakes of a kind that training may survive for long."""
    if request.param == "relu":

        def backward(self: ActivationKernel) -> None:
            np.copyto(self.dx, self.dy)

        monkeypatch.setattr(ActivationKernel, "backward", backward)
    elif request.param == "bias":
        right = BiasKernel.backward

        def twice(self: BiasKernel) -> None:
            right(self)
            self.dbias *= 2

        monkeypatch.setattr(BiasKernel, "backward", twice)
    else:
        run = LossKernel.run

        def scaled(self: LossKernel) -> None:
            run(self)
            self.gradient *= 1.01

        monkeypatch.setattr(LossKernel, "run", scaled)
    return str(request.param)


def test_wrong_gradients_are_found(broken_kernel: str) -> None:
    line = results(recipe(NET))["gradients"]
    assert line.passed is False and "is wrong" in line.message
    if broken_kernel == "bias":
        assert ".bias is wrong" in line.message


def test_a_check_cut_short_has_seen_every_parameter_first() -> None:
    net = network((2, 8, 8), *KINKY, classes=3)
    images, targets = random_images((2, 8, 8), 4), random_targets(3, 4)
    whole = check_gradients(net, images, targets, entries=2)
    assert whole.complete and whole.entries == 2 * whole.parameters
    for most in (0, 3, whole.parameters):
        cut = check_gradients(net, images, targets, entries=2, stopping=After(most))
        assert (cut.entries, cut.parameters, cut.complete) == (most, most, False)


def test_learning_by_heart_is_the_same_each_time() -> None:
    net = load_preset("two-layer")
    images, targets = random_images((1, 8, 8), 8, dtype=np.float32), random_targets(10, 8)
    assert try_to_overfit(net, images, targets).learned
    assert try_to_overfit(net, images, targets) == try_to_overfit(net, images, targets)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before
