"""Blocks in Build: layers that move across the ends of lists, are wrapped and unwrapped."""

from __future__ import annotations

import pytest
from blocks_built import MODULE, NETWORK, built, conv, line

from cnn_tui.engine.specs.layers import (
    Conv,
    Layer,
    Parallel,
    ReLU,
    Repeat,
    Residual,
)


def test_layers_move_across_the_ends_of_their_lists() -> None:
    made = built()
    made.find("1")
    seen = []
    for _ in range(8):
        made.move(1)
        seen.append(made.row.key)
    # Over the equal layer 1b.2 in one step.
    assert seen == ["1.1", "1.2", "1b.1", "1b.2", "1b.4", "1c.1", "2", "3"]
    for _ in range(8):
        made.move(-1)
    assert made.network == NETWORK


def test_a_folded_block_is_jumped_over() -> None:
    made = built()
    made.fold_all()
    made.find("1")
    made.move(1)
    assert made.row.key == "2"
    assert isinstance(made.network.layers[0], Parallel)


def test_several_layers_move_together_out_of_a_block() -> None:
    made = built()
    made.find("2b.2")
    made.select(made.cursor + 1, extend=True)
    assert made.selected == MODULE.branches[1][1:]
    made.move(1)
    assert made.selected == MODULE.branches[1][1:]
    assert made.network.layers[1].branches[2] == MODULE.branches[1][1:]
    made.move(-1)
    assert made.network == NETWORK


def test_a_selection_over_two_branches_is_the_block() -> None:
    made = built()
    made.find("2.1")
    made.select(made.cursor + 1, extend=True)
    assert made.selected == (MODULE,)
    made.find("2b.3")
    made.select(made.cursor + 1, extend=True)
    assert made.selected == (MODULE,)


@pytest.mark.parametrize(
    ("kind", "block"),
    [
        ("residual", Residual(branch=(conv(4), ReLU()))),
        ("parallel", Parallel(branches=((conv(4), ReLU()), ()))),
        ("repeat", Repeat(layers=(conv(4), ReLU()))),
    ],
)
def test_layers_are_wrapped_and_unwrapped(kind: str, block: Layer) -> None:
    made = built(conv(4), ReLU(), Repeat(layers=(conv(4), ReLU())))
    before = made.network
    made.find("3.1")
    made.select(made.cursor + 1, extend=True)
    made.wrap(kind)
    assert made.row.key == "3.1"
    assert made.network.layers[2] == Repeat(layers=(block,))
    made.unwrap()
    assert made.network == before
    assert made.row.key == "3.1"


def test_the_heading_of_a_branch_stands_for_its_layers() -> None:
    made = built()
    made.find("2b.")
    assert made.selected == MODULE.branches[1]
    made.wrap("residual")
    assert made.row.key == "2b.1"
    assert made.network.layers[1].branches[1] == (Residual(branch=MODULE.branches[1]),)
    made.undo()
    made.find("2c.")
    assert made.selected == ()


def test_repeated_layers_are_written_out() -> None:
    made = built(Repeat(layers=(Conv(out_channels=3, kernel_size=1, name="mix"), ReLU()), times=3))
    made.find("1")
    params = made.report.total_params
    made.unwrap(copies=True)
    assert line(made) == "conv 3 1x1 as mix | relu | conv 3 1x1 | relu | conv 3 1x1 | relu"
    assert made.report.total_params == params
