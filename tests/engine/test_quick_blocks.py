"""Blocks of well-known networks: which shortcut they get, and by which number they grow."""

from __future__ import annotations

import pytest

from cnn_tui.engine.shapes import Shape
from cnn_tui.engine.specs.layers import Residual
from cnn_tui.engine.specs.quick.parse import parse_quick, parse_understood


@pytest.mark.parametrize(
    ("text", "shape", "shortcut"),
    [
        ("basicblock 64", (64, 8, 8), ("identity", 1)),
        ("basicblock 1", (1, 8, 8), ("identity", 1)),
        ("basicblock 64", None, ("identity", 1)),
        ("basicblock 64 s2", (64, 8, 8), ("projection", 2)),
        ("basicblock 64 s2", None, ("projection", 2)),
        ("basicblock 64", (32, 8, 8), ("projection", 1)),
        ("basicblock 64", (96, 8, 8), ("projection", 1)),
        ("basicblock 64 proj", (64, 8, 8), ("projection", 1)),
        ("bottleneck 16", (64, 8, 8), ("identity", 1)),
        ("bottleneck 16", (16, 8, 8), ("projection", 1)),
    ],
)
def test_a_block_gets_a_projection_where_its_input_does_not_fit(
    text: str, shape: Shape | None, shortcut: tuple[str, int]
) -> None:
    block, _ = parse_understood(text, shape).layers
    assert isinstance(block, Residual)
    assert (block.shortcut, block.stride) == shortcut


def test_what_is_inside_a_block_is_no_layer_of_the_line() -> None:
    line = "res { conv 8 3x3 p1 | nn.Conv2d(8, 3, 1) } | fc 3"
    found = parse_understood(line, (3, 8, 8))
    assert (found.layers, found.error) == (parse_quick(line), None)


def test_after_a_block_the_bar_may_be_left_out() -> None:
    assert parse_quick("fire 16 64 relu") == parse_quick("fire 16 64 | relu")
