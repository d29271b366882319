"""The subject of all that is computed here: a network with weights, and data to look at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np

from cnn_tui.engine.data.dataset import Dataset, Split, stratified_order
from cnn_tui.engine.engines import engine_to_look
from cnn_tui.engine.errors import InsightError, MemoryLimitError
from cnn_tui.engine.export.states import read_state
from cnn_tui.engine.insight.examples import Examples, Eye, SplitName, find_data
from cnn_tui.engine.insight.fields import LayerField, fields
from cnn_tui.engine.insight.responses import responses
from cnn_tui.engine.insight.states import BEST, UNTRAINED, find_state, words_of
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.protocol import Engine, OpenedPass, no_such_layer
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.placed import Placed, place_network
from cnn_tui.engine.specs.report import LayerReport
from cnn_tui.engine.specs.wording import listed, nearest, plain
from cnn_tui.engine.training.glimpse import Glimpse
from cnn_tui.engine.transforms.carry import Weights, model_with, weights_of

__all__ = ["CHUNK", "Examples", "SplitName", "Subject"]

CHUNK = 64
"""Images whose outputs of all layers are held at a time."""
CONVS = ("conv", "dwconv")
"""The types of layers that have filters."""
_FEW_CLASSES = 10
"""Classes that an error lists; of more it names the first and the last."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A network with weights, and the data to look at it with.

    The model is the subject's own: no training moves its weights. Not safe to use from two threads
    at once; to be closed.
    """

    network: Network
    model: Engine
    name: str
    """Name of the run, or ``live``."""
    state: str
    """Which weights, in words: ``best, epoch 3, step 2,600`` or ``untrained``."""
    classes: tuple[str, ...]
    eye: Eye
    data: Dataset | str
    """The data, or a sentence that says why there is none."""
    trained: bool = True
    folder: RunFolder | None = None
    """The run; None for one that trains in this process."""

    @classmethod
    def of_run(
        cls,
        folder: RunFolder,
        state: str | None = None,
        data: str | None = None,
        data_dir: Path | None = None,
        threads: int = 1,
        *,
        skip_damaged: bool = False,
    ) -> Self:
        """Read a run, which another process may be writing.

        Args:
            folder: the run.
            state: ``best``, ``last``, ``untrained``, a step, or a path to a checkpoint; the best
                if None.
            data: name or path of data in place of the run's own.
            data_dir: folder of the data's files, in place of the recorded one.
            threads: number of threads of the model.
            skip_damaged: leave damaged pictures of a folder out.

        Raises:
            InsightError: if the run has no such state.
            RunError: if it cannot be read, or the state belongs to another network.
        """
        info = folder.info()
        path = None if state == UNTRAINED else find_state(folder, state or BEST)
        read = read_state(folder, path)
        found = find_data(info, read, data, data_dir, skip_damaged=skip_damaged)
        words = UNTRAINED if path is None else words_of(path, folder)
        return cls(
            network=read.network,
            model=read.model(threads),
            name=read.run,
            state=words,
            classes=read.classes,
            eye=Eye(read.normalizer, read.peak, read.network.training.resize),
            data=found,
            trained=path is not None,
            folder=folder,
        )

    def at(self, state: str) -> Self:
        """The same run in another state, with the same data, which is not read again.

        Raises:
            InsightError: if the run has no such state, or is none that was kept.
        """
        if state == UNTRAINED:
            return self.untrained()
        if self.folder is None:
            raise InsightError("The run that trains has only its present state.")
        path = find_state(self.folder, state)
        model = read_state(self.folder, path).model(self.model.threads)
        return replace(self, model=model, state=words_of(path, self.folder), trained=True)

    @classmethod
    def of_snapshot(cls, glimpse: Glimpse, name: str = "live") -> Self:
        """Look into the weights of a training, copied between two steps."""
        return cls(
            network=glimpse.network,
            model=model_with(glimpse.network, glimpse.weights),
            name=name,
            state=f"epoch {glimpse.epoch}, step {glimpse.step:,}",
            classes=glimpse.dataset.classes,
            eye=Eye(glimpse.normalizer, glimpse.peak, glimpse.network.training.resize),
            data=glimpse.dataset,
        )

    def untrained(self, seed: int | None = None) -> Self:
        """The same network with fresh weights, drawn from ``seed`` or the recipe's own."""
        model = engine_to_look(self.network, seed=seed, threads=self.model.threads)
        return replace(self, model=model, state=UNTRAINED, trained=False)

    def with_weights(self, weights: Weights, state: str) -> Self:
        """The same network with other weights, by the names and shapes of the model.

        Raises:
            ShapeError: if they belong to another network.
        """
        model = model_with(self.network, weights, threads=self.model.threads)
        return replace(self, model=model, state=state)

    def weights(self) -> dict[str, Array]:
        """Copies of all parameters and buffers."""
        return weights_of(self.model)

    def close(self) -> None:
        """End the threads of the model."""
        self.model.close()

    @cached_property
    def reports(self) -> dict[str, LayerReport]:
        """The check of every layer by name, those inside blocks included."""
        return {inner.name: inner.report for layer in self.placed for inner in layer.walk()}

    @cached_property
    def placed(self) -> tuple[Placed, ...]:
        """The layers of the network in the order of computation."""
        return place_network(self.network, check(self.network))

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of all layers, those inside blocks included."""
        return tuple(self.reports)

    def conv_layers(self) -> tuple[str, ...]:
        """The names of the convolutions, depthwise ones too, in the order of the network.

        Raises:
            InsightError: if there is none.
        """
        found = tuple(name for name, layer in self.reports.items() if layer.type in CONVS)
        if not found:
            raise InsightError(
                f"The network {plain(self.network.name)} has no conv layer, so it has no filters.",
                "Choose a run of a ConvNet, such as lenet5.",
            )
        return found

    def response(self, layer: str) -> str:
        """The layer whose output says what a convolution's filters found, channel by channel.

        That is its activation, also after a batch norm; else the batch norm, else itself. Fully
        connected layers have one as well.
        """
        return responses(self.placed)[layer]

    def receptive_field(self, layer: str) -> LayerField:
        """The pixels of the image that the values of a layer depend on."""
        return fields(self.network)[self.require_layer(layer)]

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
                f"Its conv layers are {listed(known, 'and')}.",
            )
        raise no_such_layer(layer, known)

    def require_class(self, label: int | str) -> int:
        """The number of a class, by its number or its name.

        Raises:
            InsightError: if there is no such class; names the nearest.
        """
        word = str(label)
        if word in self.classes:
            return self.classes.index(word)
        if word.isdecimal() and int(word) < len(self.classes):
            return int(word)
        near = nearest(word, self.classes)
        known = f"{self.classes[0]} to {self.classes[-1]}"
        if len(self.classes) <= _FEW_CLASSES:
            known = listed(self.classes, "and")
        hint = f"Did you mean {near[0]}?" if near else f"It has {known}."
        raise InsightError(f"The network has no class {plain(word)}.", hint)

    def require_finite(self) -> None:
        """Refuse weights with NaN or infinity.

        Raises:
            InsightError: names the first such layer.
        """
        for name, parameter in self.model.parameters.items():
            if not np.isfinite(parameter.data).all():
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
        return self.eye.examples(chosen, indices)

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
            return self.eye.picture(which, self.network.input, invert=invert)
        chosen = self._split(split)
        if not 0 <= which < len(chosen):
            raise InsightError(
                f"There is no image {which:,}: the {split} split has {len(chosen):,}, counted "
                "from 0."
            )
        return self.eye.examples(chosen, np.array([which]))

    def activations(self, layer: str, images: Array, chunk: int = CHUNK) -> Iterator[Array]:
        """The outputs of a layer, ``chunk`` images at a time, each ``(N, C, H, W)`` or ``(N, D)``.

        Fewer at a time if a large network cannot hold so many.

        Raises:
            InsightError: if there is no such layer.
            MemoryLimitError: if not even one image fits.
        """
        self.require_layer(layer)
        with self.opened(images[:chunk]) as inside:
            chunk = len(inside.images)
            yield inside.output(layer)
            for start in range(chunk, len(images), chunk):
                inside.see(images[start : start + chunk])
                yield inside.output(layer)

    def opened(self, images: Array, *, training: bool = False) -> OpenedPass:
        """Open the network on the first of the images, as many as the usual memory allows.

        Raises:
            MemoryLimitError: if not even one image fits.
        """
        try:
            return self.model.opened(images, training=training)
        except MemoryLimitError as error:
            if not error.batch:
                raise
            return self.model.opened(images[: error.batch], training=training)

    def _split(self, name: SplitName) -> Split:
        data = self.require_data()
        return {"train": data.train, "validation": data.val, "test": data.test}[name]
