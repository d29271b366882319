"""The protocol of an engine: what training and insight ask of the code that computes.

Trainer, runs, insight and the app know these types only. :mod:`cnn_tui.engine.engines` chooses the
implementation: NumPy (:mod:`cnn_tui.engine.numpy_engine`) or PyTorch
(:mod:`cnn_tui.engine.torch_engine`). All arrays that cross this border are NumPy's, in PyTorch's
shapes, under the names that PyTorch would give them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.errors import InsightError
from cnn_tui.engine.layer_health import LayerHealth
from cnn_tui.engine.ops.kernel import Mode
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.shapes import Shape
from cnn_tui.engine.specs.network import Recipe
from cnn_tui.engine.specs.wording import did_you_mean, listed

MOST_BYTES = 2 << 30
"""Default limit of an opened network. A request beyond it is refused with the number that fits."""

Weights = Mapping[str, Array]
"""Parameters and buffers by name, in PyTorch's shapes."""

Classes = int | Sequence[int] | NDArray[np.integer]
"""One class for all images, or one for each."""


@dataclass(frozen=True)
class BatchResult:
    """The result of a training pass over one batch; the gradients are in the parameters."""

    loss: float
    """Data loss, mean over the batch."""
    correct: int
    gradient_norm: float
    """Norm of the gradient, without L2."""


class Learned(Protocol):
    """A learned array."""

    @property
    def name(self) -> str:
        """The name of the parameter, such as ``conv1.weight``."""

    @property
    def role(self) -> str:
        """``weight`` of a conv or fc layer, ``bias``, ``gamma``, ``beta`` or ``scale``."""

    @property
    def frozen(self) -> bool:
        """Whether training leaves the parameter as it is."""

    @property
    def decay(self) -> bool:
        """Whether L2 applies to the parameter."""

    @property
    def size(self) -> int:
        """Number of values."""

    @property
    def data(self) -> Array:
        """The values. On the CPU a view, so that assigning to it changes the network."""

    @property
    def grad(self) -> Array:
        """The gradient of the last batch."""


class StateCopy(Protocol):
    """A copy of weights, buffers and optimizer state, which another thread may write to disk."""

    def tensors(self) -> dict[str, Array]:
        """Contiguous arrays by name; the optimizer's are called ``optimizer/0/conv1.weight``."""


class EngineOptimizer(Protocol):
    """Moves the weights of an engine by its gradients."""

    l2: float
    """Strength of L2, which may be changed between two steps."""

    def step(self, lr: float, gradient_norm: float = 0.0) -> float:
        """Update the weights; returns the L2 loss before the update.

        ``gradient_norm`` is that of the batch, for clipping.
        """

    def arrays(self) -> dict[str, Array]:
        """The arrays of :meth:`take` by name, for their types and shapes; not to be written to."""

    def take(self) -> StateCopy:
        """Copy the state of network and optimizer; training waits only for this."""

    def restore(self, tensors: Weights, step: int) -> None:
        """Load the arrays of a :class:`StateCopy` that was taken after step number ``step``."""


class Meter(Protocol):
    """Measures single steps: :meth:`before` and :meth:`layers` enclose the update."""

    def before(self) -> None:
        """Remember the weights before the step."""

    def layers(self) -> Sequence[LayerHealth]:
        """The figures of the step just taken, in the order in which the layers run."""

    def score_range(self) -> float:
        """Largest difference between the highest and the lowest score of an image of the step."""


class OpenedPass(Protocol):
    """A copy of a network that keeps the output of every layer, and its gradient.

    Layers are in evaluation mode: batch norm uses its running statistics; with ``training`` those
    of the images, as in a step of training. Dropout passes everything on. Arrays are
    ``(N, C, H, W)``, or ``(N, D)`` after a fully connected layer, and are copies.
    """

    images: Array

    def see(self, images: Array) -> None:
        """Show other images, at most as many as at first."""

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of all layers, those inside residual blocks included, as ``check`` has them."""

    @property
    def shapes(self) -> Mapping[str, Shape]:
        """The shape of each layer's output for one image."""

    @property
    def bytes(self) -> int:
        """Bytes that it holds."""

    @property
    def logits(self) -> Array:
        """The scores ``(N, classes)``."""

    def output(self, layer: str) -> Array:
        """The output of a layer.

        Raises:
            InsightError: if there is no such layer; names the nearest.
        """

    def gradient(self, layer: str, of_class: Classes) -> Array:
        """The gradient of the score, not probability, of a class by the output of a layer.

        Raises:
            InsightError: if there is no such layer or class.
        """

    def input_gradient(self, of_class: Classes) -> Array:
        """The gradient of the score of a class by the pixels, ``(N, C, H, W)``.

        Raises:
            InsightError: if there is no such class.
        """

    def loss_gradients(self, targets: np.ndarray) -> dict[str, Array]:
        """The gradient of the mean data loss by each parameter, by its name.

        Raises:
            InsightError: if a target ``(N,)`` is no class.
            ShapeError: if there are fewer images than at first.
        """

    def close(self) -> None:
        """End the threads; the arrays that were given stay."""

    def __enter__(self) -> Self:
        """Return the pass."""

    def __exit__(self, *error: object) -> None:
        """Close the pass."""


class Engine(Protocol):
    """A network with weights that can be run, trained and opened. Not for two threads at once.

    Images are float arrays ``(N, C, H, W)`` of the engine's dtype, targets integers ``(N,)``.
    """

    input_shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    mode: Mode
    """Step and seed, from which dropout is drawn, and the dropout of all layers."""

    @property
    def parameters(self) -> Mapping[str, Learned]:
        """The learned arrays by name, in the order of the layers."""

    @property
    def size(self) -> int:
        """Number of learned values."""

    @property
    def threads(self) -> int:
        """Number of threads."""

    @property
    def signature(self) -> str:
        """Who computes, in which version, and where: ``torch 2.9.0, cpu``."""

    def arrays(self) -> dict[str, Array]:
        """Parameters and buffers by name; copies or views, not to be written to."""

    def put(self, weights: Weights) -> None:
        """Load parameters and buffers; other names are ignored."""

    def forward(self, images: Array, training: bool = False) -> Array:
        """Scores ``(N, classes)``; ``training`` uses batch statistics and applies dropout."""

    def train_batch(
        self,
        images: Array,
        targets: np.ndarray,
        weights: Array | None = None,
        others: np.ndarray | None = None,
        other_weights: Array | None = None,
    ) -> BatchResult:
        """The loss of a batch and, in the parameters' ``grad``, its gradients; no weight changes.

        Args:
            images: ``(N, C, H, W)``.
            targets: ``(N,)``.
            weights: factor of each image's loss ``(N,)``; without it each counts 1.
            others: second classes ``(N,)`` of blended images; given with ``weights``.
            other_weights: factor of the loss of each second class, ``(N,)``.

        Raises:
            ShapeError: if the images have another shape or type than the network's input.
            DataError: if a target is not a class of the network.
            NonFiniteError: if the loss or a gradient is infinite or NaN; names the layer.
            MemoryLimitError: if the device has too little memory for the batch.
        """

    def train_stages(self, images: Array, targets: np.ndarray) -> Iterator[tuple[str, bool]]:
        """Run :meth:`train_batch` stage by stage, to time the stages or stop after any of them.

        Yields:
            The name of the layer whose stage has run, empty for other work, and whether it belongs
            to the backward pass.
        """

    def loss_of(self, logits: Array, targets: np.ndarray) -> float:
        """Mean data loss of scores ``(N, classes)``; not finite if a score is not."""

    def opened(
        self,
        images: Array,
        *,
        training: bool = False,
        threads: int | None = None,
        limit: int = MOST_BYTES,
    ) -> OpenedPass:
        """A copy of the network as it is now that shows what every layer makes of ``images``.

        Raises:
            ShapeError: if the images have another shape or type than the network's input.
            MemoryLimitError: if it would hold more than ``limit`` bytes; names the number that
                fits.
        """

    def optimizer(self, recipe: Recipe) -> EngineOptimizer:
        """The optimizer of a recipe."""

    def meter(self, types: Mapping[str, str]) -> Meter:
        """A meter of the layers, whose types are given by name."""

    def close(self) -> None:
        """End the threads; the engine cannot run afterwards."""


def no_such_layer(layer: str, known: Sequence[str]) -> InsightError:
    """The error for a layer that is not there; names the nearest, or else all."""
    hint = did_you_mean(layer, known, f"It has {listed(known, 'and')}.")
    return InsightError(f"The network has no layer called {layer}.", hint)
