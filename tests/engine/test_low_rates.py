"""Learning rates too low: judged at their full height, by the epochs that are left."""

from __future__ import annotations

from sabotage import (
    recipe,
)
from told_runs import CHANCE, LR, NET, Run, batch, measured

from cnn_tui.engine.training import remedies
from cnn_tui.engine.training.events import (
    Alert,
)


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
