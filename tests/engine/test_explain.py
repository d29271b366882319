"""The arithmetic of a layer in words: the numbers of the notes, and none where none is known."""

from __future__ import annotations

import pytest
from hypothesis import given
from networks import networks, plausible_networks

from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.inside import walk_layers
from cnn_tui.engine.specs.layers import (
    FC,
    LRN,
    AvgPool,
    BatchNorm,
    Conv,
    GlobalAvgPool,
    Layer,
    MaxPool,
    ReLU,
    Residual,
)
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.places import explain, received_by
from cnn_tui.engine.specs.presets import load_preset, preset_names
from cnn_tui.engine.specs.windows import wanted_output

ALEXNET = load_preset("alexnet")


def notes(network: Network, *place: int) -> dict[str, tuple[str, ...]]:
    return dict(explain(network, place))


def net(*layers: Layer, shape: tuple[int, int, int] = (3, 12, 12)) -> Network:
    return Network(input=shape, layers=layers)


def test_the_alpha_of_a_response_norm_is_told_in_both_conventions():
    assert notes(net(LRN(size=5, alpha=1e-4)), 0)["parameters"] == (
        "no parameters; alpha multiplies the sum of squares",
        "alpha of PyTorch and ONNX: 0.0005, divided by size",
    )


def test_the_first_convolution_of_alexnet_as_in_the_notes():
    assert notes(ALEXNET, 0) == {
        "size": ("(W - F + 2P)/S + 1", "(227 - 11 + 2*0)/4 + 1 = 55"),
        "parameters": (
            "96 filters of 11x11x3",
            "11*11*3*96 = 34,848 weights",
            "+ 96 biases = 34,944",
        ),
        # CS231n: 55*55*96 = 290,400 neurons of 11*11*3 = 363 weights and 1 bias.
        "sharing": (
            "shared by 55*55 = 3,025 pixels",
            f"not shared: {290_400 * 364:,}",
            f"as an fc layer: {290_400 * (227 * 227 * 3 + 1):,}",
        ),
        "field": ("field: 1 + (11 - 1)*1 = 11 pixels", "step: 1*4 = 4 pixels"),
        "cost": ("34848*55*55 = 105,415,200 multiply-adds",),
    }


def test_the_field_grows_from_that_of_the_layer_before():
    assert notes(ALEXNET, 2)["field"] == (
        "field: 11 + (3 - 1)*4 = 19 pixels",
        "step: 4*2 = 8 pixels",
    )
    assert notes(ALEXNET, 3)["field"] == ("field: 19 + (5 - 1)*8 = 51 pixels",)


def test_a_max_pool_has_no_parameters_and_drops_three_quarters():
    found = notes(net(MaxPool()), 0)
    assert found["parameters"] == ("no parameters: the largest value of each window",)
    assert found["pooling"] == (
        "keeps 36 of 144 values per channel",
        "drops 75% of the activations",
        "gradients go to the largest only",
    )
    assert notes(net(MaxPool(kernel_size=3, stride=1, padding=1)), 0)["pooling"] == (
        "gradients go to the largest only",
    )
    assert "pooling" not in notes(net(AvgPool()), 0)


def test_an_fc_layer_sees_everything():
    network = load_preset("lenet5")
    found = notes(network, 6)
    assert found["size"] == ("16*5*5 = 400 inputs",)
    assert found["parameters"][1:] == ("400*120 = 48,000 weights", "+ 120 biases = 48,120")
    assert found["field"] == ("field: the whole input, 32 pixels",)
    assert found["cost"] == ("48,000 multiply-adds",)
    assert notes(network, 8)["size"] == ("120 in, 84 out",)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (ReLU(), "no parameters"),
        (BatchNorm(), "3 scales + 3 shifts"),
        (GlobalAvgPool(), "no parameters: the mean of each channel"),
        (Conv(out_channels=6, groups=3, bias=False), "3*3*1*6 = 54 weights"),
        (Residual(branch=(ReLU(),)), "no parameters"),
        (Residual(branch=(Conv(out_channels=3, padding=1),)), "84 parameters"),
        (FC(out_features=2, bias=False), "432*2 = 864 weights"),
    ],
)
def test_what_is_learned(layer: Layer, expected: str):
    assert notes(net(layer), 0)["parameters"][-1] == expected


def test_sharing_without_biases():
    found = notes(net(Conv(out_channels=2, bias=False)), 0)["sharing"]
    assert found == (
        "shared by 10*10 = 100 pixels",
        "not shared: 5,400",
        "as an fc layer: 86,400",
    )


def test_windows_and_inputs_that_are_not_square():
    network = net(
        Conv(out_channels=4, kernel_size=(3, 5), stride=(1, 2), padding=(0, 1)), shape=(1, 8, 9)
    )
    found = notes(network, 0)
    assert found["size"] == ("height (8 - 3 + 2*0)/1 + 1 = 6", "width  (9 - 5 + 2*1)/2 + 1 = 4")
    assert found["field"] == ("field: 1 + (5 - 1)*1 = 5 pixels", "step: 1*2 = 2 pixels")


def test_dilation_spreads_the_window():
    found = notes(net(Conv(out_channels=4, dilation=2)), 0)
    assert found["size"][1] == "(12 - 5 + 2*0)/1 + 1 = 8"
    assert found["field"] == ("field: 1 + (5 - 1)*1 = 5 pixels",)


def test_a_block_and_a_layer_in_its_branch():
    network = net(
        Residual(branch=(Conv(out_channels=3, padding=1), Conv(out_channels=3, padding=1)))
    )
    assert notes(network, 0)["field"] == ("field: 1 grown to 5 pixels",)
    assert notes(network, 0, 0, 1)["field"] == ("field: 3 + (3 - 1)*1 = 5 pixels",)


def test_a_fraction_is_shown_and_what_follows_is_open():
    network = net(Conv(out_channels=4, kernel_size=11, stride=4), ReLU(), shape=(3, 224, 224))
    found = notes(network, 0)
    assert set(found) == {"size", "parameters"}
    assert found["size"][1] == "(224 - 11 + 2*0)/4 + 1 = 54.25"
    assert found["parameters"][2] == "+ 4 biases = 1,456"
    assert notes(network, 1) == {
        "size": ("The input of this layer is unknown:", "a layer before it does not fit.")
    }
    assert wanted_output(network.layers[0], (3, 224, 224)) == ("54.25", "54.25")


def test_no_layer_no_words():
    with pytest.raises(IndexError):
        explain(net(ReLU()), (1,))
    with pytest.raises(IndexError):
        explain(net(ReLU()), (0, 0))
    with pytest.raises(IndexError):
        explain(net(ReLU()), (0, 0, 0))


@given(plausible_networks() | networks(40))
def test_any_layer_of_any_network_is_explained_without_contradicting_its_report(network):
    report = check(network)
    for place, layer in walk_layers(network.layers):
        found = notes(network, *place)
        assert all(line.isprintable() for lines in found.values() for line in lines)
        wanted_output(layer, received_by(network, report, place))
        if len(place) == 1 and report.layers[place[0]].output and isinstance(layer, Conv | FC):
            params = report.layers[place[0]].params
            assert found["parameters"][-1].split()[-1 if layer.bias else -2] == f"{params:,}"


@pytest.mark.parametrize("name", preset_names())
def test_lines_are_short_enough_for_a_panel(name: str):
    network = load_preset(name)
    for place, _ in walk_layers(network.layers):
        assert max(len(line) for note in explain(network, place) for line in note.lines) <= 64
