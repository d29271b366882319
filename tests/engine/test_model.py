"""The built network as others use it: names, batches of any size, evaluation between steps."""

from __future__ import annotations

import numpy as np
import pytest
from sample_model import CLASSES, NETWORK, SHAPE, assert_same, batch_of, sample_model
from samples import arrays_of, gradients_of, network, random_images

from cnn_tui.engine.build import build
from cnn_tui.engine.errors import ShapeError
from cnn_tui.engine.layers.norm import PlannedBatchNorm
from cnn_tui.engine.specs.layers import (
    FC,
    LRN,
    BatchNorm,
    Conv,
    Dropout,
    ReLU,
)
from cnn_tui.engine.specs.network import Network


def test_parameters_have_pytorchs_shapes_and_the_layers_order() -> None:
    shapes = {name: p.data.shape for name, p in build(NETWORK).parameters.items()}
    assert shapes == {
        "conv1.weight": (6, 2, 3, 3),
        "conv1.bias": (6,),
        "bn2.weight": (6,),
        "bn2.bias": (6,),
        "block.conv1.weight": (8, 6, 3, 3),
        "block.conv1.bias": (8,),
        "block.bn2.weight": (8,),
        "block.bn2.bias": (8,),
        "block.shortcut.conv1.weight": (8, 6, 1, 1),
        "block.shortcut.bn2.weight": (8,),
        "block.shortcut.bn2.bias": (8,),
        "conv7.weight": (4, 4, 3, 1),
        "scores.weight": (4, 4 * 2 * 3),
        "scores.bias": (4,),
    }
    assert list(shapes) == list(build(NETWORK).parameters)
    for name, parameter in build(NETWORK).parameters.items():
        assert parameter.grad.shape == shapes[name]


@pytest.mark.parametrize("padding", ["same", 0])
def test_batch_norm_computes_the_relu_behind_it_with_the_same_bits(
    padding: int | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = Conv(16, 3), BatchNorm(), ReLU(), Conv(4, 3, padding=padding), BatchNorm(), ReLU()
    described = network((2, 9, 9), *layers, FC(CLASSES), classes=CLASSES)
    images = random_images((2, 9, 9), 5, dtype=np.float32)

    def step() -> list[bytes]:
        model = build(described, seed=3)
        result = model.train_batch(images, np.arange(5) % CLASSES)
        gradients = [p.grad.tobytes() for p in model.parameters.values()]
        return [str(result).encode(), model.forward(images).tobytes(), *gradients]

    together = step()
    monkeypatch.setattr(PlannedBatchNorm, "absorb_relu", lambda self: False)
    assert together == step()


def test_buffers_are_the_running_statistics() -> None:
    shapes = {name: buffer.shape for name, buffer in build(NETWORK).buffers.items()}
    assert shapes == {
        f"{norm}.running_{what}": (width,)
        for norm, width in (("bn2", 6), ("block.bn2", 8), ("block.shortcut.bn2", 8))
        for what in ("mean", "var")
    }


def test_network_that_does_not_fit_together_is_not_built() -> None:
    layers = (Conv(out_channels=4, kernel_size=9), FC(out_features=4))
    with pytest.raises(ShapeError, match=r"layer 1 \(conv\).*9x9.*8x6"):
        build(Network(input=SHAPE, layers=layers))
    with pytest.raises(ShapeError, match="3 groups do not divide"):
        build(Network(input=(4, 8, 8), layers=(Conv(out_channels=6, groups=3), *layers[1:])))


def passes(sizes: list[int]) -> list[dict[str, np.ndarray]]:
    """Gradients, buffers and loss of a batch of each size, one after the other."""
    model = sample_model()
    found = []
    for size in sizes:
        model.mode.step = size
        result = model.train_batch(*batch_of(size, seed=size))
        found.append(gradients_of(model) | {"loss": np.array(result.loss)})
    return found


def test_batches_of_any_size_in_any_order() -> None:
    """More sizes than a model keeps memory for; the last is short, as at the end of an epoch."""
    sizes = [32, 32, 7, 32, 1, 2, 3, 5, 8, 7, 1, 32, 33, 100, 7]
    found = passes(sizes)
    for size, gradients in zip(sizes, found, strict=True):
        assert_same(passes([size])[0], gradients)


def test_evaluation_between_steps_does_not_show() -> None:
    model, other = sample_model(), sample_model()
    images, targets = batch_of(16)
    for _ in range(3):
        other.forward(images)
        other.forward(random_images(SHAPE, 5, 3, np.float32))
        assert model.train_batch(images, targets) == other.train_batch(images, targets)
        assert_same(gradients_of(model), gradients_of(other))
    assert_same(arrays_of(model), arrays_of(other))


def test_evaluation_leaves_everything_as_it_is() -> None:
    model = sample_model()
    arrays = arrays_of(model)
    first = model.forward(batch_of(6)[0])
    assert_same(arrays, arrays_of(model))
    np.testing.assert_array_equal(first, model.forward(batch_of(6)[0]))


def test_forward_in_training_drops_and_updates_running_statistics() -> None:
    model = sample_model()
    before = arrays_of(model)
    images = batch_of(6)[0]
    assert (model.forward(images, training=True) != model.forward(images)).any()
    changed = {name for name, array in arrays_of(model).items() if (array != before[name]).any()}
    assert changed == set(model.buffers)


@pytest.mark.parametrize("by", ["train_batch", "forward"])
def test_running_statistics_follow_those_of_the_batches(by: str) -> None:
    """By ``momentum``, the variance with ``n - 1`` below, as in PyTorch."""
    model = build(network(SHAPE, BatchNorm(momentum=0.3, name="bn"), classes=CLASSES))
    mean, var = np.zeros(SHAPE[0]), np.ones(SHAPE[0])
    for seed, size in enumerate((9, 2, 1)):
        images, targets = batch_of(size, seed)
        if by == "forward":
            model.forward(images, training=True)
        else:
            model.train_batch(images, targets)
        mean += 0.3 * (images.mean((0, 2, 3), dtype=float) - mean)
        var += 0.3 * (images.var((0, 2, 3), dtype=float, ddof=1) - var)
    np.testing.assert_allclose(model.buffers["bn.running_mean"], mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.buffers["bn.running_var"], var, rtol=1e-5)


def test_scores_of_an_image_do_not_depend_on_its_neighbours_in_evaluation() -> None:
    model = sample_model()
    images = batch_of(40)[0]
    whole = model.forward(images)
    for n in (0, 13, 39):
        np.testing.assert_allclose(model.forward(images[n : n + 1])[0], whole[n], rtol=1e-4)


def test_results_stay_when_the_model_goes_on() -> None:
    model = sample_model()
    scores = model.forward(batch_of(6)[0])
    kept = scores.copy()
    model.forward(batch_of(6, seed=1)[0])
    model.train_batch(*batch_of(6, seed=2))
    np.testing.assert_array_equal(scores, kept)
    assert (scores.shape, scores.dtype) == ((6, CLASSES), np.float32)


def test_images_and_targets_are_only_read() -> None:
    model = build(network(SHAPE, ReLU(), BatchNorm(), LRN(), classes=CLASSES))
    images, targets = batch_of(9)
    kept = images.copy(), targets.copy()
    images.setflags(write=False)
    targets.setflags(write=False)
    model.train_batch(images, targets)
    np.testing.assert_array_equal(images, kept[0])
    np.testing.assert_array_equal(targets, kept[1])


def test_images_may_lie_in_memory_in_any_way() -> None:
    model = sample_model()
    images, _ = batch_of(10)
    expected = model.forward(images)
    views = {
        "every other": np.repeat(images, 2, axis=0)[::2],
        "channels last": np.ascontiguousarray(images.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2),
        "upside down": images[:, :, ::-1].copy()[:, :, ::-1],
    }
    for name, view in views.items():
        assert not view.flags["C_CONTIGUOUS"]
        np.testing.assert_array_equal(model.forward(view), expected, err_msg=name)


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int32, np.uint64])
def test_targets_may_be_integers_of_any_size(kind: type) -> None:
    images, targets = batch_of(9)
    expected = sample_model().train_batch(images, targets)
    assert sample_model().train_batch(images, targets.astype(kind)) == expected


@pytest.mark.parametrize("width", [3, 16, 130])
def test_weights_that_change_count_at_the_next_pass(width: int) -> None:
    """Whatever forms of them are kept: for scores and for gradients."""
    convs = (Conv(out_channels=width, padding=1), ReLU(), Conv(out_channels=width, padding=1))
    described = network(SHAPE, *convs, classes=CLASSES)
    model, fresh = build(described), build(described)
    images, targets = batch_of(6)
    model.forward(images)
    model.train_batch(images, targets)
    for changed in (model, fresh):
        for parameter in changed.parameters.values():
            parameter.data[...] += 0.01
    np.testing.assert_array_equal(model.forward(images), fresh.forward(images))
    assert model.train_batch(images, targets) == fresh.train_batch(images, targets)
    assert_same(gradients_of(fresh), gradients_of(model))


def test_two_models_do_not_meet() -> None:
    images, targets = batch_of(9)
    model, other = sample_model(), sample_model()
    expected = sample_model().train_batch(images, targets)
    assert model.train_batch(images, targets) == expected
    gradients = gradients_of(model)
    other.train_batch(*batch_of(9, seed=4))
    assert_same(gradients, gradients_of(model))


def test_without_dropout_the_step_does_not_matter() -> None:
    model = build(without_dropout(NETWORK))
    images, targets = batch_of(9)
    assert model.train_batch(images, targets) == model.train_batch(images, targets)


def test_dropout_draws_new_masks_at_each_step() -> None:
    model = sample_model()
    losses = {model.train_batch(*batch_of(9)).loss for _ in range(4)}
    assert len(losses) == 4
    model.mode.step = 0
    assert model.train_batch(*batch_of(9)).loss in losses


def without_dropout(described: Network) -> Network:
    layers = tuple(layer for layer in described.layers if not isinstance(layer, Dropout))
    return Network(input=described.input, layers=layers)
