"""Fields and forms of the builder: what people type, and what it means."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted import SMALL

from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import (
    FC,
    Conv,
    MaxPool,
)
from cnn_tui.engine.specs.network import SVM, Network, Recipe, Softmax
from cnn_tui.engine.specs.presets import load_preset, preset_names
from cnn_tui.tui.building.advice import advice_for, explanation_for, notes_for
from cnn_tui.tui.building.builder import Builder
from cnn_tui.tui.building.document import Document
from cnn_tui.tui.building.fields import Field, FieldError, form_fields
from cnn_tui.tui.building.forms import form_for, with_value
from cnn_tui.tui.building.outline import outline


def builder(network: Network = SMALL) -> Builder:
    return Builder(Document(network))


def field(spec: type, name: str) -> Field:
    return next(one for one in form_fields(spec) if one.name == name)


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
