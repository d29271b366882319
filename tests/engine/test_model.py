"""The built network as others use it: names, batches of any size, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from samples import arrays_of, gradients_of, network, random_images, random_targets, randomize

from cnn_tui.engine.build import build
from cnn_tui.engine.errors import DataError, NonFiniteError, ShapeError
from cnn_tui.engine.model import Model
from cnn_tui.engine.specs.layers import (
    FC,
    LRN,
    BatchNorm,
    Conv,
    Dropout,
    MaxPool,
    ReLU,
    Residual,
)
from cnn_tui.engine.specs.network import Network

SHAPE = (2, 8, 6)
CLASSES = 4
NETWORK = network(
    SHAPE,
    Conv(out_channels=6, padding=1),
    BatchNorm(),
    ReLU(),
    Residual(
        branch=(Conv(out_channels=8, padding=1), BatchNorm()), shortcut="projection", name="block"
    ),
    MaxPool(),
    Dropout(p=0.2),
    Conv(out_channels=4, kernel_size=(3, 1), groups=2, bias=False),
    classes=CLASSES,
)


def sample_model() -> Model:
    model = build(NETWORK)
    randomize(model)
    return model


def batch_of(size: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    return random_images(SHAPE, size, seed, np.float32), random_targets(CLASSES, size, seed)


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


Break = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
WRONG: dict[str, tuple[Break, type[Exception], str]] = {
    "bytes": (
        lambda x, y: (np.zeros(x.shape, np.uint8), y),
        ShapeError,
        "computes in float32, the images are uint8.*Normalise",
    ),
    "double": (lambda x, y: (x.astype(float), y), ShapeError, "float32, the images are float64"),
    "size": (
        lambda x, y: (x[:, :, :-1], y),
        ShapeError,
        "expected images of N x 2x8x6, received 5x2x7x6",
    ),
    "channels": (lambda x, y: (x[:, :1], y), ShapeError, "received 5x1x8x6"),
    "one image": (lambda x, y: (x[0], y), ShapeError, "received 2x8x6"),
    "no image": (lambda x, y: (x[:0], y[:0]), ShapeError, "received 0x2x8x6"),
    "label too large": (
        lambda x, y: (x, np.where(y == y[2], 4, y)),
        DataError,
        "labels from 0 to 3, .*received 4",
    ),
    "label negative": (lambda x, y: (x, y - 4), DataError, "from 0 to 3, .*received -"),
    "labels too few": (lambda x, y: (x, y[:-1]), ShapeError, r"expected 5 whole numbers.*\(4,\)"),
    "labels one-hot": (lambda x, y: (x, np.eye(4, dtype=int)[y]), ShapeError, r"\(5, 4\)"),
    "labels as floats": (lambda x, y: (x, y.astype(float)), ShapeError, "received float64"),
}


@pytest.mark.parametrize(("spoil", "error", "message"), WRONG.values(), ids=list(WRONG))
def test_batch_that_does_not_fit_is_refused_before_any_work(
    spoil: Break, error: type[Exception], message: str
) -> None:
    model = sample_model()
    model.train_batch(*batch_of(5))
    arrays, gradients, step = arrays_of(model), gradients_of(model), model.mode.step
    with pytest.raises(error, match=message):
        model.train_batch(*spoil(*batch_of(5, seed=1)))
    assert_same(arrays, arrays_of(model))
    assert_same(gradients, gradients_of(model))
    assert model.mode.step == step


def test_forward_refuses_the_same_images() -> None:
    for name in ("bytes", "double", "size", "channels", "one image", "no image"):
        spoil, error, message = WRONG[name]
        with pytest.raises(error, match=message):
            sample_model().forward(spoil(*batch_of(5))[0])


def assert_same(before: dict[str, np.ndarray], after: dict[str, np.ndarray]) -> None:
    assert before.keys() == after.keys()
    for name, array in before.items():
        np.testing.assert_array_equal(after[name], array, err_msg=name)


def spoil_image(model: Model, images: np.ndarray) -> None:
    images[3, 1, 4, 4] = np.nan


def spoil(name: str, value: float) -> Callable[[Model, np.ndarray], None]:
    def put(model: Model, images: np.ndarray) -> None:
        data = model.parameters[name].data
        data[(0,) * data.ndim] = value

    return put


@pytest.mark.parametrize(
    ("fault", "layer"),
    [
        (spoil_image, "conv1"),
        (spoil("conv1.weight", np.nan), "conv1"),
        (spoil("conv1.bias", -np.inf), "conv1"),
        (spoil("bn2.weight", np.inf), "bn2"),
        (spoil("block.conv1.weight", np.nan), "block.conv1"),
        (spoil("block.shortcut.bn2.bias", np.nan), "block.shortcut.bn2"),
        (spoil("conv7.weight", np.inf), "conv7"),
        (spoil("scores.weight", 3e38), "scores"),
        (spoil("scores.bias", np.nan), "scores"),
    ],
)
def test_loss_that_is_not_finite_names_the_layer_and_changes_nothing(
    fault: Callable[[Model, np.ndarray], None], layer: str
) -> None:
    model = sample_model()
    images, targets = batch_of(9)
    images *= 10
    fault(model, images)
    arrays = arrays_of(model)
    with pytest.raises(NonFiniteError, match=f"come from {layer}") as caught:
        model.train_batch(images, targets)
    assert caught.value.layer == layer
    assert caught.value.hint
    assert_same(arrays, arrays_of(model))


def test_gradient_that_is_not_finite_names_the_layer() -> None:
    """Finite scores from huge images and tiny weights: only the gradient overflows."""
    model = build(network((1, 2, 2), FC(out_features=3, name="tiny"), classes=3))
    model.parameters["tiny.weight"].data[...] = 1e-38
    model.parameters["scores.weight"].data[...] = 10 * np.arange(9).reshape(3, 3)
    images = np.full((2, 1, 2, 2), 1e38, np.float32)
    arrays = arrays_of(model)
    with pytest.raises(NonFiniteError, match=r"gradient of tiny\.weight is not finite") as caught:
        model.train_batch(images, np.array([0, 1]))
    assert caught.value.layer == "tiny"
    assert_same(arrays, arrays_of(model))


def test_gradient_whose_squares_overflow_is_still_finite() -> None:
    model = build(network((1, 2, 2), FC(out_features=3, name="tiny"), classes=3))
    model.parameters["tiny.weight"].data[...] = 1e-30
    result = model.train_batch(np.full((2, 1, 2, 2), 1e30, np.float32), np.array([0, 1]))
    assert np.isfinite(result.loss)
    assert model.parameters["tiny.weight"].grad.max() > 1e25


def test_after_a_bad_batch_a_good_one_counts_as_if_nothing_had_been() -> None:
    model, other = sample_model(), sample_model()
    images, targets = batch_of(9)
    bad = images.copy()
    bad[0, 0, 0, 0] = np.inf
    with pytest.raises(NonFiniteError):
        model.train_batch(bad, targets)
    assert model.train_batch(images, targets) == other.train_batch(images, targets)
    assert_same(gradients_of(other), gradients_of(model))
    assert_same(arrays_of(other), arrays_of(model))


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
