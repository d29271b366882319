"""Blocks in Build: the tree, folding, and branches that are added, filled and mended."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from blocks_built import MODULE, NETWORK, built, conv, keys, row
from driving import text, type_in

from cnn_tui.engine.specs.layers import (
    BatchNorm,
    Conv,
    Layer,
    Parallel,
    ReLU,
    Repeat,
    Residual,
    Sigmoid,
    Tanh,
)
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.building.advice import explanation_for, notes_for
from cnn_tui.tui.building.block_lines import block_lines
from cnn_tui.tui.building.builder import Builder
from cnn_tui.tui.rows import Line

MakeApp = Callable[..., CnnTuiApp]


def test_the_tree_of_branches_shows_what_is_added_up() -> None:
    made = built()
    assert keys(made) == ["1", "2", "2.", "2.1", "2b.", "2b.1", "2b.2", "2b.3", "2c.", "3"]
    assert row(made, "2").settings == "concat 8+16+3"
    assert [row(made, key).output for key in ("2.", "2b.", "2c.", "2")] == [
        *("8x8x8", "16x8x8", "3x8x8", "27x8x8")
    ]
    assert [row(made, key).guide for key in ("2.", "2.1", "2c.")] == ["├", "│", "└"]
    assert row(made, "2b.").params == row(made, "2b.1").params + row(made, "2b.3").params
    assert row(made, "2c.").settings == "identity"
    assert row(made, "2").receptive_field == 3
    made.find("2b.")
    notes = notes_for(made.network, made.row)
    assert "8+16+3" in explanation_for(made.network, made.report, made.row, notes)[0].replace(
        " ", ""
    )


def test_a_block_folds_and_stays_folded() -> None:
    made = built()
    made.find("2b.2")
    assert made.fold()
    assert made.row.key == "2b."
    assert made.fold()
    assert made.row.key == "2"
    assert made.fold()
    assert keys(made) == ["1", "2", "3"]
    made.set_field("merge", "add")
    made.find("1")
    made.duplicate()
    assert keys(made) == ["1", "2", "3", "4"]
    made.undo()
    made.undo()
    assert keys(made) == ["1", "2", "3"]
    made.find("2")
    assert made.unfold()
    assert len(keys(made)) == 10
    assert made.unfold()
    assert made.row.key == "2."
    made.find("1")
    assert not made.fold()
    assert not made.unfold()


def test_what_an_edit_changes_is_unfolded() -> None:
    made = built()
    made.find("2b.3")
    made.set_field("out_channels", 5)
    made.fold_all()
    assert keys(made) == ["1", "2", "3"]
    made.undo()
    assert made.row.key == "2b.3"
    made.fold_all()
    assert keys(made) == ["1", "2", "3"]
    made.fold_all()
    assert len(keys(made)) == 10


def test_a_long_network_opens_folded() -> None:
    made = built(*[Repeat(layers=(conv(3),) * 5)] * 30)
    assert len(keys(made)) == 30
    made.find("7.2")
    assert made.row.key == "7.2"


def test_layers_go_into_an_empty_branch() -> None:
    made = built()
    made.find("2c.")
    assert made.source() == "in branch c of layer 2"
    made.insert("relu", 10)
    made.insert_all((Tanh(), Sigmoid()))
    assert made.row.key == "2c.3"
    assert made.network.layers[1].branches[2] == (ReLU(), Tanh(), Sigmoid())
    for _ in range(3):
        made.remove()
    assert made.row.key == "2c."
    assert made.network == NETWORK


@pytest.mark.parametrize("empty", [Residual(branch=()), Repeat(layers=())])
def test_an_empty_block_has_a_row_to_fill_it_from(empty: Layer) -> None:
    made = built(empty)
    made.find("1.")
    assert (made.row.settings, made.row.broken) == ("empty", True)
    made.insert("relu", 10)
    assert keys(made)[:2] == ["1", "1.1"]
    assert made.report.valid is not None
    made.remove()
    assert made.row.key == "1."


def test_branches_are_added_removed_copied_and_moved() -> None:
    made = built()
    made.find("2b.1")
    made.add_branch()
    assert made.row.key == "2c."
    assert len(made.network.layers[1].branches) == 4
    made.remove()
    assert made.network == NETWORK
    made.find("2b.")
    made.duplicate()
    assert made.row.key == "2c."
    assert made.network.layers[1].branches[1] == made.network.layers[1].branches[2]
    made.undo()
    made.find("2b.")
    made.move(-1)
    assert made.row.key == "2."
    assert made.network.layers[1].branches == (MODULE.branches[1], MODULE.branches[0], ())
    for left in (2, 1, 1):
        made.remove()
        assert len(made.network.layers[1].branches) == left
    made.find("2")
    made.add_branch()
    assert made.row.key == "2b."


def test_a_shortcut_is_written_out_and_taken_back() -> None:
    made = built(conv(8), Residual(branch=(conv(16),), shortcut="projection"))
    before = made.report.total_params
    made.find("2.1")
    made.add_branch()
    assert made.row.key == "2b."
    assert made.network.layers[1].shortcut == (
        Conv(out_channels=16, kernel_size=1, bias=False, rounding="floor"),
        BatchNorm(),
    )
    assert (made.report.total_params, made.row.output) == (before, "16x8x8")
    notes = notes_for(made.network, made.row)
    said = explanation_for(made.network, made.report, made.row, notes)
    assert said[-1] == "equal shapes: added"
    made.remove()
    assert made.network.layers[1].shortcut == "identity"


def test_a_branch_of_another_size_is_marked_and_mended() -> None:
    made = built(Parallel(branches=((conv(8),), (Conv(out_channels=8, kernel_size=3),), ())))
    assert [row(made, key).has_issue for key in ("1.", "1b.", "1c.")] == [False, True, False]
    assert row(made, "1").broken
    made.fold_all()
    assert row(made, "1").has_issue
    made.fix(made.report.issues[0].fixes[0])
    assert made.row.key == "1b.1"
    assert row(made, "1").output == "19x8x8"


def test_branches_that_are_added_take_the_width_of_the_identity() -> None:
    made = built(conv(16), Parallel(branches=((conv(8, 1),), (), (conv(12, 1),)), merge="add"))
    assert [row(made, key).has_issue for key in ("2.", "2b.", "2c.")].count(True) == 2
    made.fix(made.report.issues[0].fixes[0])
    assert made.report.layers[1].output == [16, 8, 8]


def test_a_fault_inside_a_folded_block_is_marked_on_the_block() -> None:
    made = built(Repeat(layers=(Conv(out_channels=4, kernel_size=3, stride=2),)), ReLU())
    assert row(made, "1.1").has_issue
    assert not row(made, "1").has_issue
    made.fold_all()
    assert row(made, "1").has_issue


def test_a_block_with_a_wrong_value_keeps_its_rows() -> None:
    made = built(Repeat(layers=(conv(4), ReLU()), times=0))
    assert keys(made) == ["1", "1.1", "1.2"]
    assert row(made, "1.1").broken


@pytest.mark.slow
async def test_the_keys_of_blocks(make_app: MakeApp) -> None:
    app = make_app(NETWORK)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", "down", "left")
        assert "▸parallel" in text(app, "#layers")
        assert "right shows them" in text(app, "#doctor")
        await pilot.press("right")
        assert "▾parallel" in text(app, "#layers")
        assert "├a 1 layer" in " ".join(text(app, "#layers").split())
        await pilot.press("B")
        assert app.builder.row.key == "2d."
        await pilot.press("slash")
        await type_in(pilot, "conv 4 1x1 | relu")
        await pilot.press("enter")
        assert app.builder.row.key == "2d.2"
        assert "concat" in text(app, "#layers") or "8+16+3+4" in text(app, "#layers")
        await pilot.press("shift+up", "w")
        await type_in(pilot, "res")
        await pilot.press("enter")
        assert app.builder.row.key == "2d.1"
        assert isinstance(app.builder.network.layers[1].branches[3][0], Residual)
        await pilot.press("w")
        await type_in(pilot, "unwrap")
        await pilot.press("enter", "f")
        assert len(app.builder.rows) == 6
        await pilot.press("f", "home", "w")
        await pilot.pause()
        assert app.builder.network.layers[1].branches[3] == (conv(4, 1), ReLU())


@pytest.mark.slow
async def test_a_click_on_the_mark_folds(make_app: MakeApp) -> None:
    app = make_app(NETWORK)
    async with app.run_test(size=(80, 24)) as pilot:
        for folded, mark in ((True, "▾"), (False, "▸")):
            line = text(app, "#layers").splitlines()[3]
            await pilot.click("#layers", offset=(line.index(mark), 3))
            await pilot.pause()
            assert app.builder.row.folded is folded
            assert len(app.builder.rows) == (6 if folded else 13)


def test_a_block_is_drawn_with_each_of_its_branches() -> None:
    made = built()
    lines = ["".join(text for text, _ in line) for line in drawn(made, (1,))]
    assert [line.split() for line in lines] == [
        ["in", "3x8x8"],
        ["├a", "1x1", "8x8x8"],
        ["├b", "1x1,", "3x3", "16x8x8"],
        ["├c", "identity", "3x8x8"],
        ["└", "concat", "27x8x8"],
    ]
    made = built(Repeat(layers=(Residual(branch=(conv(3), ReLU())),), times=4), Sigmoid())
    lines = ["".join(text for text, _ in line) for line in drawn(made, (0, 0, 0))]
    assert lines[2].strip() == "├+ identity"
    assert lines[3].split() == ["└", "add", "3x8x8"]
    assert "4 times" in "".join(text for line in drawn(made, (0,)) for text, _ in line)


def drawn(made: Builder, path: tuple[int, ...]) -> list[Line]:
    return block_lines(made.network, made.report, path, 34, 10)


@pytest.mark.slow
async def test_the_picture_of_volumes_goes_from_block_to_block(make_app: MakeApp) -> None:
    app = make_app(NETWORK)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("v", "right", "right", "right")
        assert app.builder.row.key == "3"
        await pilot.press("left")
        assert app.builder.row.key == "2"
        assert "27x8x8" in text(app, "#picture")
