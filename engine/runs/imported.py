"""Weights from another program, kept as a run: predict, Inspect, train and export open it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cnn_tui.engine.errors import RunError
from cnn_tui.engine.runs.folder import RunFolder, RunInfo, create_run
from cnn_tui.engine.runs.keep_weights import fill_run
from cnn_tui.engine.runs.stamp import package_version, utc_now
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.storage import Storage
from cnn_tui.engine.training.events import RunStarted
from cnn_tui.engine.training.snapshot import Weights


@dataclass(frozen=True)
class Pixels:
    """Scaling of the training images: pixels up to ``peak``, minus ``mean``, divided by ``std``.

    ``mean`` and ``std`` have a number for each channel, or one for all of them.
    """

    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    peak: float = 1.0

    def of(self, channels: int) -> Pixels:
        """Return the same with a number for each of the channels.

        Raises:
            RunError: if there is another number of them, or a number is out of range.
        """
        mean, std = (
            numbers * channels if len(numbers) == 1 else numbers
            for numbers in (self.mean, self.std)
        )
        if len(mean) != channels or len(std) != channels:
            raise RunError(
                f"The images have {channels} channels, received {len(mean)} means and {len(std)} "
                "standard deviations.",
                "Give one number for each channel, or one for all.",
            )
        if not all(value > 0 for value in std):
            raise RunError("A standard deviation must be greater than 0.")
        return Pixels(mean, std, self.peak)


def keep_imported(
    root: Path,
    network: Network,
    weights: Weights,
    *,
    classes: Sequence[str] = (),
    pixels: Pixels | None = None,
    note: str = "",
    storage: Storage | None = None,
) -> RunFolder:
    """Create a run under ``root`` with these weights, before its first step.

    Args:
        root: the folder of all runs.
        network: a valid network; it has the data and the recipe of the run.
        weights: parameters and buffers by the model's names, in PyTorch's shapes.
        classes: one name for each score; by default their numbers from 0.
        pixels: how pixels were normalised; by default they are from 0 to 1 and stay as they are.
        note: the note of the run, such as the file that the weights come from.
        storage: where to write; None for the disk.

    Raises:
        RunError: if the run cannot be written, or classes or pixels do not fit the network.
        ShapeError: if the weights do not fit the network.
    """
    storage = storage or Storage()
    started = _started(network, classes, (pixels or Pixels()).of(network.input[0]))
    info = RunInfo(
        created=utc_now(), version=package_version(), arch=network.name, data=network.data
    )
    folder = create_run(root, network, info, storage)
    fill_run(folder, network, weights, started, note=note, storage=storage)
    return folder


def _started(network: Network, classes: Sequence[str], pixels: Pixels) -> RunStarted:
    report, recipe = check(network), network.training
    if not report.valid:
        raise RunError(f"The network cannot hold weights: {report.issues[0].message}")
    scores = math.prod(report.layers[-1].output or ())
    names = tuple(classes) or tuple(map(str, range(scores)))
    if len(names) != scores:
        raise RunError(
            f"The network gives {scores:,} scores, received the names of {len(names):,} classes.",
            "Give one name for each score.",
        )
    return RunStarted(
        arch=network.name,
        data=network.data,
        params=report.total_params,
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        batches=1,
        # None was seen here, but the events of a run have at least one.
        train_images=1,
        val_images=0,
        test_images=0,
        classes=names,
        optimizer=recipe.optimizer,
        lr=recipe.lr,
        seed=recipe.seed,
        threads=1,
        mean=pixels.mean,
        std=pixels.std,
        peak=pixels.peak,
    )
