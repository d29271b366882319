"""The babysitter names what goes wrong by its cause, offers what helps, and is quiet otherwise."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
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

from cnn_tui.engine.data.catalog import load_dataset
from cnn_tui.engine.data.dataset import Dataset, Split
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.inside import walk_layers
from cnn_tui.engine.specs.layers import (
    FC,
    Conv,
    Dropout,
    GlobalAvgPool,
    Parallel,
    ReLU,
    Repeat,
    Residual,
    Sigmoid,
    Tanh,
    layer_type,
)
from cnn_tui.engine.specs.network import Network, Recipe
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.engine.training import remedies
from cnn_tui.engine.training.babysitter import Babysitter
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import (
    Alert,
    AlertCleared,
    BatchCompleted,
    EpochCompleted,
    LayerHealth,
    LayersMeasured,
    RunEnded,
    RunEvent,
    RunStarted,
    SettingChanged,
    ValidationCompleted,
)
from cnn_tui.engine.training.remedies import scale_widths
from cnn_tui.engine.training.rules.facts import Facts
from cnn_tui.engine.training.rules.layers import saturated
from cnn_tui.engine.training.settings import Settings

NET = "digits-convnet"
LR = load_preset(NET).training.lr


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


# From here on the events are made by hand.

CLASSES = 10
CHANCE = math.log(CLASSES)
STEPS = 25
"""Between two measurements, so that they are due."""


class Run:
    """A run made of events: measurements, and batches before them, as they are wanted."""

    def __init__(self, net: Network | None = None, images: int = 10_000) -> None:
        self.sitter = Babysitter(net or load_preset(NET))
        self.step = self.epoch = 0
        self.found: list[Alert | AlertCleared] = []
        self._tell(
            RunStarted(
                arch="a",
                data="d",
                params=1,
                epochs=100,
                batch_size=50,
                batches=images // 50,
                train_images=images,
                val_images=1000,
                test_images=1000,
                classes=tuple("0123456789"),
                optimizer="sgd",
                lr=LR,
                seed=0,
                threads=1,
            )
        )

    def _tell(self, event: RunEvent) -> None:
        self.found += self.sitter.consume(event)

    def go(self, loss: float = 1.0, accuracy: float = 0.6, ratio: float = 1e-3, **more: Any) -> Run:
        """On to the next measurement."""
        for _ in range(STEPS):
            self.step += 1
            self._tell(batch(self.step, loss, accuracy, more.get("lr", LR)))
        self._tell(measured(self.step, ratio, **more))
        return self

    @property
    def faults(self) -> list[str]:
        """As ``codes``, praise left out."""
        return [code for code in self.codes if code != "healthy"]

    def epoch_of(self, train: tuple[float, float], val: tuple[float, float]) -> Run:
        """An epoch with these losses and accuracies."""
        self.epoch += 1
        self._tell(epoch(self.epoch, self.step, *train, *val))
        return self

    def change(self, name: Any, old: float | None, new: float | None) -> Run:
        self._tell(SettingChanged(step=self.step, name=name, old=old, new=new))
        return self

    @property
    def codes(self) -> list[str]:
        """Of everything found so far; what cleared has a minus in front."""
        return [("-" if isinstance(f, AlertCleared) else "") + f.code for f in self.found]


def batch(step: int, loss: float, accuracy: float, lr: float = LR) -> BatchCompleted:
    return BatchCompleted(
        step=step,
        epoch=1,
        batch=step,
        loss=loss,
        l2_loss=0.01,
        accuracy=accuracy,
        lr=lr,
        images_per_second=1.0,
        seconds=float(step),
    )


def measured(step: int, ratio: float | None, **more: Any) -> LayersMeasured:
    size, gradient = more.get("size", 5.0), more.get("gradient", 1.0)
    weights = [
        LayerHealth(
            layer=name, type=kind, weight_norm=size, gradient_norm=gradient, update_ratio=ratio
        )
        for name, kind in (("conv1", "conv"), ("fc3", "fc"))
    ]
    relu = LayerHealth(layer="relu2", type="relu", units=50, zeros=0.5, dead=more.get("dead", 0.0))
    return LayersMeasured(
        step=step,
        epoch=1,
        layers=(weights[0], relu, weights[1]),
        images=50,
        input_mean=more.get("mean", 0.0),
        input_std=more.get("std", 1.0),
        score_range=20.0,
        commonest_class=0,
        commonest_share=0.2,
    )


def epoch(
    number: int, step: int, loss: float, accuracy: float, val_loss: float, val_accuracy: float
) -> EpochCompleted:
    return EpochCompleted(
        epoch=number,
        step=step,
        train_loss=loss,
        train_accuracy=accuracy,
        val_loss=val_loss,
        val_accuracy=val_accuracy,
        l2_loss=0.01,
        lr=LR,
        images_per_second=1.0,
        seconds=1.0,
    )


def test_a_fault_is_told_once_until_it_clears() -> None:
    run = Run().go().go(ratio=0.3).go(ratio=0.3)
    assert run.codes == ["lr-high"]
    for _ in range(5):
        run.go(ratio=0.3)
    assert run.codes == ["lr-high"]
    for _ in range(3):
        run.go()
    assert run.codes == ["lr-high"]
    run.go()
    assert run.codes == ["lr-high", "-lr-high"]
    run.go(ratio=0.3).go(ratio=0.3)
    assert run.codes == ["lr-high", "-lr-high", "lr-high"]


def test_a_rate_that_was_too_high_is_not_over_while_nothing_is_learned() -> None:
    run = Run().go().go(ratio=0.3).go(ratio=0.3)
    for _ in range(10):
        run.go(loss=CHANCE, ratio=1e-4)
    assert run.codes == ["lr-high"]


def test_a_number_that_is_not_finite_is_explained() -> None:
    plain = Alert(code="non-finite", message="the loss is nan.", step=80, layer="conv3")
    run = Run().go(ratio=0.3).go(ratio=0.4).go(ratio=0.5)
    fatal = run.sitter.explain(plain)
    assert (fatal.message, fatal.layer, fatal.severity) == (plain.message, "conv3", "fatal")
    assert fatal.evidence[-1].startswith("earlier: The learning rate")
    assert "lr-high" not in fatal.evidence[-1] and "5.0e-01" in fatal.evidence[-2]
    assert fatal.remedy == remedies.learning_rate(LR / 10, restart=True)
    unscaled = Run().go(mean=30.0).sitter.explain(plain)
    assert unscaled.remedy == remedies.normalize()  # what was wrong before, not the rate
    at_once = Run().sitter.explain(plain)
    assert at_once.remedy is not None and at_once.remedy.changes == {}


def test_one_wild_step_is_no_fault() -> None:
    assert Run().go(ratio=0.3).go().go(ratio=0.3).go().codes == []


def test_effects_are_not_told_beside_their_cause() -> None:
    run = Run().go(mean=30.0)
    for _ in range(6):
        run.go(mean=30.0, ratio=0.5, dead=1.0, loss=15.0, accuracy=0.1)
    assert run.codes == ["input-scale"]
    alone = Run().go()
    for _ in range(6):
        alone.go(dead=1.0)
    assert alone.codes == ["dead-relus"]


@pytest.mark.parametrize(
    ("p", "first_step", "cause"),
    [
        (0.95, 0.1, "dropout-high"),
        (0.95, 1.0, "dead-relus"),  # that rate is too high without dropout as well
        (0.5, 0.1, "dead-relus"),
    ],
)
def test_relus_that_dropout_kills(p: float, first_step: float, cause: str) -> None:
    """Dropout of 0.95 makes the first step 4.5 times as large as the rate alone does."""
    run = Run(network((1, 8, 8), FC(out_features=50), ReLU(), Dropout(p=p), classes=10))
    run._tell(batch(1, CHANCE, 0.1))
    run._tell(measured(1, first_step))
    for _ in range(4):
        run.go(loss=CHANCE, dead=1.0)
    assert run.codes == [cause]
    (alert,) = run.found
    assert isinstance(alert, Alert) and alert.remedy and alert.remedy.restart
    assert ("dropout" in alert.remedy.changes) == (cause == "dropout-high")


@pytest.mark.parametrize(("epochs", "restart"), [(30, False), (4, True)])
def test_too_much_dropout_is_left_in_a_new_run_if_little_is_left_of_this_one(
    epochs: int, restart: bool
) -> None:
    net = network((1, 8, 8), FC(out_features=50), ReLU(), Dropout(p=0.9), classes=10)
    run = Run(net.with_training(epochs=epochs)).go().go()
    run.epoch_of((1.5, 0.4), (0.8, 0.7)).epoch_of((1.4, 0.5), (0.7, 0.8))
    assert run.found[-1].remedy == remedies.drop(0.2, restart=restart)  # type: ignore[union-attr]


def test_half_a_layer_may_be_dead_only_for_a_while() -> None:
    run = Run()
    for _ in range(5):
        run.go(dead=0.6)
    assert run.go(dead=0.1).codes == []
    for _ in range(6):
        run.go(dead=0.6)
    assert run.codes == ["dead-relus"]
    (alert,) = run.found
    assert isinstance(alert, Alert)
    assert alert.layer == "relu2" and "30 of 50" in alert.message


def test_a_momentum_that_makes_steps_large_is_the_cause() -> None:
    run = Run(recipe(NET, momentum=0.99)).go(loss=0.5).go(loss=9.0)
    (alert,) = run.found
    assert isinstance(alert, Alert) and alert.remedy == remedies.momentum(0.9)
    assert "with a momentum of 0.99" in alert.message
    assert remedies.apply(load_preset(NET), alert.remedy).training.momentum == 0.9
    plain = Run(recipe(NET, momentum=0.99, optimizer="sgd")).go(loss=0.5).go(loss=9.0)
    assert plain.found[0].remedy == remedies.learning_rate(LR / 10, restart=True)  # type: ignore[union-attr]


def test_weights_that_began_too_small_are_no_low_rate() -> None:
    run = Run(recipe(NET, initializer="gaussian"))
    for _ in range(5):
        run.go(loss=CHANCE, accuracy=0.1, ratio=1e-4)
    assert run.codes == ["flat-loss"]
    assert run.found[0].remedy == remedies.initializer("he")  # type: ignore[union-attr]


def slow(lr: float, epochs: int) -> Run:
    """A run whose first step is of a usual size at 0.03, and which is at an accuracy of 0.6."""
    run = Run(recipe(NET, lr=lr, epochs=epochs))
    run._tell(batch(1, CHANCE, 0.1, lr))
    run._tell(measured(1, lr))
    return run.change("lr", LR, lr).go(lr=lr)


def test_a_rate_too_low_for_the_epochs_is_told_once_half_of_them_are_over() -> None:
    run = slow(1e-4, 4).epoch_of((1.0, 0.6), (1.0, 0.6))
    assert run.faults == []
    run.epoch_of((0.9, 0.6), (0.9, 0.6))
    assert run.faults == ["lr-low"]
    alert = run.found[-1]
    assert isinstance(alert, Alert) and "for 4 epochs" in alert.message
    assert alert.remedy == remedies.learning_rate(0.03, restart=True)
    lowered = slow(0.01, 2).change("lr", 0.01, 1e-5).epoch_of((0.9, 0.6), (0.9, 0.6))
    assert lowered.faults == []


def test_diverging_is_told_by_the_loss_or_by_the_weights() -> None:
    climbing = Run().go(loss=0.5).go(loss=0.4).go(loss=9.0)
    assert climbing.codes == ["diverging"]
    (alert,) = climbing.found
    assert isinstance(alert, Alert) and alert.remedy == remedies.learning_rate(
        LR / 10, restart=True
    )
    assert Run().go().go(size=24.0).codes == []
    assert Run().go().go(size=26.0).codes == ["diverging"]
    assert Run(recipe(NET, initializer="gaussian")).go(size=0.1).go(size=5.0).codes == []


def test_a_loss_that_falls_from_far_above_chance_is_not_diverging() -> None:
    assert Run().go(loss=20.0).go(loss=15.0).go(loss=10.0).codes == []


def test_a_low_rate_is_judged_at_its_full_height() -> None:
    """A schedule may bring the rate down, or not yet up, to where the weights hardly move."""
    annealed, low = Run(), Run()
    for _ in range(6):
        annealed.go(ratio=1e-5, lr=LR / 100)
        low.go(ratio=1e-4)
    assert annealed.codes == []
    assert low.codes == ["lr-low"]
    (alert,) = low.found
    assert isinstance(alert, Alert) and alert.remedy is not None
    # Not ten times the rate: 0.1 is the highest to begin with at a momentum of 0.9.
    assert alert.remedy.changes == {"lr": 0.1} and not alert.remedy.restart


def test_a_low_rate_that_was_raised_is_judged_by_the_new_one() -> None:
    run = Run()
    for _ in range(4):
        run.go(ratio=2e-4)
    run.change("lr", LR, 10 * LR)
    for _ in range(4):
        run.go(ratio=2e-3, lr=10 * LR)
    assert run.codes == ["lr-low", "-lr-low"]


def test_a_rate_that_is_held_counts_until_it_is_let_go() -> None:
    run = Run().change("held_lr", None, LR / 100)
    for _ in range(4):
        run.go(ratio=1e-5, lr=LR / 100)
    assert run.codes == ["lr-low"]
    run.change("held_lr", LR / 100, None)
    for _ in range(6):
        run.go(ratio=1e-5, lr=LR / 100)
    assert run.codes == ["lr-low", "-lr-low"]


def test_still_weights_are_no_fault_once_all_is_learned_or_without_gradient() -> None:
    for how in ({"loss": 0.01, "accuracy": 0.99}, {"gradient": 1e-4}):
        run = Run()
        for _ in range(8):
            run.go(ratio=1e-5, **how)
        assert run.codes == []


def test_overfitting_and_its_remedy() -> None:
    run = Run().go()
    for _ in range(2):
        run.epoch_of((0.2, 0.95), (0.9, 0.7))
    assert run.codes == []
    run.epoch_of((0.2, 0.95), (0.9, 0.7))
    assert run.codes == ["overfitting"]
    (alert,) = run.found
    assert isinstance(alert, Alert) and alert.remedy is not None
    assert alert.remedy.changes == {"l2": 0.0015} and not alert.remedy.restart
    few = Run(images=300).go()
    for _ in range(3):
        few.epoch_of((0.2, 0.95), (0.9, 0.7))
    assert few.codes == ["little-data"]


def test_plateau_at_a_steady_rate() -> None:
    run = Run().go()
    for loss in (2.0, 1.5, 1.2, 1.1, 1.0, *[1.0] * 4):
        run.epoch_of((loss, 0.7), (loss, 0.7))
    assert run.faults == []
    run.epoch_of((1.0, 0.7), (1.0, 0.7))
    assert run.faults == ["plateau"]


def test_underfitting_at_a_rate_that_was_lowered() -> None:
    run = Run().go(lr=LR / 100)
    for loss in (2.0, 1.5, 1.2, 1.1, 1.0, *[1.0] * 5):
        run.epoch_of((loss, 0.6), (loss, 0.58))
    assert run.faults == ["underfitting"]
    alert = run.found[-1]
    assert isinstance(alert, Alert) and alert.remedy is not None
    assert alert.remedy.changes == {"dropout": 0.1}


def test_flat_loss_without_gradient() -> None:
    run = Run()
    for _ in range(2):
        for _ in range(4):
            run.go(loss=CHANCE, accuracy=0.1, ratio=1e-7, gradient=1e-6)
        run.epoch_of((CHANCE, 0.1), (CHANCE, 0.1))
    assert run.codes == ["flat-loss"]


def test_labels_learned_by_heart() -> None:
    run = Run()
    for _ in range(2):
        run.go(loss=1.5, accuracy=0.4).epoch_of((1.5, 0.4), (3.0, 0.11))
    assert run.codes == [], "too early"
    for _ in range(2):
        run.go(loss=1.5, accuracy=0.4).epoch_of((1.5, 0.4), (3.0, 0.11))
    assert run.codes == ["labels"]


def test_praise_is_for_what_learns_and_generalises() -> None:
    how = {"loss": 0.2, "accuracy": 0.95}
    run = Run().go(**how).epoch_of((0.2, 0.95), (0.25, 0.94))
    assert run.codes == ["healthy"]
    # Not "from chance": a run may begin with weights that know something.
    assert "the loss is 0.2 (chance: 2.3)" in run.found[0].message
    run.go(**how).epoch_of((0.2, 0.95), (0.25, 0.94))
    assert run.codes == ["healthy"]
    run.go(ratio=0.3, **how).go(ratio=0.3, **how)
    for _ in range(4):
        run.go(**how)
    run.epoch_of((0.2, 0.95), (0.25, 0.94))
    assert run.codes == ["healthy", "lr-high", "-lr-high", "healthy"]


def test_no_praise_for_what_fails_on_other_images() -> None:
    run = Run().go(loss=0.2, accuracy=0.95)
    assert run.epoch_of((0.2, 0.95), (0.9, 0.6)).codes == []


def test_chance_is_what_the_classes_and_the_loss_make_it() -> None:
    """A set in which one class has nine images of ten is at chance at 90%."""
    start = msgspec.structs.replace(STARTED, classes=("a", "b"), class_shares=(0.9, 0.1))
    sitter = Babysitter(recipe(NET))
    sitter.consume(start)
    told: list[Any] = []
    for step in range(1, 301):
        told += sitter.consume(batch(step, 0.325, 0.9))
        if step % STEPS == 0:
            told += sitter.consume(measured(step, 2e-3))
        if step % 100 == 0:
            told += sitter.consume(epoch(step // 100, step, 0.325, 0.9, 0.325, 0.9))
    assert [alert.code for alert in told] == ["labels"]


def uneven_run(*recalls: float, **changes: Any) -> list[Any]:
    """What is told of four epochs in which 90% are right, as many as one class has images."""
    shares = (0.05, 0.9, 0.05)
    start = msgspec.structs.replace(STARTED, classes=("a", "b", "c"), class_shares=shares)
    sitter = Babysitter(recipe(NET, **changes))
    sitter.consume(start)
    told: list[Any] = []
    for step in range(1, 401):
        told += sitter.consume(batch(step, 0.4, 0.9))
        if step % STEPS == 0:
            told += sitter.consume(measured(step, 2e-3))
        if step % 100 == 0:
            balanced = sum(recalls) / 3 if recalls else None
            sitter.consume(
                ValidationCompleted(
                    step=step,
                    epoch=step // 100,
                    loss=0.4,
                    accuracy=0.9,
                    balanced_accuracy=balanced,
                    recalls=recalls,
                )
            )
            done = epoch(step // 100, step, 0.4, 0.9, 0.4, 0.9)
            told += sitter.consume(msgspec.structs.replace(done, val_balanced_accuracy=balanced))
    return told


def test_an_accuracy_that_is_the_share_of_the_largest_class() -> None:
    (alert,) = (alert for alert in uneven_run(0.01, 0.99, 0.0) if isinstance(alert, Alert))
    assert alert.code == "largest-class"
    assert "90.0% is the share of the largest class, b" in alert.message
    assert alert.remedy is not None
    assert remedies.apply(recipe(NET), alert.remedy).training.balance == "sampling"
    assert "33.3%" in alert.evidence[0]
    (alert,) = (
        a for a in uneven_run(0.0, 1.0, 0.0, balance="weights") if a.code == "largest-class"
    )
    assert not alert.remedy.changes


@pytest.mark.parametrize("recalls", [(), (0.3, 0.95, 0.5), (1.0, 0.0, 0.0), (0.0, 1.0, 0.1)])
def test_no_word_of_the_largest_class_where_others_are_found(recalls: tuple[float, ...]) -> None:
    codes = [alert.code for alert in uneven_run(*recalls) if isinstance(alert, Alert)]
    assert "largest-class" not in codes


def uneven_digits() -> Dataset:
    """Zeros, and one in thirty of the other digits."""

    def thinned(split: Split) -> Split:
        kept = (split.labels == 0) | (np.arange(len(split)) % 30 == 0)
        return split.take(np.flatnonzero(kept))

    data = digits()
    return Dataset(data.name, data.classes, *map(thinned, (data.train, data.val, data.test)))


def test_uneven_classes_are_told_with_balanced_figures_and_can_be_balanced() -> None:
    """A learning rate at which the plain recipe gets no further than the largest class."""
    net = recipe(NET, epochs=40, lr=1e-3, optimizer="sgd", schedule="constant")
    plain = trained(net, uneven_digits())
    (alert,) = (alert for alert in alerts(plain) if alert.code == "largest-class")
    assert alert.remedy is not None
    balanced = trained(remedies.apply(net, alert.remedy), uneven_digits())
    before, after = (
        [event for event in run if isinstance(event, ValidationCompleted)][-1]
        for run in (plain, balanced)
    )
    assert before.balanced_accuracy is not None and after.balanced_accuracy is not None
    assert after.balanced_accuracy > before.balanced_accuracy
    assert len(after.recalls) == 10 and after.recalls[0] is not None


STARTED = RunStarted(
    arch="a",
    data="d",
    params=1,
    epochs=9,
    batch_size=50,
    batches=100,
    train_images=5000,
    val_images=1000,
    test_images=1000,
    classes=tuple("0123456789"),
    optimizer="sgd",
    lr=LR,
    seed=0,
    threads=1,
)

NUMBERS = st.floats() | st.sampled_from([0.0, 1.0, math.inf, -math.inf, math.nan, 1e300])
SHARES = st.floats(0, 1)
MAYBE = st.none() | NUMBERS
LAYERS = st.tuples(
    *(
        st.builds(
            LayerHealth,
            layer=st.just(name),
            type=st.just(kind),
            weight_norm=MAYBE,
            gradient_norm=MAYBE,
            update_ratio=MAYBE,
        )
        for name, kind in (("conv1", "conv"), ("fc3", "fc"))
    ),
    st.builds(
        LayerHealth, layer=st.just("r"), type=st.just("relu"), zeros=NUMBERS, dead=st.floats(0, 1)
    ),
)
TIMES = dict.fromkeys(("images_per_second", "seconds"), st.just(1.0))
ANY = st.one_of(
    st.builds(
        BatchCompleted,
        **dict.fromkeys(("step", "epoch", "batch"), st.integers(1, 9)),
        **dict.fromkeys(("loss", "l2_loss", "lr"), NUMBERS),
        accuracy=SHARES,
        **TIMES,
    ),
    st.builds(
        LayersMeasured,
        step=st.integers(1, 9),
        epoch=st.just(1),
        layers=LAYERS,
        images=st.integers(1, 64),
        commonest_class=st.integers(0, 9),
        commonest_share=SHARES,
        **dict.fromkeys(("input_mean", "input_std", "score_range"), NUMBERS),
    ),
    st.builds(
        EpochCompleted,
        epoch=st.integers(1, 99),
        step=st.integers(1, 9),
        **dict.fromkeys(("train_loss", "val_loss", "l2_loss", "lr"), NUMBERS),
        **dict.fromkeys(("train_accuracy", "val_accuracy"), SHARES),
        **TIMES,
    ),
    st.builds(
        SettingChanged,
        step=st.just(1),
        name=st.sampled_from(["lr", "l2", "dropout"]),
        old=st.just(0.1),
        new=st.floats(1e-9, 0.99),
    ),
)


@given(st.lists(ANY, max_size=40), st.booleans())
@settings(max_examples=120)
def test_no_event_is_too_odd_for_it(events: list[RunEvent], begins: bool) -> None:
    """It must never end a training; and the same events always get the same findings."""
    nets = (recipe(NET), recipe("svm-linear", l2=0.1))
    for net in nets:
        told = []
        for sitter in (Babysitter(net), Babysitter(net)):
            first_one = [sitter.consume(STARTED)] if begins else []
            told.append(first_one + [sitter.consume(event) for event in events])
            alert = Alert(code="non-finite", message="m", step=1)
            msgspec.json.encode([told[-1], sitter.explain(alert)])
        assert told[0] == told[1]


# Remedies.

BLOCK = Residual(branch=(Conv(out_channels=8, padding=1), ReLU(), Conv(out_channels=8, padding=1)))
WIDE = network(
    (1, 8, 8), Conv(out_channels=8), BLOCK, Tanh(), Dropout(p=0.5), FC(out_features=6), classes=10
)


def test_remedies_change_the_network_to_begin_anew_with() -> None:
    assert remedies.apply(WIDE, remedies.learning_rate(0.3, restart=True)).training.lr == 0.3
    assert remedies.apply(WIDE, remedies.initializer("lecun")).training.initializer == "lecun"
    assert remedies.apply(WIDE, remedies.augment(2)).training.shift == 2
    leaky = remedies.apply(WIDE, remedies.activation("leaky_relu"))
    assert [layer.type for layer in check(leaky).layers[1].branch] == ["conv", "leaky_relu", "conv"]
    assert check(leaky).layers[2].type == "tanh"
    assert check(remedies.apply(WIDE, remedies.activation("relu"))).layers[2].type == "relu"
    assert remedies.apply(WIDE, remedies.drop(0.1)).layers[3] == Dropout(p=0.1)
    assert remedies.apply(WIDE, remedies.advise("Look.")) == WIDE


def test_a_wider_network_is_still_valid_and_keeps_its_scores() -> None:
    wide = remedies.apply(WIDE, remedies.widen(2))
    report = check(wide, classes=10)
    assert report.valid
    assert [layer.output for layer in report.layers[:2]] == [[16, 6, 6]] * 2
    assert report.layers[-1].output == [10]
    assert scale_widths(scale_widths(WIDE, 4), 0.25) == WIDE
    for name in ("resnet20", "vgg16", "lenet5", "softmax-linear"):
        assert check(scale_widths(load_preset(name), 0.25)).valid


def test_remedies_that_need_no_restart_go_through_the_control() -> None:
    control, before = Control(), Settings.of(Recipe())
    remedies.steer(control, remedies.l2_strength(0.02, restart=False))
    remedies.steer(control, remedies.drop(0.1))
    after = control.take_changes(before)
    assert (after.l2, after.dropout, after.lr) == (0.02, 0.1, before.lr)
