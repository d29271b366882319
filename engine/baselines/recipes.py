"""The networks of the baselines: presets adapted to the images to classify."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, get_args

import msgspec

from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import FC, Conv, Layer, MaxPool, ReLU
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import load_preset

Volume = tuple[int, int, int]
"""``(C, H, W)``."""

Baseline = Literal["knn", "linear-svm", "linear-softmax", "two-layer", "convnet"]
BASELINES: tuple[Baseline, ...] = get_args(Baseline)
"""The baselines in the order of the notes."""

_PRESETS = {
    "linear-svm": "svm-linear",
    "linear-softmax": "softmax-linear",
    "two-layer": "two-layer",
}
_CONVNETS = ("digits-convnet", "lenet5", "convnetjs-cifar")
_TUNED_FOR = 64
"""Pixels per image for which the learning rates of the flat presets were chosen."""
_IMAGES = 500_000
"""Images per training; it limits the epochs on large datasets."""
_LEAST_EPOCHS = 5
_BATCH = 100
"""Batch size for datasets of more than 50 such batches."""


def network_for(
    baseline: Baseline,
    shape: Volume,
    classes: int,
    images: int,
    *,
    data: str,
    epochs: int | None = None,
    seed: int = 0,
) -> Network:
    """A valid network for images of a shape, with a suitable recipe.

    Args:
        baseline: Any baseline except ``knn``.
        shape: ``(C, H, W)``.
        classes: Number of classes.
        images: Number of training images.
        data: Name of the dataset.
        epochs: Number of epochs; None uses the recipe's.
        seed: Seed of weights, order and dropout.
    """
    network = _convnet(shape, classes) if baseline == "convnet" else _flat(baseline, shape, classes)
    recipe = network.training
    fitting = max(_LEAST_EPOCHS, min(recipe.epochs, _IMAGES // images))
    fitted = network.with_training(
        epochs=epochs or fitting,
        seed=seed,
        batch_size=max(recipe.batch_size, _BATCH) if images > 50 * _BATCH else recipe.batch_size,
    )
    return msgspec.structs.replace(fitted, name=baseline, description="", data=data)


def _flat(baseline: str, shape: Volume, classes: int) -> Network:
    """A network without convolution; more pixels per image need a smaller learning rate."""
    network = _adapted(load_preset(_PRESETS[baseline]), shape, classes)
    more = shape[0] * shape[1] * shape[2] / _TUNED_FOR
    lr = network.training.lr / (more if len(network.layers) == 1 else more**0.5)
    return network.with_training(lr=min(lr, network.training.lr))


def _convnet(shape: Volume, classes: int) -> Network:
    """The preset for this image size, else as many convolutional blocks as fit."""
    for name in _CONVNETS:
        preset = load_preset(name)
        if preset.input == shape:
            return _adapted(preset, shape, classes)
    recipe = load_preset("convnetjs-cifar").training
    layers = (*_blocks(shape), FC(out_features=classes))
    return Network(input=shape, layers=layers, training=recipe)


def _blocks(shape: Volume) -> Iterator[Layer]:
    """3x3 convolutions, each with a pooling layer while the images are large enough."""
    side = min(shape[1], shape[2])
    for channels in (16, 32, 64, 64, 64):
        yield Conv(out_channels=channels, kernel_size=3, padding="same")
        yield ReLU()
        if side >= 4:
            yield MaxPool(kernel_size=2, rounding="floor")
        side //= 2
        if side < 4:
            return


def _adapted(network: Network, shape: Volume, classes: int) -> Network:
    *before, last = network.layers
    if not isinstance(last, FC):
        raise TypeError(f"{network.name} does not end with a fully connected layer")
    scores = msgspec.structs.replace(last, out_features=classes)
    return msgspec.structs.replace(network, input=shape, layers=(*before, scores))


def parameters(network: Network) -> int:
    """Number of learned parameters of a network."""
    return check(network).total_params
