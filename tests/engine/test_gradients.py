"""Every gradient against central differences, in float64 and away from kinks."""

from __future__ import annotations

import numpy as np
import pytest
from cases import LARGE_BANKS, Case, Choice, convs, dense_convs, networks, pools
from gradcheck import assert_gradients
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import FreeImages, spaced

from cnn_tui.engine.specs.layers import (
    FC,
    LRN,
    AvgPool,
    BatchNorm,
    Conv,
    Dropout,
    Layer,
    LeakyReLU,
    MaxPool,
    ReLU,
    Residual,
    Sigmoid,
    Tanh,
)
from cnn_tui.engine.specs.network import SVM, Loss, Network, Softmax

Shape = tuple[int, int, int]
Rows = dict[str, tuple[Shape, int, tuple[Layer, ...]]]

LAYERS: Rows = {
    "fc": ((2, 3, 2), 3, (FC(out_features=4),)),
    "fc without bias": ((2, 3, 2), 3, (FC(out_features=4, bias=False), Tanh())),
    "conv": ((2, 5, 4), 3, (Conv(out_channels=3),)),
    "conv without bias": ((2, 5, 4), 2, (Conv(out_channels=3, bias=False),)),
    "conv 1x1": ((3, 3, 3), 2, (Conv(out_channels=2, kernel_size=1),)),
    "conv same": ((2, 4, 5), 1, (Conv(out_channels=2, kernel_size=(3, 5), padding="same"),)),
    "conv padded beyond its kernel": ((1, 3, 3), 2, (Conv(out_channels=2, padding=4),)),
    "conv rectangular, strides": (
        (2, 7, 6),
        2,
        (Conv(out_channels=2, kernel_size=(3, 2), stride=(2, 1), padding=(1, 0)),),
    ),
    "conv strides that leave pixels out": (
        (1, 6, 6),
        3,
        (Conv(out_channels=2, kernel_size=2, stride=3, rounding="floor"),),
    ),
    "conv dilated": ((2, 7, 8), 2, (Conv(out_channels=2, padding=2, dilation=(2, 3)),)),
    "conv grouped": ((4, 4, 4), 2, (Conv(out_channels=6, padding=1, groups=2),)),
    "conv depthwise": ((3, 4, 4), 2, (Conv(out_channels=3, padding=1, groups=3),)),
    "conv grouped, strides": (
        (4, 5, 5),
        2,
        (Conv(out_channels=2, stride=2, padding=1, groups=2),),
    ),
    "max pool": ((2, 4, 6), 3, (MaxPool(),)),
    "max pool overlapping": ((2, 5, 5), 3, (MaxPool(kernel_size=3, stride=2, padding=1),)),
    "max pool stride 1": ((2, 4, 4), 2, (MaxPool(kernel_size=(3, 2), stride=1),)),
    "max pool with gaps": ((1, 7, 7), 2, (MaxPool(kernel_size=2, stride=3, rounding="floor"),)),
    "average pool": ((2, 4, 6), 3, (AvgPool(),)),
    "average pool overlapping": ((2, 5, 5), 3, (AvgPool(kernel_size=3, stride=2, padding=1),)),
    "response norm": ((7, 2, 3), 3, (LRN(alpha=0.3, beta=0.75, k=1.5),)),
    "response norm of even size": ((5, 2, 2), 2, (LRN(size=4, alpha=0.5, beta=0.5, k=1.0),)),
    "response norm wider than channels": ((3, 2, 2), 2, (LRN(size=9, alpha=0.5),)),
    "batch norm": ((3, 3, 2), 5, (BatchNorm(),)),
    "batch norm of one image": ((2, 4, 3), 1, (BatchNorm(eps=1e-2),)),
    "batch norm of features": ((2, 2, 2), 6, (FC(out_features=4), BatchNorm(), Tanh())),
    "two batch norms": ((2, 4, 4), 5, (BatchNorm(), Conv(out_channels=3), BatchNorm(), Tanh())),
}

BLOCKS: Rows = {
    "identity": ((2, 4, 4), 3, (Residual(branch=(Conv(out_channels=2, padding=1), Tanh())),)),
    "identity of an activation": ((2, 3, 3), 2, (Residual(branch=(ReLU(),)), Tanh())),
    "identity of a pool": (
        (2, 4, 4),
        2,
        (Residual(branch=(MaxPool(kernel_size=3, stride=1, padding=1),)), Tanh()),
    ),
    "projection": (
        (2, 4, 4),
        3,
        (
            Residual(
                branch=(
                    Conv(out_channels=3, padding=1, stride=2, rounding="floor", bias=False),
                    BatchNorm(),
                    Tanh(),
                ),
                shortcut="projection",
                stride=2,
            ),
        ),
    ),
    "zero-pad": (
        (2, 5, 5),
        3,
        (
            Residual(
                branch=(Conv(out_channels=4, padding=1, stride=2), Sigmoid()),
                shortcut="zero-pad",
                stride=2,
            ),
            Tanh(),
        ),
    ),
    "nested": (
        (2, 3, 3),
        2,
        (
            Tanh(),
            Residual(
                branch=(
                    Residual(branch=(Sigmoid(), Conv(out_channels=2, padding=1))),
                    Tanh(),
                    Residual(branch=(Conv(out_channels=2, kernel_size=1),), shortcut="projection"),
                )
            ),
            LeakyReLU(),
        ),
    ),
    "of features": (
        (2, 2, 2),
        3,
        (FC(out_features=4), Residual(branch=(Tanh(), FC(out_features=4))), Tanh()),
    ),
    "dropout inside": (
        (2, 4, 4),
        5,
        (Residual(branch=(Dropout(p=0.3), Conv(out_channels=2, padding=1), Dropout(p=0.3))),),
    ),
}

STACKS: Rows = {
    "activations in a row": ((2, 3, 3), 3, (ReLU(), LeakyReLU(), Sigmoid(), Tanh())),
    "pool after relu after conv": (
        (2, 5, 5),
        3,
        (Conv(out_channels=3, padding=1), ReLU(), MaxPool(kernel_size=3, stride=2), Tanh()),
    ),
    "pools in a row": ((2, 8, 8), 2, (MaxPool(), AvgPool(), MaxPool(kernel_size=1))),
    "pool, relu, pool": ((2, 8, 8), 2, (MaxPool(), ReLU(), MaxPool())),
    "groups where a framed gradient of one group's size was": (
        (4, 2, 3),
        5,
        (
            Conv(out_channels=4, kernel_size=1),
            Conv(out_channels=6, kernel_size=(3, 1), padding=(1, 0), groups=2),
            Conv(out_channels=3, kernel_size=1),
            Conv(out_channels=3, kernel_size=(3, 1), padding=(1, 0)),
        ),
    ),
    "everything": (
        (2, 9, 9),
        5,
        (
            Conv(out_channels=4, padding=1),
            BatchNorm(),
            ReLU(),
            Conv(out_channels=4, groups=2),
            LRN(alpha=0.2),
            MaxPool(kernel_size=3, stride=2),
            Dropout(p=0.2),
            FC(out_features=6),
            BatchNorm(),
            Sigmoid(),
        ),
    ),
}


@pytest.mark.parametrize(
    ("shape", "batch", "layers"),
    [pytest.param(*row, id=name) for name, row in (LAYERS | BLOCKS | STACKS).items()],
)
def test_layer(shape: Shape, batch: int, layers: tuple[Layer, ...]) -> None:
    free = FreeImages(shape, batch, *layers)
    free.set(spaced((batch, *shape)))
    assert_gradients(free.model, free.loss)


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize(
    "loss",
    [
        Softmax(),
        Softmax(label_smoothing=0.2),
        SVM(),
        SVM(delta=2.5),
        SVM(squared=True),
        SVM(delta=0.5, squared=True),
    ],
    ids=str,
)
def test_loss(loss: Loss, batch: int) -> None:
    free = FreeImages((2, 3, 3), batch, Tanh(), classes=4, loss=loss)
    free.set(spaced((batch, 2, 3, 3)))
    assert_gradients(free.model, free.loss)


@settings(max_examples=60)
@given(convs() | dense_convs() | pools(), st.integers(1, 7))
def test_geometry(case: Case, batch: int) -> None:
    """Any window, any size, any batch: the layer itself and what it passes back."""
    shape, layer = case
    free = FreeImages(shape, batch, layer)
    free.set(spaced((batch, *shape)))
    assert_gradients(free.model, free.loss, singles=0)


@settings(max_examples=60)
@given(convs() | pools(), st.integers(1, 5))
def test_gradient_of_a_layer_above_a_layer(case: Case, batch: int) -> None:
    """The gradient that arrives is not the loss's own, and goes on to a layer below."""
    shape, layer = case
    free = FreeImages(shape, batch, BatchNorm(eps=0.1), layer, Tanh(), BatchNorm(eps=0.1))
    free.set(spaced((batch, *shape)))
    assert_gradients(free.model, free.loss, singles=0)


@pytest.mark.parametrize("name", LARGE_BANKS)
def test_large_filter_bank(name: str) -> None:
    shape, layer = LARGE_BANKS[name]
    free = FreeImages(shape, 3, BatchNorm(eps=0.1), layer, BatchNorm(eps=0.1), Tanh())
    free.set(spaced((3, *shape)))
    assert_gradients(free.model, free.loss, singles=0)


SMOOTH = Choice(widths=(3, 17, 20, 50), smooth=True)


@settings(max_examples=40)
@given(networks(SMOOTH), st.integers(2, 5))
def test_random_network_without_kinks(network: Network, batch: int) -> None:
    """Whatever layers share, overwrite or read in place among themselves."""
    free = FreeImages(network.input, batch, *network.layers[:-1])
    free.set(spaced((batch, *network.input)))
    assert_gradients(free.model, free.loss, singles=0)


def test_wide_layer() -> None:
    """Large enough for the engine to treat the batch as a whole there."""
    free = FreeImages((5, 15, 14), 9, FC(out_features=257), Tanh())
    free.set(spaced((9, 5, 15, 14)))
    free.model.parameters["fc2.weight"].data[...] *= 0.02
    assert_gradients(free.model, free.loss, singles=0)


@pytest.mark.parametrize(("window", "stride"), [(2, 2), (3, 3), (2, 1), (3, 2), (2, 3)])
def test_of_equal_values_one_takes_the_gradient(window: int, stride: int) -> None:
    """A max pool over a plateau passes its gradient on once, to the first in reading order."""
    pool = MaxPool(kernel_size=window, stride=stride, rounding="floor")
    free = FreeImages((1, 6, 6), 2, pool)
    free.set(np.ones((2, 1, 6, 6)))
    free.loss()
    expected = np.zeros((6, 6), bool)
    firsts = range(0, 6 - window + 1, stride)
    expected[np.ix_(firsts, firsts)] = True
    assert ((free.image_gradient != 0) == expected).all()


def test_relu_passes_nothing_at_zero_and_below() -> None:
    free = FreeImages((1, 2, 2), 1, ReLU())
    free.set(np.array([[[[0.0, -1.0], [1.0, -0.0]]]]))
    free.loss()
    assert ((free.image_gradient != 0) == np.array([[False, False], [True, False]])).all()


def test_gradients_of_a_batch_are_the_mean_of_its_images() -> None:
    """However the batch is cut: 61 images at once, against each by itself."""
    shape, batch = (1, 8, 8), 61
    layers = (Conv(out_channels=3, padding=1), ReLU(), MaxPool(), FC(out_features=5), Tanh())
    free = FreeImages(shape, batch, *layers)
    free.set(spaced((batch, *shape)))
    free.loss()
    names = [name for name in free.model.parameters if name != "images.weight"]
    whole = {name: free.model.parameters[name].grad.copy() for name in names}
    total = {name: np.zeros_like(gradient) for name, gradient in whole.items()}
    for n in range(batch):
        free.model.train_batch(free.ones[n : n + 1], free.targets[n : n + 1])
        for name in names:
            total[name] += free.model.parameters[name].grad / batch
    for name in names:
        np.testing.assert_allclose(whole[name], total[name], rtol=1e-10, atol=1e-13)
