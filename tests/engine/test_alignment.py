"""Layers of several networks side by side."""

from __future__ import annotations

import msgspec

from cnn_tui.engine.runs.compare import layer_differences
from cnn_tui.engine.specs.layers import BatchNorm, Layer, Parallel, Residual
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import load_preset

DIGITS = load_preset("digits-convnet")


def rows(*layers: tuple[Layer, ...]) -> list[tuple[int, tuple[str, ...]]]:
    networks = [Network(layers=some) for some in layers]
    return [(one.layer, one.values) for one in layer_differences(networks)]


def test_equal_networks_have_no_differences() -> None:
    assert rows(DIGITS.layers, DIGITS.layers, DIGITS.layers) == []


def test_a_layer_in_between_shifts_nothing() -> None:
    more = (*DIGITS.layers[:1], BatchNorm(), *DIGITS.layers[1:])
    assert rows(DIGITS.layers, more) == [(2, ("", "batchnorm"))]
    assert rows(more, DIGITS.layers) == [(2, ("batchnorm", ""))]
    assert rows(DIGITS.layers, more, DIGITS.layers) == [(2, ("", "batchnorm", ""))]


def test_layers_of_a_type_face_each_other() -> None:
    first = msgspec.structs.replace(DIGITS.layers[0], out_channels=24)
    wider = (first, BatchNorm(), *DIGITS.layers[1:])
    assert rows(DIGITS.layers, wider) == [
        (1, ("conv 16 3x3 pad same", "conv 24 3x3 pad same")),
        (2, ("", "batchnorm")),
    ]


def test_a_difference_inside_a_block_names_the_layer_alone() -> None:
    block = Residual(branch=DIGITS.layers[:2])
    other = Residual(branch=DIGITS.layers[:1])
    assert rows((block,), (other,)) == [(3, ("· relu", ""))]


def test_branches_of_a_block_are_told_apart() -> None:
    conv, relu = DIGITS.layers[:2]
    chain, split = Parallel(branches=((conv, relu), ())), Parallel(branches=((conv,), (relu,)))
    assert rows((chain,), (split,)) == [(3, ("· relu", "b relu"))]


def test_networks_that_have_nothing_in_common() -> None:
    found = rows((), DIGITS.layers)
    assert [values[0] for _, values in found] == [""] * len(DIGITS.layers)
    resnet = load_preset("resnet20").layers
    assert all(len(values) == 2 for _, values in rows(resnet, DIGITS.layers))
