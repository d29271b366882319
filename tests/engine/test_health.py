"""What is measured of a layer is what its arrays say."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from samples import network, random_images, random_targets

from cnn_tui.engine.build import build
from cnn_tui.engine.model import Model
from cnn_tui.engine.optimizers import build_optimizer
from cnn_tui.engine.runs.lines import decode_event
from cnn_tui.engine.specs.activations import PReLU
from cnn_tui.engine.specs.layers import (
    FC,
    BatchNorm,
    Conv,
    DWConv,
    Layer,
    MaxPool,
    ReLU,
    Residual,
    Sigmoid,
    Tanh,
)
from cnn_tui.engine.specs.network import Network, Recipe
from cnn_tui.engine.specs.norms import GroupNorm, LayerNorm, LayerScale
from cnn_tui.engine.training.events import (
    Alert,
    AlertCleared,
    LayerHealth,
    LayersMeasured,
    Remedy,
)
from cnn_tui.engine.training.health import EARLY, HealthMeter, is_due
from cnn_tui.engine.training.rules.facts import weighted

SHAPE, CLASSES, IMAGES = (2, 6, 6), 3, 20
LR = 0.05


def described(*layers: Layer) -> Network:
    return network(SHAPE, *layers, classes=CLASSES, training=Recipe(lr=LR, optimizer="sgd"))


class Step:
    """One measured step of ``described``, with all that it can be compared with."""

    def __init__(self, net: Network, threads: int = 1, **arrays: np.ndarray) -> None:
        self.model = build(net, threads=threads)
        for name, values in arrays.items():
            self.model.parameters[name.replace("__", ".")].data[...] = values
        self.images = random_images(SHAPE, IMAGES, dtype=np.float32)
        self.targets = random_targets(CLASSES, IMAGES)
        optimizer = build_optimizer(net.training, self.model)
        meter = HealthMeter(self.model, net)
        meter.before()
        self.before = weights_of(self.model)
        self.model.train_batch(self.images, self.targets)
        self.gradients = {name: p.grad.copy() for name, p in self.model.parameters.items()}
        optimizer.step(LR)
        self.event = meter.measure(7, 2, self.images, self.targets)
        self.model.close()

    def layer(self, name: str) -> LayerHealth:
        (found,) = (layer for layer in self.event.layers if layer.layer == name)
        return found


def weights_of(model: Model) -> dict[str, np.ndarray]:
    return {name: parameter.data.copy() for name, parameter in model.parameters.items()}


def norm(array: np.ndarray) -> float:
    return float(np.linalg.norm(array.astype(float)))


NET = described(
    Conv(out_channels=4, padding=1, name="a"),
    BatchNorm(name="b"),
    ReLU(name="r"),
    MaxPool(name="p"),
    FC(out_features=8, name="c"),
    Tanh(name="t"),
)


def test_weights_gradients_and_the_step_between_them() -> None:
    step = Step(NET)
    for name, kind in (("a", "conv"), ("b", "batchnorm"), ("c", "fc"), ("scores", "fc")):
        layer, weight = step.layer(name), f"{name}.weight"
        before, after = step.before[weight], step.model.parameters[weight].data
        assert layer.type == kind
        assert layer.weight_norm == pytest.approx(norm(after), rel=1e-5)
        assert layer.gradient_norm == pytest.approx(norm(step.gradients[weight]), rel=1e-5)
        assert layer.update_ratio == pytest.approx(norm(after - before) / norm(before), rel=1e-3)
        assert (layer.zeros, layer.dead, layer.saturated, layer.units) == (None,) * 4
    plain = LR * norm(step.gradients["c.weight"]) / norm(step.before["c.weight"])
    assert step.layer("c").update_ratio == pytest.approx(plain, rel=1e-3)


def test_layers_come_in_the_order_in_which_they_run() -> None:
    assert [layer.layer for layer in Step(NET).event.layers] == ["a", "b", "r", "c", "t", "scores"]


def test_zeros_and_dead_units_of_a_relu() -> None:
    net = described(Conv(out_channels=4, padding=1, name="a"), ReLU(name="r"))
    bias = np.array([0, -99, 0, 99])
    step = Step(net, a__bias=bias)
    volume = relu_of(step)
    layer = step.layer("r")
    assert (layer.units, layer.dead) == (4, 0.25)
    assert layer.zeros == pytest.approx((volume == 0).mean())
    assert 0.25 < (layer.zeros or 0) < 0.75


def relu_of(step: Step) -> np.ndarray:
    """The volume after the ReLU, term by term."""
    weight, bias = step.before["a.weight"], step.before["a.bias"]
    padded = np.pad(step.images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    volume = np.einsum("nchwij,fcij->nfhw", windows, weight) + bias.reshape(1, -1, 1, 1)
    return np.maximum(volume, 0)


def test_a_pool_behind_a_relu_changes_nothing_about_who_is_dead() -> None:
    bias = np.array([0, -99, 0, -99])
    for after in ((), (MaxPool(),)):
        net = described(Conv(out_channels=4, padding=1, name="a"), ReLU(name="r"), *after)
        assert Step(net, a__bias=bias).layer("r").dead == 0.5


@pytest.mark.parametrize(("kind", "steep"), [(Sigmoid, 6.0), (Tanh, 3.0)])
def test_saturated_outputs(kind: type[Layer], steep: float) -> None:
    """Half of the units are pushed beyond 99% of the way to a bound, one up, one down."""
    net = described(FC(out_features=4, name="a"), kind(name="s"))
    still = np.zeros((4, 72))
    step = Step(net, a__weight=still, a__bias=np.array([0, steep, -steep, 0.5]))
    assert step.layer("s").saturated == 0.5
    step = Step(net, a__weight=still, a__bias=np.array([0, steep / 2, -steep / 2, 0.5]))
    assert step.layer("s").saturated == 0


def test_layers_inside_a_block_are_measured_by_their_full_names() -> None:
    branch = (Conv(out_channels=2, padding=1), ReLU(), Conv(out_channels=2, padding=1))
    net = described(Residual(branch=branch, shortcut="projection", name="block"), ReLU(name="r"))
    names = [layer.layer for layer in Step(net).event.layers]
    assert names[0].startswith("block.") and names[-2:] == ["r", "scores"]
    assert len(names) == len(set(names)) == 7  # three convs, a batch norm, two ReLUs, the scores


def test_every_layer_with_weights_is_measured_by_its_type() -> None:
    net = described(
        DWConv(padding=1, multiplier=2, name="d"),
        GroupNorm(num_groups=2, name="g"),
        PReLU(name="p"),
        Residual(branch=(Conv(out_channels=4, padding=1), LayerScale(init_value=0.01)), name="b"),
        LayerNorm(over="channels", name="n"),
    )
    step = Step(net)
    kinds = {layer.layer: layer.type for layer in step.event.layers if layer.weight_norm}
    assert kinds == {
        "d": "dwconv",
        "g": "groupnorm",
        "p": "prelu",
        "b.conv1": "conv",
        "b.scale2": "layer_scale",
        "n": "layernorm",
        "scores": "fc",
    }
    for name in ("d", "g", "p", "n"):
        before, after = step.before[f"{name}.weight"], step.model.parameters[f"{name}.weight"].data
        expected = norm(after - before) / norm(before)
        assert step.layer(name).update_ratio == pytest.approx(expected, rel=1e-3)
    # It begins near zero on purpose: its step is large beside it.
    assert step.layer("b.scale2").update_ratio is None
    assert [layer.layer for layer in weighted(step.event)] == ["d", "b.conv1", "scores"]


def test_weights_that_were_zero_have_no_ratio() -> None:
    step = Step(described(FC(out_features=4, name="a")), scores__weight=np.zeros((3, 4)))
    assert step.layer("scores").update_ratio is None
    assert (step.layer("scores").weight_norm or 0) > 0
    assert step.layer("a").update_ratio == 0


def test_the_batch_is_described() -> None:
    event = Step(NET).event
    assert isinstance(event, LayersMeasured)
    images, targets = random_images(SHAPE, IMAGES), random_targets(CLASSES, IMAGES)
    counts = np.bincount(targets)
    assert (event.step, event.epoch, event.images) == (7, 2, IMAGES)
    assert event.input_mean == pytest.approx(images.mean(), abs=1e-6)
    assert event.input_std == pytest.approx(images.std(), rel=1e-5)
    assert event.commonest_class == counts.argmax()
    assert event.commonest_share == counts.max() / IMAGES


def test_range_of_the_scores() -> None:
    net = described(FC(out_features=4))
    scores = np.array([3.0, -1.5, 0.25])
    step = Step(net, scores__weight=np.zeros((3, 4)), scores__bias=scores)
    assert step.event.score_range == 4.5


def test_threads_do_not_change_a_bit() -> None:
    assert Step(NET).event == Step(NET, threads=3).event


def test_measurements_grow_rare() -> None:
    steps = [step for step in range(1, 100_001) if is_due(step)]
    assert tuple(steps[:3]) == EARLY and steps[3:6] == [25, 50, 75]
    assert all(is_due(step) for step in range(25, 10_000, 25))
    assert not is_due(10_025) and is_due(10_050) and not is_due(20_050) and is_due(20_100)
    assert len(steps) < 1200
    assert len([step for step in range(100_001, 1_000_001) if is_due(step)]) < 800


def test_what_is_recorded_reads_back() -> None:
    event = Step(NET).event
    broken = msgspec.structs.replace(event, score_range=math.nan)
    remedy = Remedy("Set.", {"lr": 0.1, "initializer": "he", "normalize": True}, True)
    alert = Alert(code="a", message="m", step=1, evidence=("x", "y"), remedy=remedy)
    for one in (event, alert, AlertCleared(code="a", step=2, layer="b")):
        assert decode_event(msgspec.json.encode(one)) == one
    again = decode_event(msgspec.json.encode(broken))
    assert isinstance(again, LayersMeasured) and math.isnan(again.score_range)
    assert again.layers == event.layers
