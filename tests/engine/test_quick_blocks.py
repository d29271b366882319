"""Blocks of well-known networks: which shortcut they get, and by which number they grow."""

from __future__ import annotations

import pytest

from cnn_tui.engine.shapes import Shape
from cnn_tui.engine.specs.layers import Residual
from cnn_tui.engine.specs.quick.parse import parse_understood


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
