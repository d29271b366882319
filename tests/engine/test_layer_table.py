"""The rows of a report: output, counts, settings and name of each layer, and its JSON."""

import json

import msgspec
import pytest
from small_nets import lenet, net

from cnn_tui.engine.specs.check import Report, check
from cnn_tui.engine.specs.layers import (
    FC,
    LRN,
    AvgPool,
    BatchNorm,
    Conv,
    Dropout,
    GlobalAvgPool,
    LeakyReLU,
    MaxPool,
    ReLU,
    Residual,
)
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.quick.parse import parse_quick


def rows(report: Report, *fields: str) -> list[tuple[object, ...]]:
    return [tuple(getattr(layer, field) for field in fields) for layer in report.layers]


def test_every_number_of_lenet():
    report = check(lenet(), classes=10)
    assert report.valid
    assert (report.total_params, report.total_macs) == (61_706, 416_520)
    columns = ("index", "type", "output", "weights", "biases", "macs", "receptive_field")
    assert rows(report, *columns) == [
        (1, "conv", [6, 28, 28], 150, 6, 117_600, 5),
        (2, "relu", [6, 28, 28], 0, 0, 0, 5),
        (3, "maxpool", [6, 14, 14], 0, 0, 0, 6),
        (4, "conv", [16, 10, 10], 2_400, 16, 240_000, 14),
        (5, "relu", [16, 10, 10], 0, 0, 0, 14),
        (6, "maxpool", [16, 5, 5], 0, 0, 0, 16),
        (7, "fc", [120], 48_000, 120, 48_000, 32),
        (8, "relu", [120], 0, 0, 0, 32),
        (9, "fc", [84], 10_080, 84, 10_080, 32),
        (10, "relu", [84], 0, 0, 0, 32),
        (11, "fc", [10], 840, 10, 840, 32),
    ]
    assert [layer.activations for layer in report.layers][:3] == [4704, 4704, 1176]


def test_settings_and_names():
    report = check(
        net(
            Conv(out_channels=6, kernel_size=5, padding=2, name="stem"),
            Conv(out_channels=8, kernel_size=(3, 5), stride=(1, 2), padding=(1, 2), bias=False,
                 rounding="floor"),
            Conv(out_channels=8, padding="same", dilation=2, groups=2),
            BatchNorm(),
            LeakyReLU(negative_slope=0.1),
            MaxPool(kernel_size=3, stride=2, padding=1, rounding="floor"),
            AvgPool(kernel_size=(2, 1)),
            LRN(),
            Dropout(p=0.25),
            Residual(branch=(Conv(out_channels=4, kernel_size=1, stride=2, rounding="floor"),),
                     shortcut="projection", stride=2),
            GlobalAvgPool(),
            FC(out_features=10, bias=False),
        )
    )  # fmt: skip
    assert report.issues == ()
    assert report.layers[-1].biases == 0
    assert rows(report, "name", "settings") == [
        ("stem", "6  5x5 s1 p2"),
        ("conv2", "8  3x5 s1x2 p1x2 floor no bias"),
        ("conv3", "8  3x3 s1 same d2 g2"),
        ("bn4", ""),
        ("leaky_relu5", "0.1"),
        ("maxpool6", "3x3 s2 p1 floor"),
        ("avgpool7", "2x1 s2x1"),
        ("lrn8", "n 5"),
        ("dropout9", "p 0.25"),
        ("residual10", "projection s2"),
        ("global_avgpool11", ""),
        ("fc12", "10 no bias"),
    ]


@pytest.mark.parametrize(
    ("line", "settings"),
    [
        ("conv 4 1x1", "4  1x1 s1 p0"),
        ("conv 4 3x3 pad same d2x3 nobias", "4  3x3 s1 same d2x3 no bias"),
        ("dwconv 3x3 pad same", "3x3 s1 same"),
        ("dwconv 5x5 p2 multiplier 2 nobias", "5x5 s1 p2 x2 no bias"),
        ("avgpool 2x2 p1 inside", "2x2 s2 p1 inside"),
        ("maxpool 2x2 p1x0", "2x2 s2 p1x0"),
        ("fc 3", "3"),
        ("res { relu }", "identity"),
        ("res { conv 4 1x1 s2 floor } s2 projection", "projection s2"),
        ("res { relu } { relu }", "own shortcut"),
        ("parallel { } { relu }", "2 branches, concat"),
        ("parallel { } { relu } split add", "2 branches, add, split"),
        ("repeat 3 { relu }", "3 times"),
    ],
)
def test_settings_in_short(line: str, settings: str):
    (row,) = check(Network(input=(4, 8, 8), layers=parse_quick(line))).layers
    assert row.settings == settings


def test_batch_norm_counts_gamma_and_beta_but_no_running_statistics():
    report = check(net(Conv(out_channels=8), BatchNorm(), FC(out_features=9), BatchNorm()))
    assert rows(report, "weights", "biases", "macs")[1::2] == [(8, 8, 0), (9, 9, 0)]


def test_json_has_the_promised_fields():
    broken = net(Conv(out_channels=4, stride=2), FC(out_features=10))
    data = json.loads(msgspec.json.encode(check(broken)))
    assert {"name", "valid", "input", "layers", "total_params", "total_macs", "issues"} <= set(data)
    assert data["input"] == [1, 28, 28]
    layer, issue = data["layers"][0], data["issues"][0]
    promised = {"index", "type", "output", "weights", "biases", "params", "macs"}
    assert promised | {"receptive_field"} <= set(layer)
    assert {"layer", "code", "message", "fixes"} <= set(issue)
    assert {"layer", "field", "value", "description"} <= set(issue["fixes"][0])
    assert layer["output"] is None


def test_given_names_win_over_numbered_ones():
    report = check(net(ReLU(), Dropout(name="relu1"), FC(out_features=10)))
    assert [layer.name for layer in report.layers] == ["relu1_", "relu1", "fc3"]
    assert report.valid


def test_residual_block_is_one_row_that_holds_its_parts():
    branch = (
        Conv(out_channels=16, stride=2, padding=1, rounding="floor", bias=False),
        BatchNorm(),
        ReLU(),
        Conv(out_channels=16, padding=1),
    )
    block = Residual(branch=branch, shortcut="projection", stride=2)
    report = check(net(Conv(out_channels=8, padding=1), block, ReLU(), FC(out_features=10)))
    row = report.layers[1]
    assert row.output == [16, 14, 14]
    assert [part.name for part in row.branch] == [
        "residual2.conv1", "residual2.bn2", "residual2.relu3", "residual2.conv4",
    ]  # fmt: skip
    assert [part.name for part in row.shortcut] == [
        "residual2.shortcut.conv1", "residual2.shortcut.bn2",
    ]  # fmt: skip
    assert [part.params for part in row.shortcut] == [8 * 16, 32]
    parts = row.branch + row.shortcut
    for field in ("weights", "biases", "params", "macs"):
        assert getattr(row, field) == sum(getattr(part, field) for part in parts)
    # 3x3 at stride 2 and 3x3 behind a 3x3: 3 + 2*1 + 2*2.
    assert row.receptive_field == 9
    assert report.total_params == 80 + row.params + 16 * 14 * 14 * 10 + 10


def test_zero_pad_shortcut_adds_no_parameters_and_rounds_up():
    branch = (Conv(out_channels=8, stride=2, padding=1),)
    report = check(
        net(Residual(branch=branch, shortcut="zero-pad", stride=2), FC(out_features=10), size=7)
    )
    assert report.issues == ()
    assert report.layers[0].output == [8, 4, 4]
    assert report.layers[0].shortcut == ()
    assert report.layers[0].params == 80


def test_receptive_field_takes_the_longer_side():
    network = Network(
        input=(1, 8, 20), layers=(Conv(out_channels=2, kernel_size=(3, 5)), FC(out_features=9))
    )
    assert [layer.receptive_field for layer in check(network).layers] == [5, 20]
