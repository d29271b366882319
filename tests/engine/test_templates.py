"""First-layer weights as pictures: of which layer, in which order, for which class."""

from __future__ import annotations

import numpy as np
import pytest
from exported import state_of

from cnn_tui.engine.errors import RunError
from cnn_tui.engine.export.states import TrainedState
from cnn_tui.engine.export.templates import first_layer, scale_of
from cnn_tui.engine.specs.layers import FC, BatchNorm, Conv, Dropout, Layer, MaxPool, ReLU, Residual
from cnn_tui.engine.specs.network import Network


def state(*layers: Layer) -> TrainedState:
    return state_of(Network(name="any", input=(2, 4, 5), layers=layers))


def test_all_pictures_have_the_scale_of_the_layer() -> None:
    assert scale_of(np.array([[1.0, -3, 0], [np.nan, np.inf, 2]])) == 3.0
    assert scale_of(np.zeros((2, 2))) == scale_of(np.full((2, 2), np.nan)) == 1.0


def test_linear_network_has_one_template_a_class() -> None:
    made = state(Dropout(), FC(out_features=3, name="scores"))
    found = first_layer(made)
    assert (found.layer, found.kind) == ("scores", "class")
    assert [one.label for one in found.each] == list(made.classes)
    assert [one.unit for one in found.each] == [0, 1, 2]
    for one in found.each:
        assert one.image.shape == (2, 4, 5)
        np.testing.assert_array_equal(one.image.ravel(), made.weights["scores.weight"][one.unit])


@pytest.mark.parametrize("between", [(), (FC(out_features=6), BatchNorm(), ReLU())])
def test_hidden_units_come_strongest_first_with_the_class_they_raise(
    between: tuple[Layer, ...],
) -> None:
    made = state(FC(out_features=7), ReLU(), *between, FC(out_features=3))
    behind, *others = (weight for name, weight in made.weights.items() if _is_later(name, weight))
    for weight in others:
        behind = weight @ behind
    found = first_layer(made)
    assert found.kind == "unit"
    strengths = [
        np.linalg.norm(one.image) * np.linalg.norm(behind[:, one.unit]) for one in found.each
    ]
    assert strengths == sorted(strengths, reverse=True)
    assert sorted(one.unit for one in found.each) == list(range(7))
    for one in found.each:
        assert one.label == made.classes[behind[:, one.unit].argmax()]


def _is_later(name: str, weight: np.ndarray) -> bool:
    return weight.ndim == 2 and not name.startswith("fc1.")


def test_filters_are_pictures_of_their_own_size() -> None:
    found = first_layer(state(ReLU(), Conv(out_channels=4, kernel_size=3), FC(out_features=3)))
    assert (found.layer, found.kind, len(found.each)) == ("conv2", "filter", 4)
    assert {one.image.shape for one in found.each} == {(2, 3, 3)}
    assert {one.label for one in found.each} == {""}


def test_units_before_a_block_that_mixes_them_speak_for_no_class() -> None:
    block = Residual(branch=(FC(out_features=4), ReLU()))
    found = first_layer(state(FC(out_features=4), block, FC(out_features=3)))
    assert (found.kind, {one.label for one in found.each}) == ("unit", {""})


@pytest.mark.parametrize("first", [MaxPool(kernel_size=(4, 1)), BatchNorm()])
def test_layer_that_looks_at_something_else_is_refused(first: Layer) -> None:
    with pytest.raises(RunError, match="does not receive the image itself"):
        first_layer(state(first, FC(out_features=3)))
