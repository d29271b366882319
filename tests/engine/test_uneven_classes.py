"""Classes of unequal size: what is chance, and an accuracy that is the share of the largest."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest
from sabotage import (
    alerts,
    digits,
    recipe,
    trained,
)
from told_runs import NET, STARTED, STEPS, batch, epoch, measured

from cnn_tui.engine.data.dataset import Dataset, Split
from cnn_tui.engine.training import remedies
from cnn_tui.engine.training.babysitter import Babysitter
from cnn_tui.engine.training.events import (
    Alert,
    ValidationCompleted,
)


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
