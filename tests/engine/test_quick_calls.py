"""Calls of PyTorch and Keras, argument by argument."""

from __future__ import annotations

import pytest

from cnn_tui.engine.errors import EntryError
from cnn_tui.engine.specs.quick.calls import call_names, called, is_keras
from cnn_tui.engine.specs.quick.keras_calls import RESIZES
from cnn_tui.engine.specs.quick.parse import parse_quick, parse_understood
from cnn_tui.engine.specs.quick.write import to_quick

TORCH = {
    "nn.Conv2d(4, 6, 3, 2, 1, 2, 2, False)": "conv 6 3x3 s2 p1 d2 g2 nobias",
    "nn.Conv2d(4, 6, 3, padding='valid', padding_mode='zeros')": "conv 6 3x3",
    "nn.Conv2d(4, 6, 3, padding='same', device='cpu', dtype=None)": "conv 6 3x3 pad same",
    "nn.LazyConv2d(6, 3, 2)": "conv 6 3x3 s2",
    "nn.Linear(10, 6, False)": "fc 6 nobias",
    "nn.LazyLinear(6, bias=False)": "fc 6 nobias",
    "nn.MaxPool2d(3, 2, 1)": "maxpool 3x3 s2 p1",
    "nn.MaxPool2d(3, ceil_mode=True)": "maxpool 3x3 ceil",
    "nn.MaxPool2d((3, 2), return_indices=False)": "maxpool 3x2",
    "nn.AvgPool2d(3, 2, 1, True, False)": "avgpool 3x3 s2 p1 ceil inside",
    "nn.AvgPool2d(3, ceil_mode=False, count_include_pad=True)": "avgpool 3x3",
    "nn.AdaptiveAvgPool2d(1)": "global_avgpool",
    "nn.AdaptiveAvgPool2d((7, 7))": "adaptive_avgpool 7x7",
    "nn.AdaptiveAvgPool2d([3, 2])": "adaptive_avgpool 3x2",
    "nn.AdaptiveMaxPool2d((1, 1))": "global_maxpool",
    "nn.BatchNorm2d(4, 1e-3, 0.2)": "batchnorm eps 0.001 momentum 0.2",
    "nn.LazyBatchNorm2d(1e-3)": "batchnorm eps 0.001",
    "nn.BatchNorm1d(4, affine=True, momentum=0.2)": "batchnorm momentum 0.2",
    "nn.GroupNorm(2, 4, 1e-3)": "groupnorm 2 eps 0.001",
    "nn.LayerNorm([4, 8, 8], 1e-3)": "layernorm eps 0.001",
    "nn.LocalResponseNorm(5, 1e-3, 0.5, 2.0)": "lrn 5 alpha 0.0002 beta 0.5",
    "nn.LocalResponseNorm(3)": "lrn 3 alpha 3.333333e-05 k 1.0",
    "nn.ZeroPad2d((1, 2, 3, 4))": "pad 1x2x3x4",
    "nn.PReLU()": "prelu",
    "nn.PReLU(4, 0.1)": "prelu init 0.1 per-channel",
    "nn.Dropout(0.2, inplace=True)": "dropout 0.2",
    "nn.Dropout()": "dropout 0.5",
    "nn.ELU(0.5)": "elu 0.5",
    "nn.Identity()": "",
    "nn.Flatten(1)": "",
    "nn.Flatten(start_dim=1, end_dim=-1)": "",
}
KERAS = {
    "layers.Conv2D(6, 5, 2, 'same')": "conv 6 5x5 s2 pad same",
    "layers.Conv2D(6, 3, 1, 'valid', 'channels_last', 2, 2, 'relu', False)":
        "conv 6 3x3 d2 g2 nobias | relu",
    "Conv2D(6, kernel_size=3, dilation_rate=2, use_bias=False, name='a')": "conv 6 3x3 d2 nobias",
    "Dense(6, 'tanh', False)": "fc 6 nobias | tanh",
    "Dense(units=6, activation='linear')": "fc 6",
    "Dense(6, kernel_initializer='he_normal')": "fc 6",
    "MaxPooling2D(3, 2, 'same')": "maxpool 3x3 s2 p1 floor",
    "MaxPooling2D((3, 5), 1, 'same')": "maxpool 3x5 s1 p1x2 floor",
    "AveragePooling2D(3, 1, 'same')": "avgpool 3x3 s1 p1 floor inside",
    "AveragePooling2D(2, padding='same')": "avgpool 2x2 ceil",
    "AveragePooling2D(4, padding='same')": "avgpool 4x4 ceil",
    "Dense(6, 'leaky_relu')": "fc 6 | leaky_relu 0.2",
    "AvgPool2D(pool_size=4)": "avgpool 4x4",
    "DepthwiseConv2D(3, 2, 'valid', 2)": "dwconv 3x3 s2 m2",
    "SeparableConv2D(6, 3, 2, 'same', depth_multiplier=2, activation='relu')":
        "dwconv 3x3 s2 m2 pad same nobias | conv 6 1x1 | relu",
    "ZeroPadding2D()": "pad 1",
    "ZeroPadding2D(3)": "pad 3",
    "ZeroPadding2D((1, 2))": "pad 2x2x1x1",
    "ZeroPadding2D(((1, 2), (3, 4)))": "pad 3x4x1x2",
    "BatchNormalization(momentum=0.4, epsilon=0.01, center=True)":
        "batchnorm eps 0.01 momentum 0.6",
    "GroupNormalization()": "groupnorm 32 eps 0.001",
    "GroupNormalization(4, epsilon=0.01)": "groupnorm 4 eps 0.01",
    "layers.ReLU()": "relu",
    "layers.ReLU(6)": "relu6",
    "layers.ReLU(negative_slope=0.1)": "leaky_relu 0.1",
    "layers.LeakyReLU(alpha=0.1)": "leaky_relu 0.1",
    "LeakyReLU(alpha=0.1)": "leaky_relu 0.1",
    "Dropout(rate=0.3)": "dropout 0.3",
    "Conv2D(6, 3) | LeakyReLU()": "conv 6 3x3 | leaky_relu 0.3",
    "layers.Dense(6) LeakyReLU() nn.LeakyReLU()": "fc 6 | leaky_relu 0.3 | leaky_relu 0.01",
    "nn.Conv2d(4, 6, 3) LeakyReLU()": "conv 6 3x3 | leaky_relu 0.01",
    "layers.Dropout(rate=0.3, seed=1)": "dropout 0.3",
    "Activation('swish')": "silu",
    "GlobalAveragePooling2D() | GlobalMaxPooling2D()": "global_avgpool | global_maxpool",
    "layers.ELU(alpha=1.0)": "elu 1.0",
    "InputLayer((3, 8, 8))": "",
}  # fmt: skip


@pytest.mark.parametrize("text", [*TORCH, *KERAS])
def test_each_argument_is_taken_or_known_to_change_nothing(text: str) -> None:
    assert to_quick(parse_quick(text)) == {**TORCH, **KERAS}[text]


WRONG = {
    "nn.Flatten(0)": "does not flatten all dimensions but the first",
    "nn.Flatten(2)": "does not flatten all dimensions but the first",
    "nn.Flatten(1, 2)": "does not flatten all dimensions but the first",
    "nn.Conv2d(4, 6, 3, padding_mode='reflect')": "padding_mode='reflect': no counterpart",
    "nn.MaxPool2d(3, return_indices=True)": "return_indices=True: no counterpart",
    "nn.BatchNorm2d(4, affine=False)": "affine=False: no counterpart",
    "nn.BatchNorm2d(4, track_running_stats=False)": "track_running_stats=False",
    "layers.Conv2D(4, 3, data_format='channels_first')": "data_format='channels_first'",
    "BatchNormalization(center=False)": "center=False",
    "BatchNormalization(scale=False)": "scale=False",
    "nn.LayerNorm(4, elementwise_affine=False)": "elementwise_affine=False",
    "nn.AdaptiveMaxPool2d(2)": "pools to a size other than 1",
    "nn.AdaptiveMaxPool2d(0)": "pools to a size other than 1",
    f"nn.ReLU({'x' * 40})": f"has the argument {'x' * 40}, which",
    f"nn.ReLU({'x' * 41})": f"has the argument {'x' * 40}..., which",
    "nn.ReLU(1, 2, 3)": "has more than",
    "nn.Linear(4, 6, True, 1)": "has more than 3 arguments",
    "nn.Linear(4)": "lacks its argument out_features",
    "nn.LocalResponseNorm()": "lacks its argument size",
    "nn.LocalResponseNorm(0)": "wrong kind",
    "nn.LocalResponseNorm('a')": "wrong kind",
    "layers.ReLU(5)": "has a limit other than 6",
    "layers.ReLU(6, 0.1)": "has a limit other than 6",
    "layers.ReLU(threshold=0.5)": "or a threshold",
    "Dense(6, activation=3)": "has the activation 3; there are relu",
    "nn.Conv2d(4, 6, 0)": "has a wrong kernel_size: expected",
    "nn.Foo(1)": "has no counterpart here",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_has_no_counterpart_is_refused(text: str) -> None:
    with pytest.raises(EntryError) as caught:
        parse_quick(text)
    assert WRONG[text] in caught.value.message
    assert (caught.value.column, caught.value.width) == (0, len(text))


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("Conv2D(6, 3, 2, 'same')", RESIZES),
        ("Conv2D(6, 3, (1, 1), 'same')", ""),
        ("Conv2D(6, 3, padding='same')", ""),
        ("Conv2D(6, 3, 2)", ""),
        ("DepthwiseConv2D(3, 2, 'same')", RESIZES),
        ("DepthwiseConv2D(3, 1, 'same')", ""),
        ("DepthwiseConv2D(3, padding='same')", ""),
        ("DepthwiseConv2D(3, 2)", ""),
        ("SeparableConv2D(6, 3, 2, 'same')", RESIZES),
        ("MaxPooling2D(2, padding='same')", RESIZES),
        ("MaxPooling2D(2)", ""),
    ],
)
def test_windows_that_lie_elsewhere_are_noted(text: str, note: str) -> None:
    assert parse_understood(text).notes == ((note,) if note else ())


@pytest.mark.parametrize(
    "text", ["Dense(3, activation='softmax')", "layers.Softmax()", "nn.Softmax(1)", "softmax"]
)
def test_a_softmax_ends_the_network(text: str) -> None:
    assert parse_understood(f"fc 3 | {text}").error is None
    assert parse_understood(f"{text} | relu").error is not None


@pytest.mark.parametrize(
    ("name", "keras"),
    [
        ("Conv2D", True),
        ("Dense", True),
        ("layers.Dropout", True),
        ("Dropout", False),
        ("nn.Dropout", False),
        ("torch.nn.ReLU", False),
        ("tf.keras.layers.ReLU", True),
        ("nn.Conv2d", False),
        ("layers.Conv2d", False),
    ],
)
def test_whose_layer_a_name_is(name: str, keras: bool) -> None:
    assert is_keras(name) is keras


def test_the_names_of_both_are_known() -> None:
    assert {"Conv2d", "ReLU", "Conv2D", "Dense"} <= set(call_names())
    assert called("Dropout", (0.3,), {}, keras=True) == called("Dropout", (0.3,), {})
    slope = called("LeakyReLU", (), {}, keras=True).layers[0]
    assert slope != called("LeakyReLU", (), {}).layers[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nn.GroupNorm(2, 4)", "declares 4 input channels, but receives 3 (3x32x32)"),
        ("nn.Linear(10, 4)", "declares 10 input features, but receives 3,072 (3x32x32)"),
        ("relu | nn.Conv2d(2, 4, 3)", "declares 2 input channels, but receives 3 (3x32x32)"),
        ("nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(7, 4, 3))", "receives 8 (8x30x30)"),
    ],
)
def test_what_a_call_declares_to_receive(text: str, words: str) -> None:
    error = parse_understood(text, (3, 32, 32)).error
    assert error is not None and words in error.message
    actual = words.rpartition("receives ")[2].partition(" ")[0].replace(",", "")
    assert error.hint.startswith("Write ") and actual in error.hint


def test_a_line_may_begin_behind_an_fc_layer() -> None:
    error = parse_understood("relu | nn.Linear(4, 3)", (9,)).error
    assert error is not None and "declares 4 input features, but receives 9 (9)" in error.message
    assert parse_understood("maxpool | nn.Linear(4, 3)", (9,)).error is None, "it does not fit"


def test_windows_that_do_not_tile_are_rounded_down_as_there() -> None:
    found = parse_understood("nn.Conv2d(3, 4, 2, 3) nn.MaxPool2d(2)", (3, 9, 9))
    assert to_quick(found.layers) == "conv 4 2x2 s3 floor | maxpool 2x2 floor"
    assert to_quick(parse_understood("nn.Conv2d(3, 4, 2, 3)").layers) == "conv 4 2x2 s3"
    assert to_quick(parse_understood("nn.Conv2d(3, 4, 3, 3)", (3, 9, 9)).layers) == "conv 4 3x3 s3"


@pytest.mark.parametrize(("depth", "layers"), [(8, "relu"), (9, "")])
def test_how_deep_calls_may_hold_others(depth: int, layers: str) -> None:
    text = "nn.Sequential(" * depth + "nn.ReLU()" + ")" * depth
    found = parse_understood(text)
    assert (to_quick(found.layers), found.error is None) == (layers, bool(layers))
