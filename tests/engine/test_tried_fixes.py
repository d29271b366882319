"""Which fixes are kept after they were tried, what is said of each, and which is the first."""

from __future__ import annotations

import re

import pytest

from cnn_tui.engine.specs.cases import Case
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.doctor import first_fix
from cnn_tui.engine.specs.flow import Diagnostic, Edit, FeatureMap, InferredLayer
from cnn_tui.engine.specs.infer import infer_layers
from cnn_tui.engine.specs.inside import Place
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.quick.parse import parse_quick

OFFERED = """
conv 4 4x4 pad same
    kernel 3x3 instead of 4x4: gives 4x8x8
    kernel 5x5 instead of 4x4: gives 4x8x8
    padding 1 instead of same: gives 4x7x7

conv 4 4x4 pad same | maxpool 2x2 s1 p2 | fc 3
    kernel 3x3 instead of 4x4: gives 4x8x8, layer 2 (maxpool) still does not fit
    kernel 5x5 instead of 4x4: gives 4x8x8, layer 2 (maxpool) still does not fit
    padding 1 instead of same: gives 4x7x7, layer 2 (maxpool) still does not fit
  and
    padding 0 instead of 2
    kernel 3x3 instead of 2x2
    padding 1 instead of 2

conv 6 4x4 pad same g4
    kernel 3x3 and stride 1: layer 1 (conv) still does not fit
  and
    groups 2 instead of 4: layer 1 (conv) still does not fit
    out_channels 4 instead of 6: layer 1 (conv) still does not fit
    out_channels 8 instead of 6: layer 1 (conv) still does not fit
    groups 1 instead of 4: layer 1 (conv) still does not fit

relu | conv 6 4x4 pad same g4 | fc 3
    take the conv out: all later layers fit
    kernel 3x3 and stride 1: layer 2 (conv) still does not fit
  and
    groups 2 instead of 4: layer 2 (conv) still does not fit
    out_channels 4 instead of 6: layer 2 (conv) still does not fit
    out_channels 8 instead of 6: layer 2 (conv) still does not fit
    groups 1 instead of 4: layer 2 (conv) still does not fit

relu | repeat 1 { conv 6 4x4 pad same g4 | relu } | fc 3
    take the conv out: all later layers fit
    kernel 3x3 and stride 1: layer 2 (repeat) still does not fit
  and
    groups 2 instead of 4: layer 2 (repeat) still does not fit
    out_channels 4 instead of 6: layer 2 (repeat) still does not fit
    out_channels 8 instead of 6: layer 2 (repeat) still does not fit
    groups 1 instead of 4: layer 2 (repeat) still does not fit

res { conv 4 4x4 pad same | conv 4 4x4 pad same } | fc 3
    kernel 3x3 instead of 4x4: gives 4x8x8, layer 1 (residual) still does not fit
    kernel 5x5 instead of 4x4: gives 4x8x8, layer 1 (residual) still does not fit
    padding 1 instead of same: gives 4x7x7, layer 1 (residual) still does not fit
  and
    kernel 3x3 instead of 4x4: layer 1 (residual) still does not fit
    kernel 5x5 instead of 4x4: layer 1 (residual) still does not fit
    padding 1 instead of same: layer 1 (residual) still does not fit

relu | repeat 1 { relu | conv 4 4x4 pad same } | maxpool 2x2 s1 p2 | fc 3
    kernel 3x3 instead of 4x4: gives 4x8x8, layer 3 (maxpool) still does not fit
    kernel 5x5 instead of 4x4: gives 4x8x8, layer 3 (maxpool) still does not fit
    padding 1 instead of same: gives 4x7x7, layer 3 (maxpool) still does not fit
  and
    padding 0 instead of 2
    kernel 3x3 instead of 2x2
    padding 1 instead of 2

relu | res { res { conv 8 } } | fc 3
    its branch alone: gives 8x6x6, layer 2 (residual) still does not fit
    take the block out: layer 2 (residual) still does not fit

relu | res { conv 8 | relu } | fc 3
    its branch alone: gives 8x6x6, all later layers fit
    take the block out: all later layers fit

fc 4 | maxpool 2x2 | relu
    move it before layer 1 (fc): all later layers fit
    take the pool out: all later layers fit

fc 4 | maxpool 9x9 | relu
    take the pool out: all later layers fit
"""


@pytest.mark.parametrize("case", OFFERED.strip().split("\n\n"))
def test_what_is_said_of_each_fix_of_each_fault(case: str) -> None:
    line, _, offered = case.partition("\n")
    issues = check(Network(input=(4, 8, 8), layers=parse_quick(line))).issues
    said = ["".join(f"\n    {fix.description}" for fix in issue.fixes) for issue in issues]
    assert "\n  and".join(said) == f"\n{offered}"


LARGE = (
    "conv 65536 1024x1024 nobias | conv 65536 9x9 pad same nobias"
    " | conv 65536 11x11 pad same nobias | fc 3"
)


def test_all_layers_before_count_where_a_network_is_too_large() -> None:
    (issue,) = check(Network(input=(8, 1024, 1024), layers=parse_quick(LARGE))).issues
    assert (issue.layer, issue.code) == (3, "too-large")
    values = [fix.value for fix in issue.fixes]
    assert values == [16384, 8192, 4096, 2048, 1024], "32768 alone would fit"


def test_no_more_than_five_fixes_where_an_edit_can_be_taken_back() -> None:
    before = Network(input=(4, 8, 8), layers=parse_quick("maxpool 2x2 | fc 3"))
    broken = Network(input=(4, 8, 8), layers=parse_quick("maxpool 3x3 | fc 3"))
    (issue,) = check(broken, edits=[Edit(before, broken)]).issues
    assert [re.split(":| instead", fix.description)[0] for fix in issue.fixes] == [
        "take kernel 3x3 back to 2x2",
        "kernel 4x4",
        "input 4x9x9",
        "round down",
    ]


FIRST = {
    "maxpool 3x3": "stride 1 instead of 3",
    "fc 4 | maxpool": "take the pool out",
    "relu | repeat 1 { fc 4 | maxpool | relu }": "take the pool out",
    "relu | repeat 1 { relu | relu | conv 4 4x4 pad same }": "kernel 3x3 instead of 4x4",
    "relu | res { conv 8 }": "its branch alone",
    "relu | res { conv 8 | relu }": "its branch alone",
    "relu | res { conv 8 | conv 4 } s2": "stride 1 instead of 2",
    "relu | res { maxpool | conv 8 }": "shortcut projection and stride 4",
    "relu | repeat 1 { relu | res { conv 8 | conv 8 } }": "shortcut projection and stride 2",
    "relu | parallel { conv 2 } { conv 2 1x1 }": "padding that keeps the size in all branches",
    "conv 6 4x4 pad same g4": "kernel 3x3 and stride 1",
}


def first_fault(steps: tuple[InferredLayer, ...]) -> tuple[Place, Diagnostic]:
    """The first fault and its place; in a block, in its first list."""
    at, step = next((at, step) for at, step in enumerate(steps) if step.broken)
    if step.faults:
        return (at,), step.faults[0]
    inside, fault = first_fault(step.inner[0])
    return (at, 0, *inside), fault


@pytest.mark.parametrize(("line", "words"), FIRST.items())
def test_the_first_fix_that_helps_its_layer_alone(line: str, words: str) -> None:
    network = Network(input=(4, 8, 8), layers=parse_quick(line))
    steps = infer_layers(network.layers, FeatureMap(network.input))
    place, fault = first_fault(steps)
    (fix,) = first_fix(Case(network, steps, place, fault))
    assert fix.description == words
