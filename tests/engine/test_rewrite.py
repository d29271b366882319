"""Layers replaced by others: what that costs, and which layer becomes which."""

from __future__ import annotations

import pytest

from cnn_tui.engine.errors import ShapeError
from cnn_tui.engine.specs.layers import (
    FC,
    Conv,
    Dropout,
    LeakyReLU,
    MaxPool,
    ReLU,
    Residual,
)
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.quick.parse import parse_quick
from cnn_tui.engine.specs.quick.write import to_quick
from cnn_tui.engine.specs.rewrite import Cost, cost, pairs, rewrite
from cnn_tui.engine.specs.transforms import (
    alone,
    conv_to_fc,
    fc_to_conv,
    kernel_to_stack,
    matrix_facts,
    pool_to_conv,
)


def net(line: str, shape: tuple[int, int, int] = (2, 12, 12)) -> Network:
    return Network(input=shape, layers=parse_quick(line))


def test_the_costs_of_layers_by_hand() -> None:
    layers = parse_quick("conv 3 3x5 | relu | maxpool 2 | batchnorm")
    assert cost(layers, (2, 10, 12)) == Cost(
        layers=4,
        receptive_field=6,
        params=3 * 30 + 3 + 6,
        macs=90 * 64,
        non_linearities=1,
        activations=3 * 64 + 3 * 16 + 3 * 16,
    )
    assert cost(parse_quick("fc 3"), (7,)) == Cost(1, 1, 24, 21, 0, 3)
    assert cost((), (7,)).receptive_field == 1


def test_costs_are_those_of_all_replaced_layers() -> None:
    wide, narrow = fc_to_conv(net("fc 5 | fc 3"), (1,)).costs
    assert wide == narrow == Cost(2, 12, 288 * 5 + 5 + 15 + 3, 288 * 5 + 15, 0, 8)


def test_several_places_at_once_and_who_became_what() -> None:
    described = net("conv 4 3x3 | relu | conv 4 3x3 | res { relu } | fc 3")
    thin = (Conv(out_channels=4, kernel_size=(3, 1)), Conv(out_channels=4, kernel_size=(1, 3)))
    made = rewrite("kernel-to-stack", described, {(0,): thin, (2,): thin}, exact=False)
    assert to_quick(made.after.layers) == (
        "conv 4 3x1 | conv 4 1x3 | relu | conv 4 3x1 | conv 4 1x3 | residual { relu } | fc 3"
    )
    found = [
        (pair.old.name, [new.name for new in pair.new], bool(pair.part)) for pair in pairs(made)
    ]
    assert found == [
        ("conv1", ["conv1", "conv2"], True),
        ("relu2", ["relu3"], False),
        ("conv3", ["conv4", "conv5"], True),
        ("residual4", ["residual6"], False),
        ("residual4.relu1", ["residual6.relu1"], False),
        ("fc5", ["fc7"], False),
    ]


def test_what_is_rewritten_in_repeated_layers_is_so_in_every_copy() -> None:
    described = net("repeat 2 { relu, conv 2 5x5 p2 } | fc 3")
    made = kernel_to_stack(described, (0, 0, 1))
    found = [(pair.old.name, len(pair.new), bool(pair.part)) for pair in pairs(made)]
    assert found == [
        ("repeat1", 1, False),
        ("repeat1.1.relu1", 1, False),
        ("repeat1.1.conv2", 3, True),
        ("repeat1.2.relu1", 1, False),
        ("repeat1.2.conv2", 3, True),
        ("fc2", 1, False),
    ]


def test_a_rewrite_that_breaks_the_network_is_refused() -> None:
    described = net("conv 4 3x3 | maxpool 5 | batchnorm | fc 3")
    smaller = {(0,): (Conv(out_channels=4, kernel_size=4),)}
    with pytest.raises(ShapeError, match=r"^Afterwards, .* tile") as caught:
        rewrite("pool-to-conv", described, smaller, exact=False)
    assert caught.value.hint == ""
    for channels, params in ((6, 12), (2, 4)):
        other = {(0,): (Conv(out_channels=channels),)}
        with pytest.raises(
            ShapeError, match=f"^Afterwards, bn3 would have {params} param"
        ) as caught:
            rewrite("pool-to-conv", described, other, exact=False)
        assert caught.value.hint == "Remove it first."
    broken = Network(input=(2, 12, 12), layers=(ReLU(), MaxPool(kernel_size=5), Dropout(p=9.0)))
    with pytest.raises(ShapeError, match="tile") as caught:
        rewrite("pool-to-conv", broken, {(0,): (ReLU(),)}, exact=True)
    assert not caught.value.message.startswith("then") and caught.value.hint == "Fix that first."


def test_the_matrix_of_a_convolution_by_hand() -> None:
    layer = Conv(
        out_channels=4, kernel_size=(2, 3), stride=(1, 2), padding=(0, 1), dilation=(3, 1), groups=2
    )
    # Height: 5 - 3 = 2 windows of 2 pixels. Width: 3 windows of 3 pixels, the first and the
    # last with one of them in the padding: 7 + 2 - 3 = 6, over 2, and 1.
    facts = matrix_facts(layer, (6, 5, 7))
    assert (facts.rows, facts.columns) == (4 * 2 * 4, 6 * 5 * 7)
    assert facts.free == 4 * 3 * 6
    assert facts.connected == 4 * 3 * (2 * 2) * (2 + 3 + 3 + 2)
    assert facts.entries == 32 * 210 and facts.zeros == 6_720 - 480


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "dilation", "inside"),
    [
        # From -2, 0, 2 and 4 on: two, three, three and two of three pixels.
        (7, 3, 2, 2, 2, 10),
        # From -1, 2 and 5 on: one, two and two of two pixels.
        (9, 2, 3, 1, 2, 5),
        (5, 2, 1, 0, 1, 8),
    ],
)
def test_weights_over_padding_are_not_in_the_matrix(
    size: int, kernel: int, stride: int, padding: int, dilation: int, inside: int
) -> None:
    layer = Conv(
        out_channels=1,
        kernel_size=(kernel, 1),
        stride=(stride, 1),
        padding=(padding, 0),
        dilation=(dilation, 1),
        rounding="floor",
    )
    assert matrix_facts(layer, (1, size, 1)).connected == inside


def test_an_fc_layer_becomes_a_window_of_its_whole_input() -> None:
    def line(text: str, place: int, shape: tuple[int, int, int]) -> str:
        return to_quick(fc_to_conv(net(text, shape), (place,)).after.layers)

    made = fc_to_conv(net("fc 4", (2, 3, 3)), (0,))
    assert made.after.layers == (Conv(out_channels=4, kernel_size=3),) and made.exact
    assert line("fc 4", 0, (2, 5, 3)) == "conv 4 5x3"
    assert line("fc 4 as a | relu | fc 3 nobias", 2, (2, 3, 5)) == (
        "conv 4 3x5 as a | relu | conv 3 1x1 nobias"
    )
    assert line("fc 4 | fc 3", 0, (2, 3, 3)) == "conv 4 3x3 | fc 3", "those behind stay"


def test_a_convolution_alone() -> None:
    shown = alone(net("relu | conv 3 3x5 | fc 2", (2, 6, 9)), (1,))
    assert shown == Network(
        name="alone",
        input=(2, 6, 9),
        layers=(Conv(out_channels=3, kernel_size=(3, 5)), FC(out_features=2)),
    )
    made = conv_to_fc(shown, (0,))
    assert made.after.layers[0] == FC(out_features=3 * 4 * 5) and made.exact


@pytest.mark.parametrize(
    ("line", "stack"),
    [
        ("conv 2 5x5 p2", "conv 2 3x3 p1 | relu | conv 2 3x3 p1"),
        ("conv 2 7x7 p2 as a", "conv 2 3x3 | relu | conv 2 3x3 p1 | relu | conv 2 3x3 p1 as a"),
        ("conv 2 5x5 p1x2 s2 floor", "conv 2 3x3 p0x1 | relu | conv 2 3x3 s2 p1 floor"),
        ("conv 2 5x5 p2x1", "conv 2 3x3 p1x0 | relu | conv 2 3x3 p1"),
        ("conv 2 5x5 same | tanh", "conv 2 3x3 pad same | tanh | conv 2 3x3 pad same"),
        ("conv 2 5x5 | batchnorm", "conv 2 3x3 | relu | conv 2 3x3"),
    ],
)
def test_a_stack_of_small_kernels(line: str, stack: str) -> None:
    made = kernel_to_stack(net(f"{line} | fc 3"), (0,))
    assert to_quick(made.after.layers).startswith(f"{stack} |") and not made.exact


def test_the_activation_is_that_which_follows_in_the_same_list() -> None:
    block = Residual(branch=(ReLU(), Conv(out_channels=2, kernel_size=5, padding=2)))
    described = Network(
        input=(2, 6, 6), layers=(block, LeakyReLU(negative_slope=0.2), FC(out_features=2))
    )
    branch = kernel_to_stack(described, (0, 0, 1)).after.layers[0].branch
    assert to_quick(branch) == "relu | conv 2 3x3 p1 | relu | conv 2 3x3 p1"
    assert branch[1] == Conv(out_channels=2, padding=1), "one number, where both are the same"
    bent = net("res { relu | conv 2 5x5 p2 | tanh } | relu | batchnorm | fc 3")
    branch = kernel_to_stack(bent, (0, 0, 1)).after.layers[0].branch
    assert to_quick(branch) == "relu | conv 2 3x3 p1 | tanh | conv 2 3x3 p1 | tanh"


@pytest.mark.parametrize("kernel", ["5x3", "3x5", "5x7", "3x3", "4x4", "6x6", "8x8"])
def test_which_kernels_are_no_stack(kernel: str) -> None:
    with pytest.raises(ShapeError, match=rf"layer 1 \(conv\): a {kernel} kernel is not a stack"):
        kernel_to_stack(net(f"conv 2 {kernel} | fc 3"), (0,))


@pytest.mark.parametrize(
    ("pool", "conv", "exact"),
    [
        ("avgpool 2", "conv 2 2x2 s2", True),
        ("avgpool 3 s1 p1", "conv 2 3x3 p1", True),
        ("avgpool 3 s1 p1 inside", "conv 2 3x3 p1", False),
        ("avgpool 3 s1 p0x1 inside", "conv 2 3x3 p0x1", False),
        ("avgpool 2 inside as a", "conv 2 2x2 s2 as a", True),
        ("maxpool 5 s2 floor", "conv 2 5x5 s2 floor", False),
        ("maxpool 2 ceil", "conv 2 2x2 s2", False),
    ],
)
def test_a_pool_becomes_a_convolution_of_its_windows(pool: str, conv: str, exact: bool) -> None:
    made = pool_to_conv(net(f"{pool} | fc 3"), (0,))
    assert to_quick(made.after.layers) == f"{conv} | fc 3"
    assert made.exact is exact


def test_a_size_that_was_rounded_up_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"layer 1 \(maxpool\) rounds its output size up"):
        pool_to_conv(net("maxpool 2 ceil | fc 3", (2, 12, 11)), (0,))


def test_a_rewrite_of_another_kind_of_layer_is_refused() -> None:
    described = net("relu | fc 3")
    for make, wanted in (
        (fc_to_conv, "an FC layer"),
        (conv_to_fc, "a convolution"),
        (alone, "a convolution"),
        (kernel_to_stack, "a convolution"),
        (pool_to_conv, "a pool"),
    ):
        with pytest.raises(ShapeError, match=rf"layer 1 \(relu\) is not {wanted}"):
            make(described, (0,))  # type: ignore[operator]
