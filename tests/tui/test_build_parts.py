"""Edits, history, fields and arithmetic of the builder, without a screen."""

from __future__ import annotations

from pathlib import Path

import msgspec
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
from cnn_tui.engine.specs.network import SVM, Network, Recipe, Softmax
from cnn_tui.engine.specs.places import layer_at
from cnn_tui.engine.specs.presets import load_preset, preset_names
from cnn_tui.tui.building import edits
from cnn_tui.tui.building.advice import advice_for, explanation_for, notes_for
from cnn_tui.tui.building.builder import Builder
from cnn_tui.tui.building.document import Document
from cnn_tui.tui.building.fields import Field, FieldError, form_fields
from cnn_tui.tui.building.forms import form_for, with_value
from cnn_tui.tui.building.outline import outline

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


def field(spec: type, name: str) -> Field:
    return next(one for one in form_fields(spec) if one.name == name)


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


@pytest.mark.parametrize("name", preset_names())
def test_every_row_of_every_preset_has_a_form_advice_and_arithmetic(name: str) -> None:
    made = builder(load_preset(name))
    for cursor in range(len(made.rows)):
        made.select(cursor)
        form = form_for(made.network, made.row)
        for one, value in form.lines:
            assert one.parse(one.show(value)) == value
        notes = notes_for(made.network, made.row)
        assert advice_for(made.network, made.row, notes)
        explanation_for(made.network, made.report, made.row, notes)


@pytest.mark.parametrize("kind", LAYER_TYPES)
def test_every_kind_of_layer_can_be_put_anywhere_first(kind: str) -> None:
    made = builder(Network())
    made.insert(kind, 10)
    assert kinds(made.network)[0] == LAYER_TYPES[kind].__name__
    made.insert(kind, 10)
    assert len(made.network.layers) == 2


@pytest.mark.parametrize(
    ("text", "value"),
    [("5", 5), ("5x3", (5, 3)), (" 5 x 3 ", (5, 3)), ("5,3", (5, 3)), ("5 3", (5, 3))],
)
def test_sizes_as_people_type_them(text: str, value: object) -> None:
    assert field(Conv, "kernel_size").parse(text) == value


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "1.5", "5x", "x5", "5x3x2", "1025", "same", "9" * 99]
)
def test_sizes_that_are_none(text: str) -> None:
    with pytest.raises(FieldError, match="whole number from 1 to 1024"):
        field(Conv, "kernel_size").parse(text)


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e999", "", "a", "-1", "0"])
def test_learning_rates_that_are_none(text: str) -> None:
    with pytest.raises(FieldError):
        field(Recipe, "lr").parse(text)


def test_values_that_are_no_numbers() -> None:
    assert field(Conv, "padding").parse("same") == "same"
    assert field(Conv, "bias").parse("no") is False
    assert field(MaxPool, "stride").parse("") is None
    assert field(Recipe, "clip_norm").parse("off") is None
    assert field(Recipe, "betas").parse("0.9 0.99") == (0.9, 0.99)
    assert field(Network, "input").parse("3x32x32") == (3, 32, 32)
    assert field(Recipe, "optimizer").choices[:2] == ("sgd", "momentum")


@given(st.text(max_size=12))
def test_any_text_is_a_value_or_refused_in_words(text: str) -> None:
    for one in (*form_fields(Conv), *form_fields(Recipe), *form_fields(SVM)):
        try:
            value = one.parse(text)
        except FieldError as error:
            assert str(error).startswith("needs ")
        else:
            assert one.parse(one.show(value)) == value


def test_the_form_of_the_recipe_has_only_what_is_used() -> None:
    made = builder()
    made.find("training")
    assert "momentum" in names(made)
    assert "betas" not in names(made)
    made.set_field("optimizer", "adamw")
    assert {"betas", "eps", "weight_decay"} <= names(made)
    assert "momentum" not in names(made)
    made.set_field("schedule", "step")
    assert {"step_epochs", "gamma"} <= names(made)


def names(made: Builder) -> set[str]:
    return {one.name for one, _ in form_for(made.network, made.row).lines}


def test_the_loss_is_edited_like_a_layer() -> None:
    made = builder()
    made.find("loss")
    assert "label_smoothing" in names(made)
    made.set_field("type", "svm")
    assert made.network.loss == SVM()
    made.set_field("delta", 10.0)
    assert made.network.loss == SVM(delta=10.0)
    made.set_field("type", "softmax")
    assert made.network.loss == Softmax()


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


def test_classes_are_typed_with_commas_and_fit_the_last_layer() -> None:
    network = msgspec.structs.replace(Network(layers=(FC(out_features=10),)), data="mine.npz")
    row = next(row for row in outline(network, check(network)) if row.kind == "input")
    form = form_for(network, row)
    field = next(field for field, _ in form.lines if field.name == "classes")
    assert field.parse(" cat, great dane ,eel") == ("cat", "great dane", "eel")
    assert field.parse("") == () and field.show(()) == ""
    assert field.show(("cat", "great dane")) == "cat, great dane"
    with pytest.raises(FieldError, match="needs two or more, such as cat, dog"):
        field.parse("cat")
    changed = with_value(network, row, "classes", ("cat", "dog", "eel"))
    assert changed.layers == (FC(out_features=3),)
    assert with_value(changed, row, "data", "digits").classes == ()
    known = msgspec.structs.replace(network, data="digits")
    assert [field.name for field, _ in form_for(known, row).lines] == ["input", "data", "name"]


@pytest.mark.parametrize("text", ["mnist", "CIFAR-10", "imagenet", "folder", "a.npz", "no/such"])
def test_data_has_a_known_name_or_is_a_path(text: str) -> None:
    field = next(field for field in form_fields(Network) if field.name == "data")
    assert field.parse(text) == text
    with pytest.raises(FieldError, match="needs a dataset, such as mnist, or a path"):
        field.parse("mni")


def test_an_edit_behind_the_present_end_is_not_taken_back() -> None:
    layers = (Conv(out_channels=4, kernel_size=3), ReLU(), MaxPool(), FC(out_features=10))
    made = builder(Network(input=(1, 9, 9), layers=layers))
    for number in (4, 2, 1):
        made.find(str(number))
        made.remove()
    assert [type(layer) for layer in made.network.layers] == [MaxPool]
    assert made.report.issues
