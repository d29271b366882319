"""What is said of a fix that mends its fault and leaves others: the first of them."""

from __future__ import annotations

import msgspec

from cnn_tui.engine.specs.check import check_with_data
from cnn_tui.engine.specs.layers import Dropout
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.engine.specs.quick.parse import parse_quick

LENET = load_preset("lenet5")


def offered(**changes: object) -> list[list[str]]:
    """What is offered for each issue of LeNet with other fields."""
    issues = check_with_data(msgspec.structs.replace(LENET, **changes)).issues
    return [[fix.description for fix in issue.fixes] for issue in issues]


def test_of_several_layers_that_break_the_first_is_named() -> None:
    layers = parse_quick("conv 4 11x11 | conv 4 4x4 pad same | fc 10")
    of_input, _ = offered(data="digits", layers=layers)
    assert of_input[-1] == "input 1x8x8 instead of 1x28x28: then layer 1 (conv) breaks"


def test_of_several_faults_of_an_end_the_first_is_named() -> None:
    *_, of_dropout = offered(layers=(*LENET.layers[:-1], Dropout()))
    left = "then the network gives 84 scores, but mnist has 10 classes"
    assert of_dropout[1] == f"take the dropout out: {left}"
