"""How an architecture file is laid out: few layers a line, blocks like a tree, no defaults."""

from __future__ import annotations

import pytest

from cnn_tui.engine.specs.codec import dumps_network, loads_network, toml_value
from cnn_tui.engine.specs.layers import FC, Conv, MaxPool, ReLU, Residual, Tanh
from cnn_tui.engine.specs.network import SVM, Network, Recipe
from cnn_tui.engine.specs.quick.parse import parse_quick

LAYOUTS = """
relu | conv 2 | relu | fc 2 | relu
  { type = "relu" },
  { type = "conv", out_channels = 2, kernel_size = 3 }, { type = "relu" },
  { type = "fc", out_features = 2 }, { type = "relu" },

parallel { conv 2 1x1 | relu | conv 3 | relu | conv 4 | relu } { } { res { relu } proj | relu } add
  { type = "parallel", merge = "add", branches = [
    [{ type = "conv", out_channels = 2, kernel_size = 1 }, { type = "relu" },
     { type = "conv", out_channels = 3, kernel_size = 3 }, { type = "relu" },
     { type = "conv", out_channels = 4, kernel_size = 3 }, { type = "relu" }],
    [], [{ type = "residual", shortcut = "projection", branch = [
       { type = "relu" },
     ] }, { type = "relu" }],
  ] },

parallel { relu } { repeat 2 { conv 2 | maxpool | maxpool } } { tanh }
  { type = "parallel", branches = [
    [{ type = "relu" }], [{ type = "repeat", layers = [
       { type = "conv", out_channels = 2, kernel_size = 3 }, { type = "maxpool", kernel_size = 2 },
       { type = "maxpool", kernel_size = 2 },
     ] }],
    [{ type = "tanh" }],
  ] },

res { res { } { relu } } { relu | repeat 3 { } }
  { type = "residual", branch = [
    { type = "residual", branch = [], shortcut = [
      { type = "relu" },
    ] },
  ], shortcut = [
    { type = "relu" }, { type = "repeat", times = 3, layers = [] },
  ] },

repeat 2 { res { relu } { tanh } | relu }
  { type = "repeat", layers = [
    { type = "residual", branch = [
      { type = "relu" },
    ], shortcut = [
      { type = "tanh" },
    ] }, { type = "relu" },
  ] },

repeat 2 { relu | conv 2 | relu | res { conv 2 } | relu | maxpool | fc 3 }
  { type = "repeat", layers = [
    { type = "relu" }, { type = "conv", out_channels = 2, kernel_size = 3 }, { type = "relu" },
    { type = "residual", branch = [
      { type = "conv", out_channels = 2, kernel_size = 3 },
    ] }, { type = "relu" },
    { type = "maxpool", kernel_size = 2 }, { type = "fc", out_features = 3 },
  ] },
"""


@pytest.mark.parametrize("case", LAYOUTS.strip().split("\n\n"))
def test_layers_are_laid_out_like_a_tree(case: str) -> None:
    line, _, expected = case.partition("\n")
    network = Network(layers=parse_quick(line))
    assert dumps_network(network).partition("layers = ")[2] == f"[\n{expected}\n]\n"
    assert loads_network(dumps_network(network), "text") == network


def test_layers_of_a_block_share_a_line_of_up_to_120_columns() -> None:
    def width(size: int) -> int:
        inner = (Conv(name="a" * size, out_channels=1), MaxPool())
        return max(map(len, dumps_network(Network(layers=(Residual(branch=inner),))).splitlines()))

    widths = [width(size) for size in range(1, 45)]
    assert max(widths) == 120 and min(widths[20:]) < 100, "and then one each"


def test_a_loss_and_a_recipe_follow_where_they_differ_from_the_default() -> None:
    text = dumps_network(Network(layers=(Tanh(),), loss=SVM(), training=Recipe(epochs=2)))
    assert text.endswith(']\n\n[loss]\ntype = "svm"\n\n[training]\nepochs = 2\n')
    assert "[" not in dumps_network(Network()).partition("layers = []")[2]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        (0.5, "0.5"),
        (True, "true"),
        ((1, (2, False)), "[1, [2, false]]"),
        ('ü "\x7f\n', '"ü \\"\\u007f\\n"'),
    ],
)
def test_values(value: object, text: str) -> None:
    assert toml_value(value) == text


def test_layout():
    network = Network(
        name="small",
        input=(1, 28, 28),
        layers=(
            Conv(out_channels=6, kernel_size=(5, 5), padding="same", name="first"),
            Residual(
                branch=(Conv(out_channels=6, kernel_size=(3, 5)), ReLU()), shortcut="zero-pad"
            ),
            FC(out_features=10),
        ),
        training=Recipe(lr=0.1, betas=(0.5, 0.5)),
    )
    assert (
        dumps_network(network)
        == """\
name = "small"
input = [1, 28, 28]
data = "digits"
layers = [
  { type = "conv", name = "first", out_channels = 6, kernel_size = 5, padding = "same" },
  { type = "residual", shortcut = "zero-pad", branch = [
    { type = "conv", out_channels = 6, kernel_size = [3, 5] }, { type = "relu" },
  ] },
  { type = "fc", out_features = 10 },
]

[training]
lr = 0.1
betas = [0.5, 0.5]
"""
    )


def test_equal_sizes_are_one_number():
    network = Network(layers=(MaxPool(kernel_size=(2, 2), stride=(2, 1)),))
    back = loads_network(dumps_network(network), "net.toml")
    assert back.layers == (MaxPool(kernel_size=2, stride=(2, 1)),)


def test_a_pair_that_is_the_default_is_left_out():
    network = Network(layers=(MaxPool(padding=(0, 0)), FC(out_features=2)))
    text = dumps_network(network)
    assert "padding" not in text
    assert dumps_network(loads_network(text, "text")) == text


def test_files_are_indented_like_a_tree_and_short_lists_share_a_line() -> None:
    line = "parallel { conv 2 1x1 | relu } { } | res { relu } { } | repeat 2 { relu }"
    text = dumps_network(Network(layers=parse_quick(line)))
    assert text.partition("layers = ")[2] == (
        "[\n"
        '  { type = "parallel", branches = [\n'
        '    [{ type = "conv", out_channels = 2, kernel_size = 1 }, { type = "relu" }], [],\n'
        "  ] },\n"
        '  { type = "residual", branch = [\n'
        '    { type = "relu" },\n'
        "  ], shortcut = [] },\n"
        '  { type = "repeat", layers = [\n'
        '    { type = "relu" },\n'
        "  ] },\n"
        "]\n"
    )
