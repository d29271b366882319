"""Quick entry: what is typed, what it means, where it goes wrong, and the way back."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from networks import networks

from cnn_tui.engine.errors import EntryError
from cnn_tui.engine.specs.inside import lists_in, with_lists
from cnn_tui.engine.specs.layers import (
    FC,
    LAYER_TYPES,
    LRN,
    AvgPool,
    BatchNorm,
    Conv,
    Dropout,
    GlobalAvgPool,
    Layer,
    LeakyReLU,
    MaxPool,
    ReLU,
    Residual,
    Sigmoid,
    Tanh,
)
from cnn_tui.engine.specs.network import MAX_FILE_BYTES, MAX_LAYERS, MAX_NESTING
from cnn_tui.engine.specs.presets import load_preset, preset_names
from cnn_tui.engine.specs.quick.complete import complete
from cnn_tui.engine.specs.quick.named_blocks import BLOCK_WORDS
from cnn_tui.engine.specs.quick.parse import parse_quick
from cnn_tui.engine.specs.quick.vocabulary import by_word, kind_named
from cnn_tui.engine.specs.quick.write import to_quick

SAME = Conv(out_channels=16, padding="same")


@pytest.mark.parametrize(
    "line",
    [
        "conv 32 3x3 pad same | relu | pool 2 | fc 10",
        "conv2d 32 k3 same | relu | maxpool2d 2 | linear 10",
        "c32 3x3 same | r | mp2 | dense 10",
    ],
)
def test_the_line_of_the_notes(line: str) -> None:
    assert parse_quick(line) == (
        Conv(out_channels=32, kernel_size=3, padding="same"),
        ReLU(),
        MaxPool(kernel_size=2),
        FC(out_features=10),
    )


@pytest.mark.parametrize(
    ("text", "layer"),
    [
        ("conv 16", Conv(out_channels=16)),
        ("CONV 16 5", Conv(out_channels=16, kernel_size=5)),
        ("conv 5x5 16", Conv(out_channels=16, kernel_size=5)),
        ("conv16 5x3", Conv(out_channels=16, kernel_size=(5, 3))),
        ("conv 16 5×3", Conv(out_channels=16, kernel_size=(5, 3))),
        ("conv 16 stride=2, pad=1", Conv(out_channels=16, stride=2, padding=1)),
        ("conv 16 s2 p1 d2 g4", Conv(out_channels=16, stride=2, padding=1, dilation=2, groups=4)),
        ("conv 16 s2x1 p0x2", Conv(out_channels=16, stride=(2, 1), padding=(0, 2))),
        ("conv 16 stride 2x1", Conv(out_channels=16, stride=(2, 1))),
        ("conv 16 same nobias floor",
         Conv(out_channels=16, padding="same", bias=False, rounding="floor")),
        ("conv 16 no bias", Conv(out_channels=16, bias=False)),
        ("conv filters 16 kernel 5 as stem", Conv(out_channels=16, kernel_size=5, name="stem")),
        ("conv 16 name=3x3", Conv(out_channels=16, name="3x3")),
        ("pool", MaxPool()),
        ("pool2", MaxPool()),
        ("maxpool 3x3 s2", MaxPool(kernel_size=3, stride=2)),
        ("max 3 2", MaxPool(kernel_size=3, stride=2)),
        ("avgpool 2", AvgPool()),
        ("avg 3 s1 p1 floor", AvgPool(kernel_size=3, stride=1, padding=1, rounding="floor")),
        ("gap", GlobalAvgPool()),
        ("global_avgpool", GlobalAvgPool()),
        ("fc 10", FC(out_features=10)),
        ("linear 10 nobias", FC(out_features=10, bias=False)),
        ("relu as r1", ReLU(name="r1")),
        ("lrelu 0.1", LeakyReLU(negative_slope=0.1)),
        ("leaky", LeakyReLU()),
        ("sigmoid", Sigmoid()),
        ("tanh", Tanh()),
        ("drop 0.5", Dropout()),
        ("dropout .25", Dropout(p=0.25)),
        ("drop p0.3", Dropout(p=0.3)),
        ("bn", BatchNorm()),
        ("batchnorm eps 1e-3 momentum 1", BatchNorm(eps=1e-3, momentum=1.0)),
        ("lrn 5 alpha 1e-4 beta 0.5 k 1", LRN(beta=0.5, k=1.0)),
        ("res { conv 16 pad same } proj s2",
         Residual(branch=(SAME,), shortcut="projection", stride=2)),
        ("res zero s2 {conv 16 same}", Residual(branch=(SAME,), shortcut="zero-pad", stride=2)),
        ("residual { res { } }", Residual(branch=(Residual(branch=()),))),
    ],
)  # fmt: skip
def test_every_kind_of_layer_in_its_short_forms(text: str, layer: Layer):
    assert parse_quick(text) == (layer,)


@pytest.mark.parametrize(
    "text",
    [
        "conv 16 | relu | fc 10",
        "conv 16 relu fc 10",
        "c16 r f10",
        "conv 16 -> relu → fc 10",
        "conv 16->relu->fc 10",
        "| conv 16 || relu\n| fc 10 |",
    ],
)
def test_bars_may_be_arrows_or_left_out(text: str):
    assert parse_quick(text) == (Conv(out_channels=16), ReLU(), FC(out_features=10))


def test_nothing_is_no_layers():
    assert parse_quick("") == parse_quick(" | ") == ()
    assert to_quick(()) == ""


def test_alexnet_is_typed_in_less_than_100_keys():
    text = "c96 11 s4 r m3 s2 c256 5 p2 r m3 s2 c384 p1 r c384 p1 r c256 p1 r m3 s2 f4096 r f4096 r"
    plain = tuple(one for one in load_preset("alexnet").layers if not isinstance(one, Dropout))
    assert parse_quick(f"{text} f1000") == plain


@pytest.mark.parametrize(
    ("marked", "words"),
    [
        ("conv 16 | <convv> 3", ("convv", "Did you mean conv?")),
        ("<conv>", ("conv needs the number of filters", "conv 32 3x3")),
        ("relu | <fc>", ("number of outputs",)),
        ("<res> proj", ("the branch in braces",)),
        ("conv <0>", ("number of filters", "1 to 65536")),
        ("fc 10 | conv 16 s<0> relu", ("Stride", "from 1 to 1024")),
        ("conv 16 stride <wide>", ("Stride", "wide")),
        ("conv 16 <3x3x3>", ("Kernel size", "such as 5x3")),
        ("conv 16 <pad>", ("pad needs a value",)),
        ("conv 16 <pad> | relu", ("pad needs a value",)),
        ("conv 16 s2 <stride> 3", ("Stride is given twice",)),
        ("conv 16 3 <5> 7", ("conv takes no further value: '5'",)),
        ("conv 16 <krnel> 3", ("Did you mean kernel?",)),
        ("drop <1>", ("probability", "below 1")),
        ("lrelu <nan>", ("leaky_relu has no setting 'nan'",)),
        ("fc <99999999999999999999999999>", ("65536",)),
        ("conv 3 <{> relu }", ("residual",)),
        ("res <{> conv 3", ("never closed",)),
        ("res { relu } { relu } <{> relu }", ("residual takes no further layers",)),
        ("res { relu } proj <{> relu }", ("The shortcut is given twice",)),
        ("repeat 2 { relu } <{> relu }", ("repeat takes no further layers",)),
        ("<parallel> concat", ("the branches, each in braces",)),
        ("relu <}>", ("no matching {",)),
        ("relu <$> fc 10", ("no meaning",)),
        ("fc 10 | <softmax> | relu", ("loss",)),
        ("<fire> 16", ("fire takes 2 numbers", "fire 16 64")),
        ("<fire> 16 64 3", ("fire takes 2 numbers.", "fire 16 64")),
        ("<fire> 16 64 s2", ("fire takes 2 numbers.", "fire 16 64")),
        ("<basicblock> 0", ("basicblock takes a number and a stride.",)),
        ("relu <3>", ("relu takes no further value: '3'", "Example: relu.")),
        ("<denselayer> 8 s2", ("takes a number.",)),
        ("relu | <Conv2d(3, n, 3)>", ("Conv2d has the argument n, which is not a literal",)),
        ("<Conv2d(3, 8, 0)>", ("has a wrong kernel_size",)),
        ("<nn.Conv2d(3)>", ("lacks its argument out_channels",)),
        ("<Conv2d(3, 8, 3, colour=1)>", ("unsupported argument colour",)),
        ("<Conv2d(3, 8, 3, padding_mode='circular')>", ("padding_mode",)),
        ("<nn.Convv2d(3, 8)>", ("has no counterpart here", "Did you mean")),
        ("<Dense(3, activation='mish')>", ("has the activation 'mish'",)),
        ("<f(1 2)>", ("no call of PyTorch or Keras",)),
        ("Dense(3)(x)<(>y)", ("has no meaning",)),
        ("<nn.Softmax(1)> relu", ("belongs at the end",)),
        ("relu as a</>b", ("no meaning",)),
        ("pool 2 <same>", ("pool has no setting",)),
    ],
)
def test_an_error_says_what_and_where(marked: str, words: tuple[str, ...]):
    before, under, after = re.split("[<>]", marked)
    with pytest.raises(EntryError) as caught:
        parse_quick(before + under + after)
    error = caught.value
    assert (error.column, error.width) == (len(before), len(under))
    assert all(word in str(error) for word in words)
    assert "\n" not in str(error)


@pytest.mark.parametrize("name", preset_names())
def test_presets_survive_the_way_there_and_back(name: str):
    layers = load_preset(name).layers
    assert parse_quick(to_quick(layers)) == layers


def one_number(layer: Layer) -> Layer:
    """Sizes of two equal numbers as one, as the line has them."""
    sizes = {}
    for field in ("kernel_size", "stride", "padding", "dilation", "output_size"):
        value = getattr(layer, field, None)
        if isinstance(value, tuple) and len(set(value)) == 1:
            sizes[field] = value[0]
    layer = with_lists(layer, [tuple(map(one_number, inner)) for inner in lists_in(layer)])
    return msgspec.structs.replace(layer, **sizes)


@given(networks())
def test_any_layers_survive_the_way_there_and_back(network):
    line = to_quick(network.layers)
    layers = parse_quick(line)
    assert layers == tuple(map(one_number, network.layers))
    assert to_quick(layers) == line


def test_too_much_is_refused():
    assert len(parse_quick("relu " * MAX_LAYERS)) == MAX_LAYERS
    deepest = "res {" * MAX_NESTING + "}" * MAX_NESTING
    assert len(parse_quick(deepest)) == 1
    for text in (
        "relu " * (MAX_LAYERS + 1),
        "r|" * 10**6,
        "9" * 10**6,
        "res { " * (MAX_NESTING + 1) + "}" * (MAX_NESTING + 1),
        "{" * 10**5,
        " " * (MAX_FILE_BYTES + 1),
    ):
        with pytest.raises(EntryError) as caught:
            parse_quick(text)
        assert len(str(caught.value)) < 300


_WORDS = sorted(
    {word for kind in LAYER_TYPES.values() for word in (*kind.info.words, *by_word(kind))}
)
_CALLS = ("Conv2d(3, 8, 3)", "Dense(3, 'relu')", "Conv2d(", "x = nn.ReLU()", "softmax", "(0):", ")")
TYPED = st.lists(
    st.sampled_from(
        [
            *_WORDS,
            *_CALLS,
            *BLOCK_WORDS,
            *"|{}=,0x->.",
            "3x3",
            "1e9",
            "16",
            "s2",
            "→",
            "\x1b[2J",
            "no bias",
        ]
    ),
    max_size=12,
).map(" ".join)


@given(st.text() | TYPED | st.binary().map(lambda data: data.decode("latin-1")))
@example("\x00" * 100)
@example("conv ١٢")
@example("conv 1_0")
def test_nothing_typed_raises_anything_else(text: str):
    try:
        layers = parse_quick(text)
    except EntryError as error:
        assert 0 <= error.column <= error.column + error.width <= len(text)
        assert str(error).isprintable()
    else:
        assert parse_quick(to_quick(layers)) == layers


@given(st.text() | TYPED, st.integers(-3, 60))
def test_completions_never_raise_and_replace_the_word_at_the_cursor(text: str, cursor: int):
    for one in complete(text, cursor):
        assert 0 <= one.start <= one.end <= len(text)
        kind, typed = kind_named(one.text), text[one.start : one.end].lower()
        names = (*(kind.info.words if kind else ()), one.text)
        assert any(name.startswith(typed) for name in names)
