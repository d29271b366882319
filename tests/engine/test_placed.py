"""Layers in the order of computation, with their shapes and those of their weights, by hand."""

from __future__ import annotations

import msgspec
import pytest

from cnn_tui.engine.shapes import Shape
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import (
    FC,
    BatchNorm,
    Conv,
    DWConv,
    Layer,
    Parallel,
    ReLU,
    Repeat,
    Residual,
)
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.param_shapes import compatible, param_shapes
from cnn_tui.engine.specs.placed import computed_name, place_layers, place_network
from cnn_tui.engine.specs.places import received_by

STEM = Conv(out_channels=4, padding="same", name="stem")
HALVED = Conv(out_channels=6, stride=2, padding=1, rounding="floor")
NETWORK = Network(
    input=(2, 8, 8),
    layers=(
        STEM,
        Residual(branch=(HALVED,), shortcut="projection", stride=2),
        Parallel(
            branches=((), (ReLU(), Conv(out_channels=3, kernel_size=1))), merge="concat", split=True
        ),
        Repeat(layers=(Conv(out_channels=5, kernel_size=1), ReLU()), times=2),
        FC(out_features=3),
    ),
)
REPORT = check(NETWORK)


def test_layers_inside_blocks_have_their_own_shapes() -> None:
    placed = [inner for top in place_network(NETWORK, REPORT) for inner in top.walk()]
    assert [(one.name, one.shape, one.output) for one in placed] == [
        ("stem", (2, 8, 8), (4, 8, 8)),
        ("residual2", (4, 8, 8), (6, 4, 4)),
        ("residual2.conv1", (4, 8, 8), (6, 4, 4)),
        ("residual2.shortcut.conv1", (4, 8, 8), (6, 4, 4)),
        ("residual2.shortcut.bn2", (6, 4, 4), (6, 4, 4)),
        ("parallel3", (6, 4, 4), (6, 4, 4)),
        ("parallel3.b.relu1", (3, 4, 4), (3, 4, 4)),
        ("parallel3.b.conv2", (3, 4, 4), (3, 4, 4)),
        ("repeat4.1.conv1", (6, 4, 4), (5, 4, 4)),
        ("repeat4.1.relu2", (5, 4, 4), (5, 4, 4)),
        ("repeat4.2.conv1", (5, 4, 4), (5, 4, 4)),
        ("repeat4.2.relu2", (5, 4, 4), (5, 4, 4)),
        ("fc5", (5, 4, 4), (3,)),
    ]


def test_a_projection_has_the_channels_of_its_block() -> None:
    projection = place_network(NETWORK, REPORT)[1].branches[1][0]
    assert (projection.layer.out_channels, projection.layer.stride) == (6, 2)


def test_a_repeat_inside_a_branch_is_unfolded_there() -> None:
    inner = Repeat(layers=(ReLU(), ReLU(), Repeat(layers=(ReLU(),) * 3, times=3)), times=3)
    described = Network(input=(2, 4, 4), layers=(Residual(branch=(inner,)), FC(out_features=2)))
    report = check(described)
    block, _ = place_network(described, report)
    branch, shortcut = block.branches
    assert shortcut == ()
    copies = [
        [f"relu{copy}" for copy in (1, 2)]
        + [f"repeat3.{copy}.relu{at}" for copy in (1, 2, 3) for at in (1, 2, 3)]
    ] * 3
    assert [one.name for one in branch] == [
        f"residual1.repeat1.{outer}.{name}"
        for outer, inside in enumerate(copies, 1)
        for name in inside
    ]
    (kept, _) = place_layers(described.layers, report.layers, described.input)
    assert [one.layer for one in kept.branches[0]] == [inner], "unfolded only where asked"
    assert computed_name(report.layers[0].branch[0]) == "residual1.repeat1.3.repeat3.3.relu3"
    assert computed_name(report.layers[1]) == "fc2"


def test_each_copy_receives_what_the_one_before_gives() -> None:
    layers = Conv(out_channels=3, kernel_size=2), ReLU(), Conv(out_channels=2, kernel_size=2)
    described = Network(input=(2, 9, 9), layers=(Repeat(layers=layers, times=3),))
    placed = place_network(described, check(described))
    assert [one.shape for one in placed] == [
        *((2, 9, 9), (3, 8, 8), (3, 8, 8)),
        *((2, 7, 7), (3, 6, 6), (3, 6, 6)),
        *((2, 5, 5), (3, 4, 4), (3, 4, 4)),
    ]


def test_a_shortcut_of_layers_is_placed_beside_the_branch() -> None:
    block = Residual(branch=(STEM,), shortcut=(ReLU(name="side"), DWConv(multiplier=2, padding=1)))
    described = Network(input=(2, 5, 5), layers=(block, FC(out_features=2)))
    placed = place_network(described, check(described))[0].branches[1]
    assert [(one.name, one.output) for one in placed] == [
        ("side", (2, 5, 5)),
        ("residual1.shortcut.dwconv2", (4, 5, 5)),
    ]


def test_the_shapes_of_all_weights() -> None:
    found = [(one.name, *one.sizes) for one in param_shapes(NETWORK, REPORT)]
    assert found == [
        ("stem", "conv", 4, (3, 3), 72, 4),
        ("residual2.conv1", "conv", 6, (3, 3), 216, 6),
        ("residual2.shortcut.conv1", "conv", 6, (1, 1), 24, 0),
        ("residual2.shortcut.bn2", "batchnorm", 6, (1, 1), 6, 6),
        ("parallel3.b.conv2", "conv", 3, (1, 1), 9, 3),
        ("repeat4.1.conv1", "conv", 5, (1, 1), 30, 5),
        ("repeat4.2.conv1", "conv", 5, (1, 1), 25, 5),
        ("fc5", "fc", 3, (1, 1), 240, 3),
    ]


def test_weights_fit_where_layer_by_layer_their_shapes_are_the_same() -> None:
    def shapes(*layers: Layer):
        described = Network(input=(2, 8, 8), layers=(*layers, FC(out_features=3)))
        return param_shapes(described, check(described))

    tall, wide = Conv(out_channels=4, kernel_size=(3, 1)), Conv(out_channels=4, kernel_size=(1, 3))
    assert compatible(shapes(STEM), shapes(msgspec.structs.replace(STEM, name="other"), ReLU()))
    for one, other in ((tall, wide), (wide, tall)):
        assert not compatible(shapes(one), shapes(other)), "as many weights, but others"
    assert not compatible(shapes(STEM), shapes(STEM, BatchNorm()))
    broken = Network(layers=(Conv(out_channels=4, kernel_size=9), FC(out_features=3)))
    assert param_shapes(broken, check(broken)) == ()
    assert not compatible((), ())


@pytest.mark.parametrize(
    ("place", "shape"),
    [
        ((0,), (2, 8, 8)),
        ((1,), (4, 8, 8)),
        ((1, 0, 0), (4, 8, 8)),
        ((1, 0, 1), (6, 4, 4)),
        ((2, 0, 0), (3, 4, 4)),
        ((2, 1, 0), (3, 4, 4)),
        ((2, 1, 2), (3, 4, 4)),
        ((3, 0, 1), (5, 4, 4)),
        ((4,), (5, 4, 4)),
        ((5,), (3,)),
    ],
)
def test_what_a_layer_or_the_end_of_a_list_receives(place: tuple[int, ...], shape: Shape) -> None:
    assert received_by(NETWORK, REPORT, place) == shape


def test_what_is_received_in_a_block_inside_a_block() -> None:
    inner = Parallel(branches=((ReLU(),), (Conv(out_channels=2, kernel_size=1), ReLU())))
    first = Conv(out_channels=6, padding=1)
    outer = Residual(branch=(first, ReLU(), inner), shortcut="projection")
    described = Network(input=(2, 4, 4), layers=(ReLU(), outer))
    report = check(described)
    assert received_by(described, report, (1, 0, 2, 1, 0)) == (6, 4, 4)
    assert received_by(described, report, (1, 0, 2, 1, 1)) == (2, 4, 4)


def test_behind_a_fault_nothing_is_known_of_what_is_received() -> None:
    block = Residual(branch=(Conv(out_channels=2, kernel_size=9), ReLU(), ReLU()))
    broken = Network(layers=(ReLU(), block, Parallel(branches=((ReLU(),),), split=True)))
    report = check(broken)
    known = {
        place: received_by(broken, report, place)
        for place in ((1,), (1, 0, 0), (1, 0, 1), (1, 0, 2), (2,), (2, 0, 0), (2, 0, 1), (3,))
    }
    assert [place for place, shape in known.items() if shape] == [(1,), (1, 0, 0)]
    inner = Residual(branch=(ReLU(), ReLU()))
    invalid = Network(layers=(ReLU(), Repeat(layers=(inner, ReLU()), times=0)))
    assert received_by(invalid, check(invalid), (1, 0, 0, 0, 1)) is None
    unchecked = msgspec.structs.replace(report, layers=report.layers[:1])
    assert received_by(broken, unchecked, (2, 0, 1)) is None, "no layer of these was inferred"
