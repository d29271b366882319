"""What a trained network makes of pictures."""

from __future__ import annotations

import msgspec
import numpy as np

from cnn_tui.engine.export.states import TrainedState
from cnn_tui.engine.model import Model
from cnn_tui.engine.specs.network import Softmax

_BYTE = 255.0


class Guess(msgspec.Struct, frozen=True):
    """A class, with its score and, after softmax training, its probability."""

    label: str
    score: float
    probability: float | None


class Predictor:
    """A state ready to look at pictures. To be closed."""

    def __init__(self, state: TrainedState) -> None:
        self._state, self._model = state, state.model()

    @property
    def model(self) -> Model:
        """The network itself."""
        return self._model

    # What is not finite shows in the figures.
    @np.errstate(all="ignore")
    def guesses(self, pixels: np.ndarray, top: int, *, invert: bool = False) -> list[Guess]:
        """The ``top`` likeliest classes of one picture ``(C, H, W)``, uint8, the likeliest first.

        ``invert`` is for dark ink on a light ground where the training images were the reverse.
        """
        if invert:
            pixels = 255 - pixels
        images = pixels[None] * np.float32(self._state.peak / _BYTE)
        scores = self._model.forward(self._state.normalizer.apply(images))[0].astype(float)
        probabilities = _softmax(scores) if isinstance(self._state.network.loss, Softmax) else None
        return [
            Guess(
                self._state.classes[index],
                float(scores[index]),
                None if probabilities is None else float(probabilities[index]),
            )
            for index in np.argsort(-scores, kind="stable")[:top]
        ]

    def close(self) -> None:
        """End the threads of the model."""
        self._model.close()


def _softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max())
    found: np.ndarray = powers / powers.sum()
    return found
