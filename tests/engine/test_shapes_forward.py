"""What ``check`` infers of random networks is what a forward pass turns out to be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import naive
import numpy as np
import pytest
from cases import ENDING, Choice, networks
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import Shape, arrays_of, random_images, random_targets, randomize

from cnn_tui.engine.build import build
from cnn_tui.engine.model import Model
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import FC
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.report import LayerReport

SMALL = Choice(widths=(1, 2, 3, 4, 6))


def built(network: Network) -> Model:
    model = build(network, dtype=np.float64)
    randomize(model)
    return model


@pytest.mark.slow
@settings(max_examples=250)
@given(networks(SMALL), st.integers(1, 3))
def test_shapes_scores_and_counts_are_those_of_a_forward_pass(network: Network, batch: int) -> None:
    """Layer by layer those of the loops, which only count places; at the end the engine's too."""
    reports = check(network).layers
    model = built(network)
    images = random_images(network.input, batch)
    volumes = naive.forward(network.layers, reports, arrays_of(model), images)
    assert [list(volume.shape[1:]) for volume in volumes] == [r.output for r in reports]
    assert [volume[0].size for volume in volumes] == [report.activations for report in reports]
    np.testing.assert_allclose(model.forward(images), volumes[-1], rtol=1e-9, atol=1e-9)
    assert_counts(network, model)


def assert_counts(network: Network, model: Model) -> None:
    """Weights and biases of every layer, inside blocks too, are the sizes of its arrays."""
    report = check(network)
    sizes = {name: p.data.size for name, p in model.parameters.items()}
    assert report.total_params == sum(sizes.values())
    for layer in every(report.layers):
        own = {name: size for name, size in sizes.items() if name.startswith(f"{layer.name}.")}
        assert layer.params == sum(own.values())
        assert layer.weights == sum(size for name, size in own.items() if name.endswith("weight"))
        assert layer.biases == sum(size for name, size in own.items() if name.endswith("bias"))


@settings(max_examples=60)
@given(networks(SMALL))
def test_every_prefix_runs_forward_and_backward(network: Network) -> None:
    """The engine's arrays have the inferred sizes at every depth: ``fc`` behind them fits."""
    reports = check(network).layers
    for depth in range(1, len(network.layers)):
        prefix = Network(input=network.input, layers=(*network.layers[:depth], ENDING))
        model = built(prefix)
        inputs = int(np.prod(reports[depth - 1].output or ()))
        assert model.parameters[f"fc{depth + 1}.weight"].data.shape == (3, inputs)
        images = random_images(network.input, 2)
        assert model.forward(images).shape == (2, 3)
        model.train_batch(images, random_targets(3, 2))


def every(layers: Sequence[LayerReport]) -> Iterator[LayerReport]:
    for layer in layers:
        yield layer
        yield from every((*layer.branch, *layer.shortcut))


@settings(max_examples=60)
@given(networks(SMALL), st.data())
def test_pixels_outside_the_receptive_field_do_not_count(
    network: Network, data: st.DataObject
) -> None:
    """And inside it they may: the field that is told is at least as wide as the real one."""
    layers = [layer for layer in network.layers[:-1] if not isinstance(layer, FC)]
    shape: Shape = (network.input[0], 9, 30)
    probe = check(Network(input=shape, layers=(*layers, ENDING)))
    if not layers or not probe.valid:
        return
    report = probe.layers[len(layers) - 1]
    model = built(Network(input=shape, layers=(*layers, FC(out_features=2, bias=False))))
    assert report.output is not None and report.receptive_field is not None
    weight = model.parameters[f"fc{len(layers) + 1}.weight"].data
    weight[...] = 0
    channels, height, width = report.output
    place = data.draw(st.integers(0, channels * height * width - 1))
    weight[0, place] = 1
    images = random_images(shape, 1)
    touched = [column for column in range(30) if differs(model, images, column)]
    assert not touched or touched[-1] - touched[0] < report.receptive_field


def differs(model: Model, images: np.ndarray, column: int) -> bool:
    changed = images.copy()
    changed[:, :, :, column] += 1
    return bool((model.forward(changed) != model.forward(images)).any())
