"""Quick entry as others write networks: calls, well-known blocks, the notation of papers."""

from __future__ import annotations

import pytest

from cnn_tui.engine.errors import EntryError
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.depthwise import DWConv
from cnn_tui.engine.specs.layers import (
    FC,
    Conv,
)
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.quick.complete import complete
from cnn_tui.engine.specs.quick.parse import parse_quick, parse_understood
from cnn_tui.engine.specs.quick.write import to_quick

CALLS = {
    "Conv2d(3, 32, 3, padding=1)": "conv 32 3x3 p1",
    "nn.Conv2d(3, 32, (3, 5), stride=2, bias=False),": "conv 32 3x5 s2 nobias floor",
    "self.conv1 = nn.Conv2d(3, 6, kernel_size=5)": "conv 6 5x5",
    'layers.Conv2D(32, 3, activation="relu")': "conv 32 3x3 | relu",
    "x = layers.Dense(10, activation=tf.nn.relu)(x)": "fc 10 | relu",
    "model.add(Dense(10))": "fc 10",
    "MaxPooling2D() | MaxPooling2D((2, 2), strides=1)": "maxpool 2x2 | maxpool 2x2 s1",
    "layers.LeakyReLU() nn.LeakyReLU()": "leaky_relu 0.3 | leaky_relu 0.01",
    "nn.GELU(), nn.GELU(approximate='tanh')": "gelu exact | gelu",
    "BatchNormalization()": "batchnorm eps 0.001 momentum 0.01",
    "LocalResponseNorm(5)": "lrn 5 alpha 2e-05 k 1.0",
    "(0): Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1)) (1): ReLU(inplace=True)":
        "conv 8 3x3 | relu",
    "(1): BatchNorm2d(3, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)":
        "batchnorm",
    "nn.Sequential(nn.Conv2d(3, 8, 3), nn.Sequential(nn.ReLU()), nn.Flatten(), nn.Linear(7200, 5))":
        "conv 8 3x3 | relu | fc 5",
    "Sequential([Input((32, 32, 3)), layers.Conv2D(8, 3), Flatten(), Dense(5)])":
        "conv 8 3x3 | fc 5",
    "DepthwiseConv2D(3, padding='same', depth_multiplier=2, activation='relu')":
        "dwconv 3x3 m2 pad same | relu",
    "SeparableConv2D(8, 3, use_bias=False)": "dwconv 3x3 nobias | conv 8 1x1 nobias",
    "ZeroPadding2D(((0, 1), (2, 3))) nn.ZeroPad2d(2)": "pad 2x3x0x1 | pad 2",
    "AdaptiveAvgPool2d((1, 1)) nn.Identity()": "global_avgpool",
}  # fmt: skip


@pytest.mark.parametrize("text", CALLS)
def test_lines_of_other_programs_are_read(text: str) -> None:
    layers, error, _ = parse_understood(text, (3, 32, 32))
    assert error is None
    assert to_quick(layers) == CALLS[text]


def test_the_input_that_a_call_declares_is_checked() -> None:
    for text, words in (
        ("conv 8 | Conv2d(3, 4, 3)", "declares 3 input channels, but receives 8 (8x30x30)"),
        ("Conv2d(1, 4, 3)", "declares 1 input channels, but receives 3"),
        ("gap | Linear(10, 4)", "declares 10 input features, but receives 3"),
        ("BatchNorm2d(4)", "declares 4 input channels"),
    ):
        error = parse_understood(text, (3, 32, 32)).error
        assert error is not None and words in str(error)
    assert parse_understood("Conv2d(1, 4, 3)").error is None, "of an unknown input nothing is known"
    assert parse_understood("conv 8 9 | Conv2d(7, 4, 3)", (3, 4, 4)).error is None


def test_what_is_passed_over_is_said() -> None:
    found = parse_understood("flatten | fc 10 | softmax")
    assert found.layers == (FC(out_features=10),) and found.error is None
    assert found.notes[0].startswith("flatten is passed over")
    assert found.notes[1].startswith("softmax is passed over")
    assert parse_understood("nn.Flatten() fc 10 nn.Softmax(dim=1)").notes == found.notes
    assert parse_understood("Dense(10, activation='softmax')").notes == found.notes[1:]


@pytest.mark.parametrize(
    ("text", "params"),
    [
        # SqueezeNet 1.0, GoogLeNet without batch norms, ResNet-50 and DenseNet: by hand.
        ("fire 16 64", 96 * 16 + 16 + 2 * 64 + 16 * 64 + 16 * 64 * 9),
        ("bottleneck 24", 96 * 24 + 24 * 24 * 9 + 24 * 96 + 2 * (24 + 24 + 96)),
        ("bottleneck 64", 96 * 64 + 64 * 64 * 9 + 64 * 256 + 96 * 256 + 2 * (128 + 512)),
        ("basicblock 64 s2", 96 * 64 * 9 + 64 * 64 * 9 + 96 * 64 + 2 * 192),
        ("denselayer 32", 96 * 128 + 128 * 32 * 9 + 2 * (96 + 128)),
        ("inception 4 5 6 7 8 9", 97 * (4 + 5 + 7 + 9) + 5 * 6 * 9 + 6 + 7 * 8 * 25 + 8),
    ],
)
def test_blocks_of_well_known_networks(text: str, params: int) -> None:
    layers, error, _ = parse_understood(text, (96, 8, 8))
    report = check(Network(input=(96, 8, 8), layers=layers))
    assert error is None and report.total_params == params
    assert {issue.code for issue in report.issues} <= {"not-scores"}


def test_brackets_take_no_longer_than_the_line_is_long() -> None:
    for text in ("f(" * 20_000, "f(x" * 20_000, "f(" + "x" * 200_000, "f((((" + "x(" * 9_000):
        assert parse_understood(text).error is not None
        complete(text, len(text))


def test_the_notation_of_a_paper_is_translated() -> None:
    with pytest.raises(EntryError, match=r"Write conv 64 3x3\."):
        parse_quick("conv3-64")


def test_flatten_says_what_happens_anyway():
    expected = parse_quick("conv 8 3x3 | relu | fc 10")
    assert parse_quick("conv 8 3x3 | relu | flatten | fc 10") == expected
    assert parse_quick("conv 8 3x3 relu flatten fc 10") == expected
    assert parse_quick("flatten") == ()


def test_depthwise_and_pointwise_by_name():
    assert parse_quick("pwconv64") == parse_quick("conv 64 1x1")
    depthwise, pointwise = parse_quick("dwconv 3x3 s2 pad 1 m2 | pwconv 64 nobias")
    assert depthwise == DWConv(stride=2, padding=1, multiplier=2)
    assert pointwise == Conv(out_channels=64, kernel_size=1, bias=False)
    assert [one.text for one in complete("pwc", 3)] == ["pwconv"]
    with pytest.raises(EntryError, match="takes no further value"):
        parse_quick("pwconv 64 3x3")
