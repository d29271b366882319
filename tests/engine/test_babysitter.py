"""The babysitter on real trainings: a fault is named by its cause, and what is offered helps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sabotage import (
    Silencer,
    alerts,
    digits,
    first,
    recipe,
    sorted_by_class,
    summed_loss,
    trained,
    with_shuffled_labels,
    with_train,
)
from samples import network
from told_runs import CLASSES, LR, NET

from cnn_tui.engine.data.catalog import load_dataset
from cnn_tui.engine.specs.inside import walk_layers
from cnn_tui.engine.specs.layers import (
    FC,
    Conv,
    GlobalAvgPool,
    Parallel,
    Repeat,
    Sigmoid,
    Tanh,
    layer_type,
)
from cnn_tui.engine.specs.network import Network, Recipe
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.engine.specs.quick.parse import parse_quick
from cnn_tui.engine.training import remedies
from cnn_tui.engine.training.events import (
    Alert,
    LayerHealth,
    LayersMeasured,
    RunEnded,
    RunEvent,
)
from cnn_tui.engine.training.rules.facts import Facts
from cnn_tui.engine.training.rules.layers import saturated


@pytest.mark.parametrize(
    "name", ["digits-convnet", "three-layer", "two-layer", "softmax-linear", "svm-linear"]
)
def test_presets_on_digits_get_nothing_but_praise(name: str) -> None:
    assert_praised(trained(recipe(name, epochs=8), digits()))


def test_lenet5_on_mnist_gets_nothing_but_praise(mnist_dir: Path) -> None:
    data = first(load_dataset("mnist", mnist_dir), 4000, 300)
    assert_praised(trained(recipe("lenet5", epochs=3), data))


@pytest.mark.slow
def test_a_convnet_on_shapes_gets_nothing_but_praise() -> None:
    data = first(load_dataset("shapes"), 1600, 200)
    assert_praised(trained(recipe("convnetjs-cifar", epochs=8), data))


def assert_praised(events: list[RunEvent]) -> None:
    (praise,) = alerts(events)
    assert (praise.code, praise.severity, praise.remedy) == ("healthy", "praise", None)


def sabotaged(cause: str) -> list[RunEvent]:
    match cause:
        case "lr x100":
            return trained(recipe(NET, lr=100 * LR), digits())
        case "lr /1000":
            return trained(recipe(NET, lr=LR / 1000), digits())
        case "zeros initialisation":
            return trained(recipe(NET, initializer="zeros"), digits())
        case "unnormalised input":
            return trained(recipe(NET, normalize=False), digits())
        case "shuffled labels":
            return trained(recipe(NET, epochs=8), with_train(with_shuffled_labels))
        case "no shuffling":
            return trained(recipe(NET, shuffle=False), with_train(sorted_by_class))
        case "huge L2":
            return trained(recipe(NET, l2=1.0), digits())
        case "tiny data":
            return trained(recipe(NET, epochs=40), first(digits(), 60, 180))
        case "dead ReLUs":
            return trained(recipe(NET), digits(), Silencer("conv3.bias"))
        case "wrong loss scale":
            with summed_loss(load_preset(NET).training.batch_size):
                return trained(recipe(NET), digits())
    raise AssertionError(cause)


@pytest.mark.parametrize(
    ("cause", "code", "by_step", "layer"),
    [
        ("lr x100", "lr-high", 10, ""),
        ("lr /1000", "lr-low", 160, ""),
        ("zeros initialisation", "zero-weights", 5, "conv1"),
        ("unnormalised input", "input-scale", 1, ""),
        ("shuffled labels", "labels", 320, ""),
        ("no shuffling", "one-class-batches", 10, ""),
        ("huge L2", "l2-high", 25, ""),
        ("tiny data", "little-data", 80, ""),
        ("dead ReLUs", "dead-relus", 5, "relu4"),
        ("wrong loss scale", "loss-scale", 1, ""),
    ],
)
def test_sabotaged_runs_are_named_by_their_cause(
    cause: str, code: str, by_step: int, layer: str
) -> None:
    found = [alert for alert in alerts(sabotaged(cause)) if alert.severity != "fatal"]
    assert [(alert.code, alert.layer) for alert in found] == [(code, layer)]
    (alert,) = found
    assert alert.step <= by_step
    assert alert.severity == "warning" and alert.evidence and alert.remedy
    for text in (alert.message, alert.remedy.description, *alert.evidence):
        assert text and text.isprintable()


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {"lr": 100 * LR},
        {"lr": LR / 1000},
        {"initializer": "zeros"},
        {"normalize": False},
        {"shuffle": False},
        {"l2": 1.0},
    ],
)
def test_doing_what_is_offered_helps(changes: dict[str, Any]) -> None:
    """As often as it is offered: a rate that is a hundred times off takes two steps."""
    net, data = recipe(NET, **changes), with_train(sorted_by_class)
    for _ in range(4):
        events = trained(net, data)
        faults = [alert for alert in alerts(events) if alert.severity != "praise"]
        if not faults:
            break
        assert faults[0].remedy is not None and faults[0].remedy.changes
        net = remedies.apply(net, faults[0].remedy)
    end = events[-1]
    assert faults == [] and isinstance(end, RunEnded)
    assert (end.test_accuracy or 0) > 0.7


def test_saturated_sigmoids() -> None:
    """Weights long enough push sigmoids to their bounds and leave them there."""
    layers = (FC(out_features=40), Sigmoid(name="bent"), FC(out_features=20), Tanh(name="too"))
    net = network((1, 8, 8), *layers, classes=10, training=Recipe(epochs=3, lr=1e-3))

    class Stretcher(Silencer):
        def restore(self, model: Any, optimizer: Any) -> None:
            for parameter in model.parameters.values():
                parameter.data[...] *= 30

    found = [a for a in alerts(trained(net, digits(), Stretcher(""))) if a.code == "saturated"]
    assert [alert.layer for alert in found] == ["bent", "too"]
    assert found[0].remedy is not None and found[0].remedy.changes == {"activation": "relu"}


GATE = Parallel(
    branches=(
        (),
        (GlobalAvgPool(), Conv(out_channels=2, kernel_size=1), Sigmoid(name="gate")),
    ),
    merge="multiply",
)


def test_a_gate_is_neither_saturated_nor_replaced() -> None:
    """All or nothing is what a gate is for: a sigmoid whose values multiply others."""
    bent = (Conv(out_channels=2, kernel_size=1), Sigmoid(name="bent"))
    net = network((1, 8, 8), *bent, Repeat(layers=(GATE,), times=2), classes=CLASSES)
    assert Facts(net).squashing == {"bent"}
    shares = {"bent": 0.9, "repeat3.1.parallel1.b.gate": 0.9}
    layers = tuple(
        LayerHealth(layer=name, type="sigmoid", units=2, saturated=share)
        for name, share in shares.items()
    )
    facts = Facts(net)
    for step in (25, 50, 75):
        event = LayersMeasured(
            step=step,
            epoch=1,
            layers=layers,
            images=32,
            input_mean=0.0,
            input_std=1.0,
            score_range=1.0,
            commonest_class=0,
            commonest_share=0.1,
        )
        facts.update(event)
    assert [verdict.layer for verdict in saturated(facts)] == ["bent"]
    after = remedies.apply(net, remedies.activation("relu"))
    kinds = [layer_type(layer) for _, layer in walk_layers(after.layers)]
    assert kinds.count("relu") == 1 and kinds.count("sigmoid") == 1


CONVS = "conv 16 pad same | relu | conv 16 pad same | relu | maxpool 2 | conv 32 pad same | relu"
PLAIN = f"{CONVS} | fc 64 | relu | fc 10"
NORMED = "conv 16 pad same | bn | relu | maxpool 2 | conv 32 pad same | bn | relu | fc 10"


def by_rmsprop(layers: str, lr: float) -> list[Alert]:
    described = Network(layers=parse_quick(layers))
    return alerts(trained(described.with_training(optimizer="rmsprop", lr=lr, epochs=4), digits()))


def test_a_first_step_that_replaced_the_weights_is_named_and_mended() -> None:
    (alert,) = by_rmsprop(PLAIN, 0.05)
    assert (alert.code, alert.step) == ("lr-high", 50)
    assert "the first step changed the weights by" in alert.message
    assert alert.remedy is not None and alert.remedy.restart
    mended = by_rmsprop(PLAIN, alert.remedy.changes["lr"])
    assert [alert.code for alert in mended] == ["healthy"]


def test_a_network_that_learns_after_such_a_step_is_left_alone() -> None:
    assert [alert.code for alert in by_rmsprop(NORMED, 0.05)] == ["healthy"]
