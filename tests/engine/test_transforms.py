"""Rewritten networks: what they become, what they cost, and that they compute the same."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnn_tui.engine.build import build
from cnn_tui.engine.data.mnist import load_mnist
from cnn_tui.engine.data.preprocess import Normalizer
from cnn_tui.engine.errors import ShapeError
from cnn_tui.engine.optimizers import build_optimizer
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import (
    FC,
    AvgPool,
    BatchNorm,
    Conv,
    Dropout,
    GlobalAvgPool,
    Layer,
    LeakyReLU,
    MaxPool,
    ReLU,
    Residual,
    Tanh,
)
from cnn_tui.engine.specs.network import Network, Recipe
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.engine.specs.quick.write import to_quick
from cnn_tui.engine.specs.transforms import (
    TRANSFORMS,
    alone,
    conv_to_fc,
    fc_to_conv,
    kernel_to_stack,
    matrix_facts,
    pool_to_conv,
)
from cnn_tui.engine.transforms.carry import (
    MAX_ENTRIES,
    carry,
    conv_matrix,
    load_weights,
    weights_of,
)
from cnn_tui.engine.transforms.verify import Verification, verify

LENET = load_preset("lenet5")


def net(*layers: Layer, shape: tuple[int, int, int] = (3, 12, 12)) -> Network:
    return Network(input=shape, layers=(*layers, FC(out_features=5)))


def trained(network: Network, images: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Weights after a few real steps."""
    with closing(build(network, seed=1)) as model:
        optimizer = build_optimizer(Recipe(lr=0.01), model)
        for start in range(0, len(images), 32):
            model.train_batch(images[start : start + 32], labels[start : start + 32])
            optimizer.step(0.01)
        return weights_of(model)


def noise(network: Network, count: int = 128) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    classes = check(network).layers[-1].activations
    images = rng.standard_normal((count, *network.input), dtype=np.float32)
    return images, rng.integers(0, classes, count)


def scores(network: Network, weights: dict[str, np.ndarray], images: np.ndarray) -> np.ndarray:
    with closing(build(network, seed=9)) as model:
        load_weights(model, weights)
        return model.forward(images)


class TestFCToConv:
    def test_lenet5_trained_on_mnist_computes_the_same(self, mnist_dir: Path):
        data = load_mnist("mnist", mnist_dir)
        normalizer = Normalizer.fit(data.train)
        images, labels = normalizer.apply(data.train.images[:1024]), data.train.labels[:1024]
        weights = trained(LENET, images, labels)
        rewritten = fc_to_conv(LENET, (len(LENET.layers) - 1,))
        assert to_quick(rewritten.after.layers).endswith(
            "conv 120 5x5 | relu | conv 84 1x1 | relu | conv 10 1x1"
        )
        tests = normalizer.apply(data.test.images[:200])
        before = scores(LENET, weights, tests)
        after = scores(rewritten.after, carry(rewritten, weights), tests)
        assert np.abs(before - after).max() < 1e-5
        learned = (before.argmax(1) == data.test.labels[:200]).mean()
        assert learned > 0.5, "a network that has learned nothing would prove less"

    def test_a_few_steps_on_noise_computes_the_same(self):
        weights = trained(LENET, *noise(LENET))
        found = verify(fc_to_conv(LENET, (10,)), weights, images=16)
        assert found.passed and found.exact
        assert found.difference < 1e-5
        assert found.classes == 10

    def test_the_fc_layers_before_are_rewritten_and_those_behind_are_not(self):
        kinds = [type(layer) for layer in fc_to_conv(LENET, (8,)).after.layers[6:]]
        assert kinds == [Conv, ReLU, Conv, ReLU, FC]
        assert verify(fc_to_conv(LENET, (8,))).passed

    def test_the_costs_stay_what_they_were(self):
        before, after = fc_to_conv(LENET, (6,)).costs
        assert before == after
        assert (after.params, after.macs) == (120 * 401, 120 * 400)

    def test_names_rectangles_biases_and_flat_inputs(self):
        network = Network(
            input=(2, 3, 5),
            layers=(FC(out_features=7, bias=False, name="a"), BatchNorm(), FC(out_features=4)),
        )
        rewritten = fc_to_conv(network, (2,))
        assert to_quick(rewritten.after.layers) == "conv 7 3x5 nobias as a | batchnorm | conv 4 1x1"
        assert verify(rewritten, trained(network, *noise(network))).passed

    def test_inside_a_residual_block(self):
        network = net(Residual(branch=(FC(out_features=8),)), shape=(8, 1, 1))
        assert not check(network).valid
        flat = net(FC(out_features=8), Residual(branch=(FC(out_features=8), ReLU())))
        rewritten = fc_to_conv(flat, (2,))
        assert verify(rewritten, trained(flat, *noise(flat))).passed

    def test_a_batch_of_larger_images_slides(self):
        """What the rewriting is for: one pass, many windows (CS231n notes)."""
        rewritten = fc_to_conv(LENET, (10,))
        larger = Network(input=(1, 60, 60), layers=rewritten.after.layers)
        assert check(larger).layers[-1].output == [10, 9, 9]


@settings(max_examples=40)
@given(
    st.integers(1, 4), st.integers(1, 6), st.integers(1, 6), st.integers(1, 9), st.booleans(),
    st.booleans(),
)  # fmt: skip
def test_any_fc_becomes_an_equal_conv(channels, height, width, features, bias, deeper):
    hidden = (FC(out_features=features), Tanh(), Dropout()) if deeper else ()
    network = Network(
        input=(channels, height, width), layers=(*hidden, FC(out_features=3, bias=bias))
    )
    assert verify(fc_to_conv(network, (len(network.layers) - 1,))).passed


class TestConvToFC:
    def test_the_matrix_of_lenets_second_convolution(self):
        facts = matrix_facts(LENET.layers[3], (6, 14, 14))
        assert (facts.rows, facts.columns) == (16 * 10 * 10, 6 * 14 * 14)
        assert facts.free == 16 * 6 * 25
        assert facts.connected == facts.rows * 6 * 25, "every window lies inside"
        assert facts.zeros == facts.entries - facts.connected

    @settings(max_examples=60)
    @given(
        st.builds(
            Conv,
            out_channels=st.sampled_from([2, 4]),
            kernel_size=st.tuples(st.integers(1, 4), st.integers(1, 4)),
            stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
            padding=st.tuples(st.integers(0, 3), st.integers(0, 3)),
            dilation=st.integers(1, 2),
            groups=st.integers(1, 2),
            bias=st.booleans(),
            rounding=st.just("floor"),
        ),
        st.tuples(st.sampled_from([2, 4]), st.integers(7, 9), st.integers(7, 9)),
    )
    def test_any_conv_becomes_an_equal_fc_with_as_many_zeros_as_said(self, layer, shape):
        network = net(layer, shape=shape)
        rewritten = conv_to_fc(network, (0,))
        assert verify(rewritten).passed
        weights = np.random.default_rng(0).random((4, shape[0] // layer.groups, *layer.kernel_size))
        weight = weights[: layer.out_channels].astype(np.float32) + 1
        matrix = conv_matrix(layer, weight, shape)
        facts = matrix_facts(layer, shape)
        assert matrix.shape == (facts.rows, facts.columns)
        assert np.count_nonzero(matrix) == facts.connected
        assert len(np.unique(matrix[matrix != 0])) <= facts.free == weight.size

    def test_a_pool_behind_it_is_named_and_the_layer_can_be_shown_alone(self):
        with pytest.raises(ShapeError, match=r"layer 3 \(maxpool\).*volume"):
            conv_to_fc(LENET, (0,))
        shown = conv_to_fc(alone(LENET, (0,)), (0,))
        assert shown.after.layers[0] == FC(out_features=6 * 28 * 28)
        assert verify(shown).passed

    def test_what_would_no_longer_be_shared_behind_it_is_refused(self):
        with pytest.raises(ShapeError, match=r"bn2 would have 288 parameters, not 8"):
            conv_to_fc(net(Conv(out_channels=4, kernel_size=7), BatchNorm()), (0,))

    def test_a_matrix_too_large_to_wait_for_is_refused(self):
        network = alone(load_preset("vgg16"), (2,))
        facts = matrix_facts(network.layers[0], network.input)
        assert facts.entries > MAX_ENTRIES
        with pytest.raises(ShapeError, match="entries"):
            conv_matrix(network.layers[0], np.zeros((64, 64, 3, 3)), network.input)
        with pytest.raises(ShapeError, match="out_features"):
            conv_to_fc(network, (0,))


class TestKernelToStack:
    def test_7x7_becomes_three_3x3_with_the_numbers_of_the_notes(self):
        channels = 8
        network = net(
            Conv(out_channels=channels, kernel_size=7, padding="same", bias=False),
            ReLU(),
            shape=(channels, 12, 12),
        )
        rewritten = kernel_to_stack(network, (0,))
        assert to_quick(rewritten.after.layers) == (
            "conv 8 3x3 pad same nobias | relu | conv 8 3x3 pad same nobias | relu | "
            "conv 8 3x3 pad same nobias | relu | fc 5"
        )
        before, after = rewritten.costs
        assert (before.params, after.params) == (49 * channels**2, 27 * channels**2)
        assert before.receptive_field == after.receptive_field == 7
        assert (before.non_linearities, after.non_linearities) == (0, 2)
        assert after.activations == 3 * before.activations == 3 * 8 * 144
        assert (before.macs, after.macs) == (before.params * 144, after.params * 144)

    @settings(max_examples=60)
    @given(
        st.sampled_from([5, 7, 9, 11]),
        st.integers(1, 3),
        st.integers(0, 6),
        st.integers(1, 2),
        st.sampled_from([20, 23, 24]),
    )
    def test_output_and_receptive_field_stay(self, kernel, stride, padding, dilation, size):
        layer = Conv(
            out_channels=2, kernel_size=kernel, stride=stride, padding=padding, dilation=dilation
        )
        network = net(layer, shape=(1, size, size))
        if not check(network).valid:
            return
        rewritten = kernel_to_stack(network, (0,))
        old, new = check(network).layers, check(rewritten.after).layers
        assert old[0].output == new[-2].output
        assert old[0].receptive_field == new[-2].receptive_field
        found = verify(rewritten)
        assert found.passed and not found.exact

    def test_the_activation_of_the_network_stands_between(self):
        network = net(Conv(out_channels=4, kernel_size=5), LeakyReLU(negative_slope=0.2, name="a"))
        assert kernel_to_stack(network, (0,)).after.layers[1] == LeakyReLU(negative_slope=0.2)

    def test_inside_a_branch_the_other_weights_are_carried_over(self):
        branch = (BatchNorm(), Conv(out_channels=3, kernel_size=5, padding=2), BatchNorm(name="b"))
        network = net(Conv(out_channels=3), Residual(branch=branch, shortcut="projection"), ReLU())
        rewritten = kernel_to_stack(network, (1, 0, 1))
        weights = trained(network, *noise(network))
        carried = carry(rewritten, weights)
        assert np.array_equal(carried["b.running_var"], weights["b.running_var"])
        assert np.array_equal(
            carried["residual2.shortcut.conv1.weight"], weights["residual2.shortcut.conv1.weight"]
        )
        assert np.array_equal(carried["fc4.weight"], weights["fc4.weight"])
        assert verify(rewritten, weights).passed

    @pytest.mark.parametrize("kernel", [3, 4, 6, (5, 7), 1])
    def test_other_kernels_are_refused(self, kernel):
        with pytest.raises(ShapeError, match="is not a stack of 3x3"):
            kernel_to_stack(net(Conv(out_channels=2, kernel_size=kernel)), (0,))


class TestPoolToConv:
    @settings(max_examples=40)
    @given(st.integers(1, 4), st.none() | st.integers(1, 4), st.integers(0, 2))
    def test_an_average_pool_becomes_an_equal_conv(self, kernel, stride, padding):
        pool = AvgPool(kernel_size=kernel, stride=stride, padding=padding, rounding="floor")
        network = net(Conv(out_channels=4), ReLU(), pool)
        if check(network).valid:
            found = verify(pool_to_conv(network, (2,)))
            assert found.exact and found.passed

    def test_a_max_pool_becomes_a_conv_of_the_same_shape(self):
        network = net(Conv(out_channels=4, padding=1), MaxPool(kernel_size=3, stride=3, name="p"))
        rewritten = pool_to_conv(network, (1,))
        assert to_quick(rewritten.after.layers[1:2]) == "conv 4 3x3 s3 as p"
        found = verify(rewritten)
        assert found.passed and not found.exact and found.difference > 0.01
        before, after = rewritten.costs
        assert (before.params, after.params) == (0, 4 * 4 * 9 + 4)
        assert before.activations == after.activations

    def test_all_pools_of_lenet_one_after_another(self):
        network = LENET
        for place in [(2,), (5,)]:
            network = pool_to_conv(network, place).after
        assert check(network).valid
        assert not any(isinstance(layer, MaxPool) for layer in network.layers)


class TestRefusals:
    @pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda one: one.kind)
    def test_a_layer_of_another_kind(self, transform):
        network = net(ReLU(), GlobalAvgPool())
        with pytest.raises(ShapeError, match=r"layer 1 \(relu\) is not an? "):
            transform.make(network, (0,))

    def test_networks_with_issues(self):
        broken = net(Conv(out_channels=2, stride=2), Conv(out_channels=2, kernel_size=5))
        with pytest.raises(ShapeError, match="does not"):
            fc_to_conv(broken, (2,))
        with pytest.raises(ShapeError, match="or a layer before it does not fit"):
            conv_to_fc(broken, (1,))

    def test_weights_of_another_network(self):
        weights = weights_of(build(net(Conv(out_channels=4))))
        with pytest.raises(ShapeError, match=r"conv1\.weight"):
            verify(fc_to_conv(net(Conv(out_channels=2)), (1,)), weights)
        with pytest.raises(ShapeError, match=r"no weights for fc2\.bias"):
            del weights["fc2.bias"]
            verify(fc_to_conv(net(Conv(out_channels=4)), (1,)), weights)

    def test_scores_that_are_not_finite_are_not_equal(self):
        weights = trained(LENET, *noise(LENET, 32))
        weights["conv1.weight"] = weights["conv1.weight"] * np.float32(np.inf)
        assert not verify(fc_to_conv(LENET, (10,)), weights).passed

    def test_a_difference_is_not_passed_as_equal(self):
        assert not Verification(True, 4, 10, difference=2e-5, largest=1.0).passed
        assert Verification(True, 4, 10, difference=2e-5, largest=10.0).passed
        assert Verification(False, 4, 10, difference=9.0, largest=1.0).passed
