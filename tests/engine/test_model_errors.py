"""What a model refuses, and that nothing has changed then."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sample_model import assert_same, batch_of, sample_model
from samples import arrays_of, gradients_of, network

from cnn_tui.engine.build import build
from cnn_tui.engine.errors import DataError, NonFiniteError, ShapeError
from cnn_tui.engine.model import Model
from cnn_tui.engine.specs.layers import FC

Break = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
WRONG: dict[str, tuple[Break, type[Exception], str]] = {
    "bytes": (
        lambda x, y: (np.zeros(x.shape, np.uint8), y),
        ShapeError,
        "images of type float32, received uint8.*Normalise",
    ),
    "double": (lambda x, y: (x.astype(float), y), ShapeError, "type float32, received float64"),
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
    with pytest.raises(NonFiniteError, match=f"not finite is {layer}") as caught:
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
