"""Edits, history and arithmetic of the builder, without a screen."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted import SMALL

from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.codec import dumps_network
from cnn_tui.engine.specs.inside import walk_layers
from cnn_tui.engine.specs.layers import (
    FC,
    LAYER_TYPES,
    BatchNorm,
    Conv,
    MaxPool,
    ReLU,
    Residual,
)
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.places import layer_at
from cnn_tui.tui.building import edits
from cnn_tui.tui.building.advice import explanation_for, notes_for
from cnn_tui.tui.building.builder import Builder
from cnn_tui.tui.building.document import Document

NESTED = Network(
    name="nested",
    layers=(
        Conv(out_channels=8, kernel_size=3, padding=1),
        Residual(branch=(Conv(out_channels=8, kernel_size=3, padding=1), ReLU())),
        FC(out_features=10),
    ),
)


def builder(network: Network = SMALL) -> Builder:
    return Builder(Document(network))


def kinds(network: Network) -> list[str]:
    return [type(layer).__name__ for _, layer in walk_layers(network.layers)]


def test_edits_at_the_top_and_inside_a_block() -> None:
    assert kinds(edits.insert(NESTED, (0,), ReLU()))[:2] == ["ReLU", "Conv"]
    assert kinds(edits.insert(NESTED, (3,), ReLU()))[-1] == "ReLU"
    assert kinds(edits.insert(NESTED, (1, 0, 1), BatchNorm()))[3] == "BatchNorm"
    assert kinds(edits.remove(NESTED, (1, 0, 0))) == ["Conv", "Residual", "ReLU", "FC"]
    assert kinds(edits.remove(NESTED, (1,))) == ["Conv", "FC"]
    assert layer_at(edits.replace(NESTED, (1, 0, 1), MaxPool()), (1, 0, 1)) == MaxPool()


def test_a_move_goes_as_far_as_the_network() -> None:
    moved, path = edits.move(NESTED, (0,), 1)
    assert (kinds(moved)[:2], path) == (["Residual", "Conv"], (1,))
    assert edits.move(NESTED, (0,), -1) == (NESTED, (0,))
    assert edits.move(NESTED, (2,), 5) == (NESTED, (2,))


def test_a_copy_has_no_name() -> None:
    named = edits.replace(NESTED, (2,), FC(out_features=10, name="scores"))
    copied = edits.duplicate(named, (2,))
    assert copied.layers[3] == FC(out_features=10)


def test_there_is_nothing_inside_a_plain_layer() -> None:
    with pytest.raises(IndexError):
        layer_at(NESTED, (0, 0))


@given(st.lists(st.integers(0, 5), max_size=30))
def test_undo_leads_back_to_the_same_bytes(steps: list[int]) -> None:
    made = builder(NESTED)
    before = [dumps_network(made.network)]
    for number, step in enumerate(steps):
        made.select(number % len(made.rows))
        act(made, step)
        if dumps_network(made.network) != before[-1]:
            before.append(dumps_network(made.network))
    after = list(before)
    while made.undo():
        before.pop()
        assert dumps_network(made.network) == before[-1]
    assert len(before) == 1
    while made.redo():
        before.append(dumps_network(made.network))
    assert before == after


def act(made: Builder, step: int) -> None:
    actions = (
        lambda: made.insert("conv", 10),
        lambda: made.insert("residual", 10),
        made.remove,
        made.duplicate,
        lambda: made.move(1),
        lambda: made.move(-1),
    )
    actions[step]()


def test_typing_a_number_is_one_step_of_undo() -> None:
    made = builder()
    made.find("1")
    for value in (1, 12, 128):
        made.set_field("out_channels", value)
    assert made.undo()
    assert made.network == SMALL
    assert not made.undo()


def test_undo_leads_the_eye_to_what_it_undid() -> None:
    made = builder()
    made.find("4")
    made.set_field("out_features", 11)
    made.find("0")
    made.undo()
    assert made.row.key == "4"


def test_undo_leads_back_to_the_row_of_which_copies_were_made() -> None:
    made = builder()
    for key in ("1", "2"):
        made.find(key)
        made.duplicate()
        assert made.row.key == str(int(key) + 1)
        assert made.undo() and made.row.key == key
        assert made.redo() and made.row.key == str(int(key) + 1)
        made.undo()


def test_an_edit_after_undo_drops_the_redo() -> None:
    made = builder()
    made.find("1")
    made.duplicate()
    made.undo()
    made.remove()
    assert not made.redo()


def test_dirty_is_what_no_file_holds() -> None:
    document = Document(SMALL)
    assert not document.dirty
    document.edit(NESTED, "input")
    assert document.dirty
    document.undo()
    assert not document.dirty
    document.open(NESTED, None)
    assert not document.dirty
    assert document.undo() == "input"
    assert document.network == SMALL
    assert not document.dirty


def test_a_saved_network_and_its_past_belong_to_the_file() -> None:
    document, file = Document(SMALL), Path("some.toml")
    document.edit(NESTED, "input")
    document.mark_saved(file)
    assert (document.source, document.held, document.dirty) == (file, NESTED, False)
    document.undo()
    assert (document.source, document.held, document.dirty) == (file, NESTED, True)
    document.open(NESTED, None)
    assert document.source is None
    document.undo()
    assert document.source == file


@pytest.mark.parametrize("kind", LAYER_TYPES)
def test_every_kind_of_layer_can_be_put_anywhere_first(kind: str) -> None:
    made = builder(Network())
    made.insert(kind, 10)
    assert kinds(made.network)[0] == LAYER_TYPES[kind].__name__
    made.insert(kind, 10)
    assert len(made.network.layers) == 2


def test_the_numbers_are_plugged_in() -> None:
    alexnet = Network(
        input=(3, 227, 227), layers=(Conv(out_channels=96, kernel_size=11, stride=4),)
    )
    assert words(alexnet, "1")[:5] == (
        "(W - F + 2P)/S + 1",
        "(227 - 11 + 2*0)/4 + 1 = 55",
        "96 filters of 11x11x3",
        "11*11*3*96 = 34,848 weights",
        "+ 96 biases = 34,944",
    )


def test_a_window_that_is_not_square_is_explained_for_both_sides() -> None:
    network = Network(layers=(Conv(out_channels=4, kernel_size=(3, 5)),))
    assert words(network, "1")[:2] == (
        "height (8 - 3 + 2*0)/1 + 1 = 6",
        "width  (8 - 5 + 2*0)/1 + 1 = 4",
    )


def test_a_pool_has_no_parameters() -> None:
    assert words(SMALL, "3")[2].startswith("no parameters")


def test_behind_a_fault_the_input_is_open() -> None:
    network = Network(layers=(Conv(out_channels=4, kernel_size=3, stride=2), ReLU()))
    assert words(network, "1")[1] == "(8 - 3 + 2*0)/2 + 1 = 3.5"
    assert words(network, "2")[0] == "The input of this layer is unknown:"


def words(network: Network, key: str) -> tuple[str, ...]:
    made = builder(network)
    made.find(key)
    return explanation_for(network, made.report, made.row, notes_for(network, made.row))


def test_rows_say_what_does_not_fit_and_where() -> None:
    network = Network(layers=(Conv(out_channels=4, kernel_size=3, stride=2), ReLU()))
    rows = {row.key: row for row in builder(network).rows}
    assert (rows["1"].output, rows["1"].has_issue, rows["1"].broken) == ("3.5x3.5", True, True)
    assert (rows["2"].output, rows["2"].has_issue, rows["2"].broken) == ("", False, True)


def test_a_fault_inside_a_block_is_marked_where_it_is() -> None:
    network = edits.replace(NESTED, (1, 0, 0), Conv(out_channels=8, kernel_size=3, stride=2))
    rows = {row.key: row for row in builder(network).rows}
    assert rows["2.1"].has_issue
    assert not rows["1"].has_issue


def test_a_remedy_mends_the_network() -> None:
    network = Network(layers=(Conv(out_channels=4, kernel_size=3, stride=2), FC(out_features=10)))
    made = builder(network)
    made.fix(made.report.issues[0].fixes[0])
    assert made.report.valid
    assert made.undo()
    assert made.network == network


def test_two_hundred_layers_are_checked_and_laid_out() -> None:
    layers = (Conv(out_channels=8, kernel_size=3, padding=1), ReLU()) * 100
    made = builder(Network(layers=(*layers, FC(out_features=10))))
    made.find("150")
    made.set_field("name", "middle")
    assert check(made.network).valid
    assert len(made.rows) == 204


def test_an_edit_behind_the_present_end_is_not_taken_back() -> None:
    layers = (Conv(out_channels=4, kernel_size=3), ReLU(), MaxPool(), FC(out_features=10))
    made = builder(Network(input=(1, 9, 9), layers=layers))
    for number in (4, 2, 1):
        made.find(str(number))
        made.remove()
    assert [type(layer) for layer in made.network.layers] == [MaxPool]
    assert made.report.issues
