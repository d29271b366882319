"""Ten sabotaged trainings: the first remedy, taken once, heals each that can be healed."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import msgspec
import pytest

from cnn_tui.engine.data.catalog import load_dataset
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import load_preset

pytestmark = pytest.mark.slow

EPOCHS = 15


def _benchmark() -> ModuleType:
    """``benchmarks/sabotage.py``, which prints the same as a table."""
    path = Path(__file__).parents[2] / "benchmarks" / "sabotage.py"
    spec = spec_from_file_location("ten_sabotages", path)
    assert spec and spec.loader
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


BENCH = _benchmark()
VERDICTS = {
    "learning rate of 10": "lr-high",
    "learning rate of 1": "diverging or non-finite",
    "learning rate of 1e-6": "lr-low",
    "zero weights": "zero-weights",
    "shuffled labels": "labels",
    "missing scaling": "input-scale",
    "dead ReLUs by the rate": "diverging",
    "dead ReLUs by the biases": "dead-relus",
    "L2 of 1": "l2-high",
    "dropout of 0.95": "dropout-high",
}


def healthy() -> Network:
    preset = load_preset("digits-convnet")
    return msgspec.structs.replace(
        preset, training=msgspec.structs.replace(preset.training, epochs=EPOCHS)
    )


@pytest.fixture(scope="module")
def goal() -> float:
    accuracy: float = BENCH.train(healthy(), load_dataset("digits"), at_once=False).accuracy
    assert accuracy > 0.98
    return accuracy - 0.01


@pytest.mark.parametrize("cause", VERDICTS)
def test_the_first_remedy_taken_once_heals(cause: str, goal: float) -> None:
    sabotage = BENCH.SABOTAGES[cause]
    data = sabotage.data(load_dataset("digits"))
    outcome = BENCH.train(sabotage.change(healthy()), data, sabotage.checkpointer, at_once=True)
    faults = [alert for alert in outcome.alerts if alert.severity != "praise"]
    assert faults[0].code in VERDICTS[cause].split(" or ")
    if sabotage.curable:
        assert outcome.taken == faults[0]
        assert (outcome.accuracy or 0.0) >= goal - 1e-9
    else:
        assert faults[0].remedy and not faults[0].remedy.changes
