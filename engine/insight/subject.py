"""What is looked into: a network with weights, and the data to look at it with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.build import build
from cnn_tui.engine.data.catalog import load_dataset
from cnn_tui.engine.data.dataset import Dataset, Split, stratified_order
from cnn_tui.engine.data.pictures import BadPictureError, fitted_picture
from cnn_tui.engine.data.preprocess import Normalizer
from cnn_tui.engine.errors import CnnTuiError, InsightError
from cnn_tui.engine.export.states import TrainedState, read_state
from cnn_tui.engine.insight.responses import responses
from cnn_tui.engine.insight.states import BEST, UNTRAINED, find_state, words_of
from cnn_tui.engine.model import Model
from cnn_tui.engine.opened import no_such_layer
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.report import LayerReport
from cnn_tui.engine.specs.wording import listed, nearest, plain
from cnn_tui.engine.transforms.carry import Weights, load_weights, weights_of

SplitName = Literal["train", "validation", "test"]
CHUNK = 64
"""Images whose outputs of all layers are held at a time."""
_BYTE = 255.0


@dataclass(frozen=True, eq=False)
class Examples:
    """Images of a split, or one picture of a file."""

    images: NDArray[np.float32]
    """``(N, C, H, W)``, normalised as in training."""
    targets: NDArray[np.int64]
    """``(N,)``; -1 for the picture of a file, whose class nobody knows."""
    pictures: NDArray[np.uint8]
    """The same images as they look, ``(N, C, H, W)``."""
    indices: NDArray[np.int64]
    """Their places in the split, ``(N,)``; -1 for the picture of a file."""
    note: str = ""
    """What was done to a picture of another size, as a sentence; else empty."""

    def __len__(self) -> int:
        """Number of images."""
        return len(self.images)


@dataclass(frozen=True, eq=False)
class Subject:
    """A network with weights, and the data to look at it with.

    The model is the subject's own: no training moves its weights. Not safe to use from two threads
    at once; to be closed.
    """

    network: Network
    model: Model
    name: str
    """Name of the run, or ``live``."""
    state: str
    """Which weights, in words: ``best, epoch 3, step 2,600`` or ``untrained``."""
    classes: tuple[str, ...]
    normalizer: Normalizer
    peak: float
    """The brightest value of a pixel in the data."""
    data: Dataset | str
    """The data, or a sentence that says why there is none."""
    trained: bool = True

    @classmethod
    def of_run(
        cls,
        folder: RunFolder,
        state: str | None = None,
        data: str | None = None,
        data_dir: Path | None = None,
        threads: int = 1,
    ) -> Self:
        """Read a run, which another process may be writing.

        Args:
            folder: the run.
            state: ``best``, ``last``, ``untrained``, a step, or a path to a checkpoint; the best
                if None.
            data: name or path of data in place of the run's own.
            data_dir: folder of the data's files, in place of the recorded one.
            threads: number of threads of the model.

        Raises:
            InsightError: if the run has no such state.
            RunError: if it cannot be read, or the state belongs to another network.
        """
        wanted = state or BEST
        path = find_state(folder, BEST if wanted == UNTRAINED else wanted)
        trained = read_state(folder, path)
        words = words_of(path, folder)
        found = _data_of(folder, trained, data, data_dir)
        subject = cls._of(trained, words, found, threads)
        if wanted != UNTRAINED:
            return subject
        with closing(subject):
            return subject.untrained()

    @classmethod
    def of_snapshot(
        cls,
        network: Network,
        weights: Weights,
        *,
        state: str,
        normalizer: Normalizer,
        peak: float,
        classes: tuple[str, ...],
        data: Dataset | str,
        name: str = "live",
    ) -> Self:
        """Look into weights that were copied from a training between two steps."""
        trained = TrainedState(name, network, dict(weights), classes, normalizer, peak)
        return cls._of(trained, state, data, 1)

    @classmethod
    def _of(cls, state: TrainedState, words: str, data: Dataset | str, threads: int) -> Self:
        return cls(
            state.network,
            state.model(threads),
            state.run,
            words,
            state.classes,
            state.normalizer,
            state.peak,
            data,
        )

    def untrained(self, seed: int | None = None) -> Self:
        """The same network with fresh weights, drawn from ``seed`` or the recipe's own."""
        seed = self.network.training.seed if seed is None else seed
        model = build(self.network, seed=seed, threads=self.model.threads)
        return replace(self, model=model, state=UNTRAINED, trained=False)

    def with_weights(self, weights: Weights, state: str) -> Self:
        """The same network with other weights, by the names and shapes of the model."""
        model = build(self.network, threads=self.model.threads)
        load_weights(model, weights)
        return replace(self, model=model, state=state, trained=True)

    def close(self) -> None:
        """End the threads of the model."""
        self.model.close()

    @cached_property
    def reports(self) -> dict[str, LayerReport]:
        """The check of every layer by name, those inside residual blocks included."""
        layers = check(self.network).layers
        return {inner.name: inner for layer in layers for inner in layer.walk()}

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of all layers, those inside residual blocks included."""
        return tuple(self.reports)

    def conv_layers(self) -> tuple[str, ...]:
        """The names of the convolutions, in the order of the network.

        Raises:
            InsightError: if there is none.
        """
        found = tuple(name for name, layer in self.reports.items() if layer.type == "conv")
        if not found:
            raise InsightError(
                f"The network {plain(self.network.name)} has no conv layer, so it has no filters.",
                "Choose a run of a ConvNet, such as lenet5.",
            )
        return found

    def response(self, conv: str) -> str:
        """The layer whose output says what a convolution's filters found, channel by channel.

        That is its activation, also after a batch norm; else the batch norm, else the convolution.
        """
        return responses(self.network.layers, check(self.network).layers)[conv]

    def require_layer(self, layer: str, *, conv: bool = False) -> str:
        """The name of a layer, if the network has it.

        Raises:
            InsightError: if it has not, or ``conv`` is wanted and the layer is none.
        """
        known = self.conv_layers() if conv else self.layers
        if layer in known:
            return layer
        if layer in self.reports:
            raise InsightError(
                f"The layer {layer} is of type {self.reports[layer].type}, not a convolution.",
                f"Its conv layers are {', '.join(known)}.",
            )
        raise no_such_layer(layer, known)

    def require_class(self, label: int | str) -> int:
        """The number of a class, by its number or its name.

        Raises:
            InsightError: if there is no such class; names the nearest.
        """
        if isinstance(label, str) and label in self.classes:
            return self.classes.index(label)
        if str(label).isdecimal() and int(label) < len(self.classes):
            return int(label)
        near = nearest(str(label), self.classes)
        names = f"{self.classes[0]} to {self.classes[-1]}"
        known = listed(self.classes, "and") if len(self.classes) <= 10 else names
        hint = f"Did you mean {near[0]}?" if near else f"It has {known}."
        raise InsightError(f"There is no class {plain(str(label))}.", hint)

    def require_finite(self) -> None:
        """Refuse weights with NaN or infinity.

        Raises:
            InsightError: names the first such layer.
        """
        for name, parameter in self.model.parameters.items():
            if not np.isfinite(parameter.storage).all():
                raise InsightError(
                    f"The weights of {name.rpartition('.')[0]} are not finite: the training of "
                    f"{self.name} diverged.",
                    f"Choose an earlier state with --state, or {UNTRAINED}.",
                )

    def require_data(self) -> Dataset:
        """The data.

        Raises:
            InsightError: says why there is none.
        """
        if isinstance(self.data, str):
            raise InsightError(self.data)
        return self.data

    def images(
        self, split: SplitName = "validation", limit: int | None = None, seed: int = 0
    ) -> Examples:
        """Images of a split, in its order: all, or ``limit`` drawn evenly from the classes.

        Raises:
            InsightError: if there is no data.
        """
        chosen = self._split(split)
        indices = np.arange(len(chosen))
        if limit is not None and limit < len(chosen):
            indices = np.sort(stratified_order(chosen.labels, seed)[:limit])
        return self._examples(chosen, indices)

    def example(
        self, which: int | Path, split: SplitName = "validation", *, invert: bool = False
    ) -> Examples:
        """One image: of a split by its index, or of a picture file, fitted to the network.

        Args:
            which: index in the split, or path of a picture.
            split: the split of an index.
            invert: invert the colours of a picture file.

        Raises:
            InsightError: if there is no such image, no data, or the file is no picture.
        """
        if isinstance(which, Path):
            return self._picture(which, invert)
        chosen = self._split(split)
        if not 0 <= which < len(chosen):
            raise InsightError(
                f"There is no image {which:,}: the {split} split has {len(chosen):,}, counted "
                "from 0."
            )
        return self._examples(chosen, np.array([which]))

    def activations(self, layer: str, images: Array, chunk: int = CHUNK) -> Iterator[Array]:
        """The outputs of a layer, ``chunk`` images at a time, each ``(N, C, H, W)`` or ``(N, D)``.

        Raises:
            InsightError: if there is no such layer.
        """
        self.require_layer(layer)
        with self.model.opened(images[:chunk]) as inside:
            yield inside.output(layer)
            for start in range(chunk, len(images), chunk):
                inside.see(images[start : start + chunk])
                yield inside.output(layer)

    def weights(self) -> dict[str, Array]:
        """Copies of all parameters and buffers."""
        return weights_of(self.model)

    def _split(self, name: SplitName) -> Split:
        data = self.require_data()
        return {"train": data.train, "validation": data.val, "test": data.test}[name]

    def _examples(self, split: Split, indices: NDArray[np.int64]) -> Examples:
        part = split.take(indices)
        pixels = np.asarray(part.images)
        return Examples(
            self.normalizer.apply(pixels), part.labels, _as_bytes(pixels, self.peak), indices
        )

    def _picture(self, path: Path, invert: bool) -> Examples:
        try:
            pixels, size = fitted_picture(path, self.network.input)
        except BadPictureError as error:
            raise InsightError(f"{plain(str(path))} cannot be used: {error}.") from None
        _, height, width = self.network.input
        note = ""
        if size != (width, height):
            note = f"The picture of {size[0]}x{size[1]} pixels was fitted to {width}x{height}."
        if invert:
            pixels = 255 - pixels
        unknown = np.array([-1])
        images = self.normalizer.apply(pixels[None] * np.float32(self.peak / _BYTE))
        return Examples(images, unknown, pixels[None], unknown, note)


def _as_bytes(pixels: NDArray[np.uint8] | NDArray[np.float32], peak: float) -> NDArray[np.uint8]:
    if pixels.dtype == np.uint8:
        return pixels.astype(np.uint8, copy=False)
    shown: NDArray[np.uint8] = np.rint(
        np.clip(pixels * (_BYTE / (peak or _BYTE)), 0, _BYTE)
    ).astype(np.uint8)
    return shown


def _data_of(
    folder: RunFolder, state: TrainedState, data: str | None, data_dir: Path | None
) -> Dataset | str:
    info = folder.info()
    name = data or info.data
    if data is None and data_dir is None and info.data_dir:
        data_dir = Path(info.data_dir)
    try:
        found = load_dataset(name, data_dir, shape=state.network.input)
    except CnnTuiError as error:
        return f"There is no data to look at: {error}"
    return _mismatch(found, state) or found


def _mismatch(data: Dataset, state: TrainedState) -> str:
    """Why this data cannot be shown to the network; empty if it can."""
    wanted = format_shape(state.network.input)
    if data.input_shape != state.network.input:
        return (
            f"The images of {data.name} are {format_shape(data.input_shape)}, the network "
            f"expects {wanted}. Choose other data with --data."
        )
    if len(data.classes) != len(state.classes):
        return (
            f"The data {data.name} has {len(data.classes)} classes, the network gives "
            f"{len(state.classes)} scores. Choose other data with --data."
        )
    return ""
