"""Small networks in which every number of interest is a parameter or a score."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from cnn_tui.engine.build import build
from cnn_tui.engine.model import Model
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import FC, Conv, Layer
from cnn_tui.engine.specs.network import Loss, Network, Recipe, Softmax

Shape = tuple[int, int, int]


def network(
    shape: Shape,
    *layers: Layer,
    classes: int = 0,
    loss: Loss | None = None,
    training: Recipe | None = None,
) -> Network:
    """A network on images of ``shape``, ended by ``fc`` with ``classes`` scores if there are any.

    Raises:
        AssertionError: where it is not valid.
    """
    ending = (FC(out_features=classes, name="scores"),) if classes else ()
    described = Network(
        name="sample",
        input=shape,
        layers=(*layers, *ending),
        loss=loss or Softmax(),
        training=training or Recipe(),
    )
    report = check(described)
    assert report.valid, report.issues
    return described


def random_images(shape: Shape, batch: int, seed: int = 0, dtype: DTypeLike = float) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((batch, *shape)).astype(dtype)


def random_targets(classes: int, batch: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, classes, batch)


def randomize(model: Model, seed: int = 2) -> None:
    """Random values in every parameter and every buffer, so that none can be left out unseen."""
    rng = np.random.default_rng(seed)
    for parameter in model.parameters.values():
        parameter.data[...] = 0.5 * rng.standard_normal(parameter.data.shape)
        if parameter.role == "gamma":
            parameter.data[...] += 1
    for name, buffer in model.buffers.items():
        values = rng.random(buffer.shape)
        buffer[...] = values + 0.5 if name.endswith("var") else values - 0.5


def arrays_of(model: Model) -> dict[str, np.ndarray]:
    """Copies of all parameters and buffers, by name."""
    values = {name: parameter.data.copy() for name, parameter in model.parameters.items()}
    return values | {name: buffer.copy() for name, buffer in model.buffers.items()}


def gradients_of(model: Model) -> dict[str, np.ndarray]:
    return {name: parameter.grad.copy() for name, parameter in model.parameters.items()}


class Outputs:
    """The output volume of layers, read off the scores: an ``fc`` that is the identity follows."""

    def __init__(self, shape: Shape, *layers: Layer, dtype: DTypeLike = np.float64) -> None:
        probe = check(network(shape, *layers, classes=2))
        self.layers, self.reports = layers, probe.layers[:-1]
        self.output = tuple(self.reports[-1].output or ())
        width = int(np.prod(self.output))
        reading = network(shape, *layers, FC(out_features=max(2, width), bias=False, name="all"))
        self.model = build(reading, dtype=dtype)
        randomize(self.model)
        self.model.parameters["all.weight"].data[...] = np.eye(max(2, width), width)

    def of(self, images: np.ndarray, training: bool = False) -> np.ndarray:
        scores = self.model.forward(images, training=training)
        width = int(np.prod(self.output))
        return scores[:, :width].reshape(len(images), *self.output)


class FreeImages:
    """A model whose images are a parameter, so that their gradient can be read and checked.

    Image ``n`` is fed as a single pixel that is one in channel ``n``; a convolution that is padded
    all around turns it into ``weight[:, n]``, seen upside down.
    """

    def __init__(
        self,
        shape: Shape,
        batch: int,
        *layers: Layer,
        classes: int = 3,
        loss: Loss | None = None,
        threads: int = 1,
    ) -> None:
        channels, height, width = shape
        first = Conv(
            out_channels=channels,
            kernel_size=(height, width),
            padding=(height - 1, width - 1),
            bias=False,
            name="images",
        )
        described = network((batch, 1, 1), first, *layers, classes=classes, loss=loss)
        self.model = build(described, dtype=np.float64, threads=threads)
        randomize(self.model)
        self.ones = np.eye(batch).reshape(batch, batch, 1, 1)
        self.targets = random_targets(classes, batch)

    def set(self, images: np.ndarray) -> None:
        upright = self.model.parameters["images.weight"].data[:, :, ::-1, ::-1]
        upright[...] = images.transpose(1, 0, 2, 3)

    @property
    def image_gradient(self) -> np.ndarray:
        gradient = self.model.parameters["images.weight"].grad
        return gradient[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)

    def loss(self) -> float:
        """Of one training pass; always the same step, so that dropout keeps its masks."""
        self.model.mode.step = 0
        return self.model.train_batch(self.ones, self.targets).loss


def spaced(shape: tuple[int, ...], seed: int = 3) -> np.ndarray:
    """Values far from zero and from each other: no step of a difference crosses a kink."""
    size = int(np.prod(shape))
    order = np.random.default_rng(seed).permutation(size)
    return ((order - size / 2 + 0.25) * (4 / size)).reshape(shape)


ROUNDING = 256 * float(np.finfo(np.float32).eps)
"""Of the largest value of an array: what hundreds of products added in another order differ by."""


def assert_rounded(found: np.ndarray, expected: np.ndarray, what: str = "") -> None:
    """Equal in float32 but for the order of additions, which other batches and kernels change."""
    scale = float(np.abs(expected).max()) or 1.0
    np.testing.assert_allclose(found / scale, expected / scale, rtol=0, atol=ROUNDING, err_msg=what)
