"""The table of layers: names that are used once, settings in a few characters, counts."""

from __future__ import annotations

import pytest

from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import FC, Conv, Layer, Parallel, ReLU, Repeat, Residual
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.quick.parse import parse_quick
from cnn_tui.engine.specs.table import settings


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("conv 6 5x5 p2", "6  5x5 s1 p2"),
        ("conv 6 5x3 s2x1 p0x1 d2x1 g3 nobias", "6  5x3 s2x1 p0x1 d2x1 g3 no bias"),
        ("conv 6 3x3 same d2 floor", "6  3x3 s1 same floor d2"),
        ("dwconv 3x3 s2 p1", "3x3 s2 p1"),
        ("dwconv 3x3 m2 d3 nobias", "3x3 s1 p0 x2 d3 no bias"),
        ("maxpool 3x3", "3x3 s3"),
        ("maxpool 3x2 s2 p1 ceil", "3x2 s2 p1 ceil"),
        ("avgpool 2x3", "2x3 s2x3"),
        ("avgpool 3x3 p0x1 inside", "3x3 s3 p0x1 inside"),
        ("fc 10", "10"),
        ("fc 10 nobias", "10 no bias"),
        ("res { relu }", "identity"),
        ("res { relu } proj s2", "projection s2"),
        ("res { relu } { relu }", "own shortcut"),
        ("parallel { relu } { } concat", "2 branches, concat"),
        ("parallel { relu } add split", "1 branches, add, split"),
        ("repeat 3 { relu }", "3 times"),
        ("relu", ""),
        ("dropout 0.25", "p 0.25"),
        ("pad 1x2x3x4 reflect", "1x2x3x4 reflect"),
        ("pad 2", "2"),
        ("adaptive_avgpool 7", "to 7x7"),
        ("adaptive_avgpool 3x2", "to 3x2"),
    ],
)
def test_settings_in_short(line: str, words: str) -> None:
    (layer,) = parse_quick(line)
    assert settings(layer) == words


def names(*layers: Layer) -> list[str]:
    return [row.name for top in check(Network(layers=layers)).layers for row in top.walk()]


def test_every_layer_has_a_name_of_its_own() -> None:
    assert names(ReLU(), Conv(out_channels=2), ReLU()) == ["relu1", "conv2", "relu3"]
    assert names(ReLU(), ReLU(name="relu1")) == ["relu1_", "relu1"]
    assert names(ReLU(name="relu2"), ReLU(name="relu2")) == ["relu2", "relu2_"]
    assert names(ReLU(name="a"), ReLU(name="a")) == ["a", "relu2"]
    twice = Repeat(layers=(ReLU(name="a"), ReLU()), times=2)
    assert names(twice, ReLU(name="a"))[1:] == [
        "repeat1.1.a", "repeat1.1.relu2", "repeat1.2.a", "repeat1.2.relu2", "a",
    ]  # fmt: skip
    inside = Repeat(layers=(Residual(branch=(ReLU(name="a"),)),), times=1)
    assert names(inside)[1:] == ["repeat1.1.residual1", "repeat1.1.residual1.a"]


def test_the_names_of_layers_inside_begin_with_that_of_their_block() -> None:
    block = Residual(branch=(ReLU(),), shortcut=(ReLU(), ReLU()))
    beside = Parallel(branches=((ReLU(),), (), (ReLU(name="own"),)), merge="add")
    assert names(block, beside) == [
        *("residual1", "residual1.relu1", "residual1.shortcut.relu1", "residual1.shortcut.relu2"),
        *("parallel2", "parallel2.a.relu1", "own"),
    ]


def duplicates(*layers: Layer) -> list[tuple[str, str]]:
    issues = check(Network(layers=layers)).issues
    return [(one.path, one.message) for one in issues if one.code == "duplicate-name"]


def test_a_name_that_is_used_twice_is_told_of_at_the_second() -> None:
    (found,) = duplicates(ReLU(name="a"), ReLU(), ReLU(name="a"))
    assert found[0] == "layers[2].name" and "the name 'a' is already used" in found[1]
    block = Residual(branch=(ReLU(), ReLU(name="a")))
    assert [path for path, _ in duplicates(ReLU(name="a"), block)] == ["layers[1].branch[1].name"]
    assert duplicates(ReLU(name="a"), Repeat(layers=(ReLU(name="a"),), times=2)) == []


def test_the_counts_of_a_layer() -> None:
    conv, fc = check(Network(input=(2, 6, 8), layers=(
        Conv(out_channels=3, kernel_size=(3, 5)), FC(out_features=4),
    ))).layers  # fmt: skip
    assert (conv.index, conv.type, conv.output) == (1, "conv", [3, 4, 4])
    assert (conv.weights, conv.biases, conv.params, conv.macs) == (90, 3, 93, 1_440)
    assert (conv.receptive_field, conv.activations) == (5, 48)
    assert (fc.index, fc.output, fc.receptive_field, fc.activations) == (2, [4], 8, 4)
    wrong, behind = check(Network(layers=(Conv(out_channels=0), ReLU()))).layers
    assert (wrong.settings, wrong.output, wrong.receptive_field, wrong.activations) == (
        "", None, None, 0,
    )  # fmt: skip
    assert (behind.settings, behind.output, behind.params) == ("", None, 0)
    large, _ = check(Network(layers=(Conv(out_channels=2, kernel_size=9), ReLU()))).layers
    assert large.settings == "2  9x9 s1 p0", "what does not fit is shown all the same"


def test_what_is_known_ends_at_the_first_fault() -> None:
    report = check(Network(layers=parse_quick("relu | tanh | conv 2 9x9 | relu | fc 3")))
    assert [row.name for row in report.known_layers] == ["relu1", "tanh2"]


def test_the_layers_inside_a_block_are_told_by_their_lists() -> None:
    block, beside, twice = check(Network(input=(1, 4, 4), layers=parse_quick(
        "res { relu } { relu, relu } | parallel { relu } { } add | repeat 2 { relu }"
    ))).layers  # fmt: skip
    assert [len(rows) for rows in (block.branch, block.shortcut, block.branches)] == [1, 2, 0]
    assert [len(rows) for rows in beside.branches] == [1, 0]
    assert [len(rows) for rows in twice.branches] == [1, 1]
    assert (beside.branch, twice.shortcut) == ((), ())


@pytest.mark.parametrize(("halvings", "reach"), [(40, 2**40), (41, None)])
def test_a_receptive_field_beyond_all_counts_is_left_out(halvings: int, reach: int | None) -> None:
    # Each stride of 2 doubles the field, and padding keeps the volume from vanishing.
    layers = parse_quick("pad 1 | conv 1 2x2 s2") * halvings
    rows = check(Network(input=(1, 2, 2), layers=layers)).layers
    assert (rows[-1].output, rows[-1].receptive_field) == ([1, 2, 2], reach)
