"""What the babysitter finds in events: once, by its cause, until it is over."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sabotage import (
    recipe,
)
from samples import network
from told_runs import CHANCE, LR, NET, STARTED, Run, batch, measured

from cnn_tui.engine.specs.layers import (
    FC,
    Dropout,
    ReLU,
)
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.engine.training import remedies
from cnn_tui.engine.training.babysitter import Babysitter
from cnn_tui.engine.training.events import (
    Alert,
    BatchCompleted,
    EpochCompleted,
    LayerHealth,
    LayersMeasured,
    RunEvent,
    SettingChanged,
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
