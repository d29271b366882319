"""An opened network: the closed one to the last bit, bounded, and apart from it."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest
from cases import Choice, networks
from exported import EVERY_LAYER, small_presets
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_model import NETWORK, batch_of, sample_model
from samples import assert_rounded, network, random_images, randomize

from cnn_tui.engine.build import build
from cnn_tui.engine.errors import InsightError, MemoryLimitError, ShapeError
from cnn_tui.engine.model import Model
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import FC, Conv, Dropout, MaxPool, ReLU, Sigmoid, Tanh
from cnn_tui.engine.specs.network import Network


def assert_same_scores(model: Model, images: np.ndarray) -> None:
    with model.opened(images) as inside:
        np.testing.assert_array_equal(inside.logits, model.forward(images))


@pytest.mark.parametrize("described", small_presets(), ids=lambda network: network.name)
@pytest.mark.parametrize("batch", [1, 4])
def test_the_scores_of_a_preset_are_those_of_the_closed_pass(
    described: Network, batch: int
) -> None:
    with closing(build(described)) as model:
        assert_same_scores(model, random_images(described.input, batch, dtype=np.float32))


@settings(max_examples=80)
@given(networks(Choice(widths=(3, 16, 18))), st.integers(1, 20))
def test_the_scores_of_any_network_are_those_of_the_closed_pass(
    described: Network, batch: int
) -> None:
    with closing(build(described, seed=1)) as model:
        randomize(model)
        assert_same_scores(model, random_images(described.input, batch, dtype=np.float32))


@pytest.mark.parametrize("kind", [Sigmoid(), Tanh()])
def test_a_pool_before_its_activation_gives_the_same_bits(kind: Sigmoid | Tanh) -> None:
    """The closed pass pools first, since the functions keep the order."""
    described = network((2, 24, 24), Conv(out_channels=40), kind, MaxPool(), classes=5)
    with closing(build(described)) as model:
        assert_same_scores(model, random_images((2, 24, 24), 9, dtype=np.float32))


@pytest.mark.parametrize("described", [NETWORK, EVERY_LAYER])
def test_every_layer_of_the_list_is_there_with_its_shape(described: Network) -> None:
    reports = [inner for layer in check(described).layers for inner in layer.walk()]
    with (
        closing(build(described)) as model,
        model.opened(random_images(described.input, 3, dtype=np.float32)) as inside,
    ):
        assert inside.layers == tuple(report.name for report in reports)
        for report in reports:
            wanted = (3, *(report.output or ()))
            assert inside.output(report.name).shape == wanted
            assert inside.gradient(report.name, 0).shape == wanted
        assert inside.input_gradient(0).shape == inside.images.shape


def test_an_output_is_that_of_the_layer_before_the_next_one() -> None:
    described = network((1, 6, 6), Conv(out_channels=3), ReLU(), MaxPool(), classes=2)
    with closing(build(described)) as model:
        randomize(model)
        with model.opened(random_images((1, 6, 6), 4, dtype=np.float32)) as inside:
            conv, relu, pool = map(inside.output, ("conv1", "relu2", "maxpool3"))
            assert conv.min() < 0
            np.testing.assert_array_equal(relu, np.maximum(conv, 0))
            blocks = relu.reshape(4, 3, 2, 2, 2, 2)
            np.testing.assert_array_equal(pool, blocks.max(axis=(3, 5)))


def test_dropout_passes_on_what_it_gets_and_its_gradient() -> None:
    described = network((1, 4, 4), Dropout(p=0.5), Conv(out_channels=2), Dropout(p=0.5), classes=3)
    with closing(build(described)) as model:
        images = random_images((1, 4, 4), 2, dtype=np.float32)
        model.train_batch(images, np.array([0, 1]))
        with model.opened(images) as inside:
            np.testing.assert_array_equal(inside.output("dropout1"), images)
            np.testing.assert_array_equal(
                inside.gradient("dropout3", 1), inside.gradient("conv2", 1)
            )


def test_each_image_may_have_its_own_class() -> None:
    with closing(sample_model()) as model, model.opened(batch_of(3)[0]) as inside:
        alone = [inside.gradient("conv1", label) for label in range(3)]
        together = inside.gradient("conv1", [2, 0, 1])
        for image, label in enumerate([2, 0, 1]):
            np.testing.assert_array_equal(together[image], alone[label][image])


def test_it_shows_other_images_also_fewer() -> None:
    images = batch_of(7)[0]
    with closing(sample_model()) as model, model.opened(images) as inside:
        outputs, gradients = inside.output("block"), inside.input_gradient(1)
        inside.see(images[4:])
        assert_rounded(inside.output("block"), outputs[4:])
        assert_rounded(inside.input_gradient(1), gradients[4:])
        assert inside.logits.shape[0] == 3
        with pytest.raises(ShapeError, match="expected 1 to 7 images"):
            inside.see(batch_of(8)[0])


def test_training_goes_on_beside_it() -> None:
    """It is a copy: what moves later is not seen, and nothing of the model changes."""
    images, targets = batch_of(6)
    with closing(sample_model()) as model, model.opened(images) as inside:
        before = inside.output("conv1")
        weights = model.store.data.copy()
        buffers = {name: buffer.copy() for name, buffer in model.buffers.items()}
        inside.input_gradient(0)
        np.testing.assert_array_equal(model.store.data, weights)
        for name, buffer in model.buffers.items():
            np.testing.assert_array_equal(buffer, buffers[name])
        assert not model.store.grad.any()
        model.train_batch(images, targets)
        model.store.data[...] += 1
        inside.see(images)
        np.testing.assert_array_equal(inside.output("conv1"), before)


def test_what_it_gave_stays_as_it_was() -> None:
    with closing(sample_model()) as model, model.opened(batch_of(2)[0]) as inside:
        output, gradient = inside.output("conv1"), inside.gradient("conv1", 0)
        kept = output.copy(), gradient.copy()
        inside.see(batch_of(2, seed=5)[0])
        inside.gradient("conv1", 1)
        np.testing.assert_array_equal(output, kept[0])
        np.testing.assert_array_equal(gradient, kept[1])


def test_a_layer_that_is_not_there_names_the_nearest() -> None:
    with closing(sample_model()) as model, model.opened(batch_of(1)[0]) as inside:
        with pytest.raises(InsightError, match=r"no layer called conv11\. Did you mean conv1\?"):
            inside.output("conv11")
        with pytest.raises(InsightError, match="It has conv1, bn2"):
            inside.gradient("zzzzzz", 0)


def test_a_class_that_is_not_there() -> None:
    with closing(sample_model()) as model, model.opened(batch_of(2)[0]) as inside:
        for wrong in (4, -1, [0, 4]):
            with pytest.raises(InsightError, match="the network has 4, counted from 0"):
                inside.input_gradient(wrong)
        with pytest.raises(InsightError, match="one class for each of 2 images, got 3"):
            inside.input_gradient([0, 1, 2])


def test_images_of_another_size_or_type() -> None:
    with closing(sample_model()) as model:
        with pytest.raises(ShapeError, match="expected images of N x 2x8x6"):
            model.opened(np.zeros((1, 2, 6, 8), np.float32))
        with pytest.raises(ShapeError, match="expected images of type float32"):
            model.opened(np.zeros((1, 2, 8, 6)))


def test_a_request_that_is_too_large_names_what_fits() -> None:
    described = network((3, 32, 32), Conv(out_channels=64, padding=1), ReLU(), classes=10)
    images = random_images(described.input, 100, dtype=np.float32)
    with closing(build(described)) as model:
        with pytest.raises(MemoryLimitError, match="At most") as caught:
            model.opened(images, limit=30_000_000)
        fitting = caught.value.batch
        assert 1 < fitting < 100
        with model.opened(images[:fitting], limit=30_000_000) as inside:
            assert 0.9 * 30_000_000 < inside.bytes <= 30_000_000
        with model.opened(images[:1]) as inside:
            one = inside.bytes
        with pytest.raises(MemoryLimitError, match="Only one image fits"):
            model.opened(images[:2], limit=one)
        with pytest.raises(MemoryLimitError, match="Not even one image fits"):
            model.opened(images[:1], limit=100_000)


def test_its_bytes_are_at_least_its_arrays() -> None:
    described = network((3, 16, 16), Conv(out_channels=8, padding=1), ReLU(), FC(out_features=5))
    images = random_images(described.input, 8, dtype=np.float32)
    with closing(build(described)) as model, model.opened(images) as inside:
        held = sum(
            inside.output(layer).nbytes + inside.gradient(layer, 0).nbytes
            for layer in inside.layers
        )
        assert held + model.store.data.nbytes <= inside.bytes <= 5 * held


def test_gradients_of_the_loss_are_those_of_a_training_step() -> None:
    described = network((2, 8, 6), *NETWORK.layers[:5], Conv(out_channels=4), classes=4)
    images, targets = batch_of(6)
    with closing(build(described)) as model:
        randomize(model)
        buffers = {name: buffer.copy() for name, buffer in model.buffers.items()}
        with model.opened(images, training=True) as inside:
            found = inside.loss_gradients(targets)
            np.testing.assert_array_equal(inside.logits, model.forward(images, training=True))
        for name, buffer in buffers.items():
            np.copyto(model.buffers[name], buffer)
        model.train_batch(images, targets)
        assert found.keys() == model.parameters.keys()
        for name, parameter in model.parameters.items():
            assert_rounded(found[name], parameter.grad, name)


def test_gradients_of_the_loss_need_every_image_and_its_class() -> None:
    images, targets = batch_of(6)
    with closing(sample_model()) as model, model.opened(images) as inside:
        before = inside.gradient("conv1", 1)
        inside.loss_gradients(targets)
        np.testing.assert_array_equal(inside.gradient("conv1", 1), before)
        with pytest.raises(InsightError, match="one class for each of 6 images, got 5"):
            inside.loss_gradients(targets[:5])
        with pytest.raises(InsightError, match="There is no class 9"):
            inside.loss_gradients(np.full(6, 9))
        inside.see(images[:5])
        with pytest.raises(ShapeError, match="expected 6 images as at first, got 5"):
            inside.loss_gradients(targets[:5])
