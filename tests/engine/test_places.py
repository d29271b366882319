"""Finding and replacing the layer at a place, by the numbers that screens show."""

from __future__ import annotations

import pytest

from cnn_tui.engine.errors import ShapeError
from cnn_tui.engine.specs.layers import FC, Conv, Layer, MaxPool, Parallel, ReLU, Repeat, Residual
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.places import (
    edit_at,
    explain,
    known_shapes,
    label,
    layer_at,
    list_at,
    replace_at,
    step_at,
)

INNER = (Conv(out_channels=2, padding=1), ReLU(), ReLU(name="last"))
LAYERS: tuple[Layer, ...] = (
    ReLU(),
    Parallel(branches=((ReLU(name="only"),), (Residual(branch=INNER), ReLU())), merge="add"),
    Repeat(layers=(MaxPool(), Conv(out_channels=1, kernel_size=1)), times=2),
    FC(out_features=3),
)
NETWORK = Network(input=(2, 8, 8), layers=LAYERS)


def test_a_layer_is_found_by_its_place() -> None:
    assert layer_at(NETWORK, (3,)) == FC(out_features=3)
    assert layer_at(NETWORK, (1, 0, 0)) == ReLU(name="only")
    assert layer_at(NETWORK, (1, 1, 0, 0, 2)) == ReLU(name="last")
    assert list_at(LAYERS, (1, 1, 0, 0, 0)) == INNER
    for nowhere in ((4,), (0, 0, 0), (1, 2, 0), (1, 1, 0, 0, 3)):
        with pytest.raises(IndexError):
            layer_at(NETWORK, nowhere)
    for odd in ((1, 0), (1, 1, 0, 0)):
        with pytest.raises(IndexError, match="is the place of a list"):
            list_at(LAYERS, odd)
    assert label((1, 1, 0), LAYERS[1]) == "layer 2b.1 (parallel)"


def test_layers_take_the_place_of_one_and_all_others_stay() -> None:
    two = (FC(out_features=4), FC(out_features=5))
    assert replace_at(LAYERS, (1,), two) == (LAYERS[0], *two, *LAYERS[2:])
    changed = replace_at(LAYERS, (1, 1, 0, 0, 1), two)
    assert list_at(changed, (1, 1, 0, 0, 0)) == (INNER[0], *two, INNER[2])
    last = replace_at(LAYERS, (1, 1, 0, 0, 2), two)
    assert list_at(last, (1, 1, 0, 0, 0)) == (*INNER[:2], *two)
    assert list_at(changed, (1, 0, 0)) == (ReLU(name="only"),)
    assert list_at(changed, (1, 1, 0))[1:] == (ReLU(),)
    assert (changed[0], *changed[2:]) == (LAYERS[0], *LAYERS[2:])
    assert edit_at(LAYERS, (1, 0, 0), lambda _: ())[1] == Parallel(
        branches=((), LAYERS[1].branches[1]), merge="add"
    )


def test_a_layer_that_is_repeated_is_that_of_the_first_copy() -> None:
    assert known_shapes(NETWORK, (2, 0, 0)) == ((2, 8, 8), (2, 4, 4))
    assert known_shapes(NETWORK, (3,)) == ((1, 2, 2), (3,))
    broken = Network(input=(2, 8, 8), layers=(MaxPool(kernel_size=3), ReLU()))
    for place, words in (((0,), "layer 1 .maxpool."), ((1,), "layer 2 .relu.")):
        with pytest.raises(ShapeError, match=words):
            known_shapes(broken, place)


def test_inside_of_a_block_with_an_invalid_setting_nothing_is_known() -> None:
    block = Repeat(layers=(ReLU(),), times=0)
    step = step_at(Network(layers=(ReLU(), block)), (1, 0, 0))
    assert (step.layer, step.before.shape, step.after.shape) == (ReLU(), None, None)
    (note,) = explain(Network(layers=(ReLU(), block)), (1, 0, 0))
    assert (note.topic, note.lines[0]) == ("size", "The input of this layer is unknown:")


def test_a_layer_of_any_kind_is_explained() -> None:
    notes = [tuple(note) for note in explain(NETWORK, (0,))]
    assert notes[:2] == [("size", ("2x8x8 in, 2x8x8 out",)), ("parameters", ("no parameters",))]
    assert "cost" not in dict(notes)
    assert dict(tuple(note) for note in explain(NETWORK, (3,)))["cost"] == ("12 multiply-adds",)
    pool = Network(input=(2, 8, 8), layers=(Parallel(branches=((), (MaxPool(),))),))
    assert explain(pool, (0,))[0].lines == ("2x8x8 in, ? out",)
