"""Reads a state of a run from its folder, and predicts classes with it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from cnn_tui.engine.build import build_uninitialized
from cnn_tui.engine.data.preprocess import Normalizer
from cnn_tui.engine.engines import engine_to_look
from cnn_tui.engine.errors import RunError
from cnn_tui.engine.files import is_regular
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.protocol import Engine
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.lines import read_events
from cnn_tui.engine.runs.tensors import TensorFile, layout_of
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.network import Network, Softmax
from cnn_tui.engine.training.events import RunStarted
from cnn_tui.engine.transforms.carry import model_with, weights_of

Which = Literal["best", "last"]
_LEAST = 4
"""Bytes per parameter."""


@dataclass(frozen=True, eq=False)
class TrainedState:
    """The weights of a run with all that inference needs."""

    run: str
    network: Network
    weights: dict[str, Array]
    """Parameters and buffers by the model's names, in PyTorch's shapes."""
    classes: tuple[str, ...]
    normalizer: Normalizer
    peak: float

    def model(self, threads: int = 1) -> Engine:
        """Return the network with these weights, to be closed by the caller."""
        return model_with(self.network, self.weights, threads=threads)


def read_state(folder: RunFolder, which: Which | Path | None = "best") -> TrainedState:
    """Read a state of a run.

    Args:
        folder: the run.
        which: the best or the last state, or the other one if it is missing; or a file; or None
            for untrained weights, drawn from the seed of the recipe.

    Raises:
        RunError: if there is none, or it is damaged or belongs to another network.
        SpecError: if the architecture cannot be read.
    """
    network = folder.network()
    if not network.layers:
        raise RunError(f"The network of run {folder.name} has no layers, so there are no weights.")
    started = _started(folder)
    channels = network.input[0]
    if len(started.mean) != channels or len(started.std) != channels or min(started.std) <= 0:
        raise RunError(f"{folder.events_file} does not record how the images were normalised.")
    if len(started.classes) != _outputs(network):
        raise RunError(f"{folder.events_file} does not name one class per output.")
    return TrainedState(
        folder.name,
        network,
        _fresh(network) if which is None else _weights(_file(folder, which), network),
        started.classes,
        Normalizer(_per_channel(started.mean), _per_channel(started.std)),
        started.peak,
    )


def _outputs(network: Network) -> int:
    output = check(network).layers[-1].output
    return output[0] if output else 0


def _file(folder: RunFolder, which: Which | Path) -> TensorFile:
    if isinstance(which, Path):
        return TensorFile(which)
    last, best = folder.states, list(filter(is_regular, [folder.best_file]))
    for path in [*best, *last] if which == "best" else [*last, *best]:
        return TensorFile(path)
    raise RunError(f"The run {folder.name} has no checkpoint yet.", "The first epoch writes one.")


def _fresh(network: Network) -> dict[str, Array]:
    with closing(engine_to_look(network)) as model:
        return weights_of(model)


def _weights(file: TensorFile, network: Network) -> dict[str, Array]:
    # Checked before the model allocates memory.
    if check(network).total_params * _LEAST > file.size:
        raise _of_another(file)
    with closing(build_uninitialized(network, seed=0, dtype=np.float32, threads=1)) as model:
        expected = layout_of(model.arrays())
    if any(file.layout.get(name) != kind for name, kind in expected.items()):
        raise _of_another(file)
    tensors = file.read()
    return {name: tensors[name] for name in expected}


def _of_another(file: TensorFile) -> RunError:
    """What to say of a file with other arrays, unless it is damaged."""
    file.read()
    return RunError(
        f"{file.path} holds the weights of another network than the run's network.toml.",
        "Restore network.toml, of which only epochs may be changed.",
    )


def _started(folder: RunFolder) -> RunStarted:
    for event in read_events(folder.events_file):
        if isinstance(event, RunStarted):
            return event
    raise RunError(f"The run {folder.name} did not start: {folder.events_file} is empty.")


def _per_channel(values: tuple[float, ...]) -> np.ndarray:
    return np.array(values, np.float32).reshape(-1, 1, 1)


_BYTE = 255.0


class Guess(msgspec.Struct, frozen=True):
    """A class with its score and, for softmax networks, its probability."""

    label: str
    score: float
    probability: float | None


class Predictor:
    """Predicts the classes of pictures; to be closed by the caller."""

    def __init__(self, state: TrainedState, threads: int = 1) -> None:
        self._state, self._model = state, state.model(threads)

    @property
    def model(self) -> Engine:
        """The network in use."""
        return self._model

    # Non-finite values are visible in the scores.
    @np.errstate(all="ignore")
    def guesses_of(
        self, pictures: Sequence[np.ndarray], top: int, *, invert: bool = False
    ) -> list[list[Guess]]:
        """Return the ``top`` likeliest classes of each picture ``(C, H, W)``, uint8, best first.

        ``invert`` is for dark ink on white, for networks trained on light on dark.
        """
        pixels = np.stack(pictures)
        if invert:
            pixels = 255 - pixels
        images = self._state.normalizer.apply(pixels * np.float32(self._state.peak / _BYTE))
        scores = self._model.forward(images).astype(float)
        return [_best_guesses(row, self._state.classes, self._state.network, top) for row in scores]

    def guesses(self, pixels: np.ndarray, top: int, *, invert: bool = False) -> list[Guess]:
        """Return the ``top`` likeliest classes of one picture, as :meth:`guesses_of` does."""
        return self.guesses_of([pixels], top, invert=invert)[0]

    def close(self) -> None:
        """Stop the threads of the model."""
        self._model.close()


def _best_guesses(
    scores: np.ndarray, classes: Sequence[str], network: Network, top: int
) -> list[Guess]:
    """The ``top`` classes with the highest of the scores ``(classes,)``, best first."""
    probabilities = _softmax(scores) if isinstance(network.loss, Softmax) else None
    return [
        Guess(
            classes[index],
            float(scores[index]),
            None if probabilities is None else float(probabilities[index]),
        )
        for index in np.argsort(-scores, kind="stable")[:top]
    ]


def _softmax(scores: np.ndarray) -> np.ndarray:
    """Probabilities from scores, along the last axis."""
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    probabilities: np.ndarray = powers / powers.sum(-1, keepdims=True)
    return probabilities
