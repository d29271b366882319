"""The lists of layers inside layers, and the places that these make."""

from __future__ import annotations

import pytest

from cnn_tui.engine.specs.flow import FeatureMap
from cnn_tui.engine.specs.infer import infer
from cnn_tui.engine.specs.inside import (
    BLOCKS,
    LIST_FIELDS,
    fields_of_lists,
    list_fields,
    list_letter,
    lists_in,
    number,
    place_numbered,
    place_of,
    walk_layers,
    with_lists,
)
from cnn_tui.engine.specs.layers import Conv, Parallel, ReLU, Repeat, Residual, Tanh
from cnn_tui.engine.specs.quick.parse import parse_quick

ONE, TWO, THREE = (ReLU(),), (Tanh(), ReLU()), ()
LISTS = {
    "relu": ((), ()),
    "res { relu }": ((ONE,), ("branch", "shortcut")),
    "res { relu } { tanh, relu }": ((ONE, TWO), ("branch", "shortcut")),
    "parallel { relu } { tanh, relu } { }": (
        (ONE, TWO, THREE),
        ("branches[0]", "branches[1]", "branches[2]"),
    ),
    "repeat 3 { tanh, relu }": ((TWO,), ("layers",)),
}


@pytest.mark.parametrize("line", LISTS)
def test_lists_are_had_replaced_and_named(line: str) -> None:
    (layer,) = parse_quick(line)
    lists, fields = LISTS[line]
    assert (lists_in(layer), list_fields(layer)) == (lists, fields)
    others = [(*inner, Conv(out_channels=2)) for inner in lists]
    assert lists_in(with_lists(layer, others)) == tuple(others)
    assert with_lists(with_lists(layer, others), lists) == layer
    assert all(field.partition("[")[0] in LIST_FIELDS for field in fields)


def test_fields_for_lists_of_another_kind() -> None:
    assert fields_of_lists(Residual, [ONE]) == {"branch": ONE}
    assert fields_of_lists(Residual, [ONE, TWO]) == {"branch": ONE, "shortcut": TWO}
    assert fields_of_lists(Repeat, [ONE]) == {"layers": ONE}
    assert fields_of_lists(Parallel, [ONE, TWO]) == {"branches": (ONE, TWO)}
    assert [fields_of_lists(kind, []) for kind in (*BLOCKS, ReLU)] == [{}, {}, {}, {}]
    for kind, lists in ((Residual, [ONE] * 3), (Repeat, [ONE] * 2), (ReLU, [ONE])):
        assert fields_of_lists(kind, lists) is None


def test_places_are_numbered_with_letters_after_the_first_list() -> None:
    assert number((3,)) == "4"
    assert number((3, 0, 1)) == "4.2"
    assert number((3, 2, 0, 0, 4)) == "4c.1.5"
    assert place_of("layers[3].branches[2][0].layers[4].stride") == (3, 2, 0, 0, 4)
    assert place_of("layers[3].branch[1].kernel_size") == (3, 0, 1)
    assert place_of("layers[3].shortcut[1].kernel_size") == (3, 1, 1)
    assert place_of("layers[3].shortcut") == (3,)
    assert place_of("training.lr") == place_of("training.layers[3]") == ()


def test_a_place_is_found_by_its_number() -> None:
    for place in ((3,), (3, 0, 1), (3, 2, 0), (3, 2, 0, 0, 4), (11, 25, 9)):
        assert place_numbered(number(place)) == place
    assert place_numbered("4c.") == (3, 2) and place_numbered("4.") == (3, 0)
    assert number((11, 25, 9)) == "12z.10"
    assert (list_letter(0), list_letter(25)) == ("a", "z")


def test_layers_are_walked_from_top_to_bottom() -> None:
    line = (
        "relu | parallel { relu | repeat 2 { gap | relu } } { relu } | res { relu } { gap | relu }"
    )
    places = [place for place, _ in walk_layers(parse_quick(line), (7, 0))]
    assert len(places) == 11 and places == sorted(places)
    assert places[:3] == [(7, 0, 0), (7, 0, 1), (7, 0, 1, 0, 0)]


def test_what_was_inferred_at_a_place_inside() -> None:
    (block,) = parse_quick("parallel { relu } { tanh } { repeat 3 { maxpool 3x3 s1 } }")
    step = infer(block, FeatureMap((2, 6, 6)))
    kinds = [type(found.layer) for at in range(3) for found in step.every_at((at, 0))]
    assert kinds == [ReLU, Tanh, Repeat]
    outputs = [found.after.shape for found in step.every_at((2, 0, 0, 0))]
    assert outputs == [(2, 4, 4), (2, 2, 2), None], "in each copy, up to the first that fails"
    assert step.at((2, 0, 0, 0)) is list(step.every_at((2, 0, 0, 0)))[-1], "the one with a fault"
    empty = infer(Residual(branch=()), FeatureMap((2, 6, 6)))
    assert empty.at((0, 0)) is None and empty.at(()) is empty


def test_a_layer_is_inferred_once_for_each_input() -> None:
    layer = ReLU()
    for shape in ((3, 8, 8), None):
        assert infer(layer, FeatureMap(shape)) is infer(layer, FeatureMap(shape))
    before, _ = infer(layer, FeatureMap((1, 8, 8))), infer(ReLU(), FeatureMap((2, 8, 8)))
    assert infer(layer, FeatureMap((1, 8, 8))) is before, "the others stay known"
    sizes = infer(layer, FeatureMap((3.0, 8, 8))).after.shape  # type: ignore[arg-type]
    assert sizes and type(sizes[0]) is float, "3.0 equals 3, but is not a valid size"
