"""The start of a run: the check that network and dataset match, and the first event."""

from __future__ import annotations

import numpy as np

from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.data.preprocess import Normalizer
from cnn_tui.engine.errors import MismatchError
from cnn_tui.engine.protocol import Engine
from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.batches import count_batches
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.network import Network, Recipe
from cnn_tui.engine.training.checkpointer import Checkpointer
from cnn_tui.engine.training.events import RunStarted
from cnn_tui.engine.training.lone_image import refuse_lone_image

_COLOURS = {1: "grey", 3: "colour"}


def check_compatible(network: Network, dataset: Dataset) -> None:
    """Refuse a network that has issues, or that does not match the images and classes.

    Raises:
        MismatchError: with what was expected and what was received.
        ShapeError: A batch would have a single image, of which a batch norm sees one value.
    """
    found = dataset.input_shape, len(dataset.classes)
    if network.input != dataset.input_shape:
        expected, received = map(format_shape, (network.input, dataset.input_shape))
        own, other = (_COLOURS.get(shape[0], "") for shape in (network.input, dataset.input_shape))
        if own != other:
            expected, received = f"{own} {expected}".strip(), f"{other} {received}".strip()
        raise MismatchError(
            f"the network {network.name} expects images of {expected}, received {received} from "
            f"{dataset.name}.",
            f"Set input = {list(dataset.input_shape)}, or choose other data.",
            *found,
        )
    report = check(network, classes=len(dataset.classes))
    if not report.valid:
        raise MismatchError(report.issues[0].message, "", *found)
    refuse_lone_image(network, len(dataset.train))


PEAK_OF = 1000
"""Images that are searched for the largest pixel."""


def peak_of(dataset: Dataset) -> float:
    """The brightest value of a pixel in the training images."""
    return float(dataset.train.images[:PEAK_OF].max())


def run_started(
    network: Network,
    dataset: Dataset,
    recipe: Recipe,
    *,
    model: Engine,
    normalizer: Normalizer,
    checkpointer: Checkpointer,
    from_step: int,
) -> RunStarted:
    """The event with sizes and settings of a run; ``recipe`` has the current settings."""
    train = dataset.train
    counts = np.bincount(train.labels, minlength=len(dataset.classes))
    return RunStarted(
        arch=network.name,
        data=dataset.name,
        params=model.size,
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        batches=count_batches(len(train), recipe),
        train_images=len(train),
        val_images=len(dataset.val),
        test_images=len(dataset.test),
        classes=dataset.classes,
        optimizer=recipe.optimizer,
        lr=recipe.lr,
        seed=recipe.seed,
        threads=model.threads,
        engine=model.signature,
        mean=tuple(normalizer.mean.ravel().tolist()),
        std=tuple(normalizer.std.ravel().tolist()),
        peak=peak_of(dataset),
        class_shares=tuple((counts / len(train)).tolist()),
        from_step=from_step,
        run=checkpointer.run,
        path=checkpointer.path,
        again_of=checkpointer.again_of,
        origin=checkpointer.origin,
    )
