"""The content of an architecture file: input, layers, loss and training recipe.

The ``MAX_`` limits are far above any real network, and far below what would do harm.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from cnn_tui.engine.specs.info import Name
from cnn_tui.engine.specs.layers import Features, Layer, Size

MAX_NESTING = 8
"""Levels of blocks inside blocks."""

MAX_LAYERS = 2_000
"""Layers of a network, those inside blocks included, and each copy of repeated ones."""

MAX_FILE_BYTES = 256 * 1024
"""Room for 2,000 layers with every setting; parsed well within a second."""

MAX_COUNT = 2**40
"""Parameters and output values for one image, summed over the network."""

MAX_MACS = 2**60
"""Multiply-adds for one image; sums remain integers for JSON readers."""


# The upper bound excludes infinity; NaN fails every bound.
Positive = Annotated[float, msgspec.Meta(gt=0, le=1e6)]
NonNegative = Annotated[float, msgspec.Meta(ge=0, le=1e6)]
Fraction = Annotated[float, msgspec.Meta(ge=0, lt=1)]
OptimizerName = Literal["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"]
ScheduleName = Literal["constant", "step", "exponential", "cosine", "one-cycle"]
InitializerName = Literal["he", "xavier", "lecun", "gaussian", "zeros"]


class Softmax(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="softmax", tag_field="type"
):
    """Softmax cross-entropy on the logits of the last layer."""

    label_smoothing: Fraction = 0.0


class SVM(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="svm", tag_field="type"):
    """Multiclass SVM: the sum over wrong classes of ``max(0, s_j - s_y + delta)``."""

    delta: Positive = 1.0
    squared: bool = False


Loss = Softmax | SVM
LOSS_TYPES: dict[str, type[Loss]] = {"softmax": Softmax, "svm": SVM}


class Recipe(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """The recipe: everything besides network, loss and data that decides the trained weights."""

    epochs: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 10
    batch_size: Annotated[int, msgspec.Meta(ge=1, le=65536)] = 64
    seed: Annotated[int, msgspec.Meta(ge=0, lt=2**53)] = 0
    initializer: InitializerName = "he"
    optimizer: OptimizerName = "momentum"
    lr: Positive = 0.01
    momentum: Fraction = 0.9
    """Momentum factor of momentum and Nesterov (RMSprop uses ``rho``)."""
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)
    rho: Fraction = 0.99
    eps: Positive = 1e-8
    l2: NonNegative = 0.0
    """Adds ``l2/2 * sum(w**2)`` to the loss, over the weights of conv and fc layers only."""
    weight_decay: NonNegative = 0.0
    """Decoupled weight decay of AdamW (Loshchilov & Hutter 2019)."""
    clip_norm: Positive | None = None
    schedule: ScheduleName = "constant"
    warmup_epochs: NonNegative = 0.0
    step_epochs: Positive = 10.0
    gamma: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.1
    """Decay factor of ``step`` (every ``step_epochs``) and ``exponential`` (every epoch)."""
    patience: Annotated[int, msgspec.Meta(ge=1, le=100_000)] | None = None
    """Stop after this many epochs without a better validation accuracy."""
    keep_best: bool = False
    """End with the weights of the epoch that was best in validation, not of the last."""
    freeze: Name = ""
    """The last layer that training leaves as it is, with all layers before it; empty for none."""
    normalize: bool = True
    """Subtract the mean from the pixels and divide by the standard deviation, per channel."""
    shuffle: bool = True
    """Draw a new order of the training images for every epoch."""
    flip: bool = False
    """Mirror half of the training images left to right, at random."""
    shift: Annotated[int, msgspec.Meta(ge=0, le=256)] = 0
    """Shift each training image by up to this many pixels, as a random crop after padding does."""
    cutout: Annotated[int, msgspec.Meta(ge=0, le=1024)] = 0
    """Side in pixels of a square blanked in each training image (DeVries & Taylor 2017)."""


class Network(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A network: ``input`` is ``(C, H, W)``, the last layer gives one score per class."""

    name: Name = "untitled"
    description: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    input: tuple[Features, Size, Size] = (1, 8, 8)
    data: Annotated[str, msgspec.Meta(max_length=200)] = "digits"
    layers: tuple[Layer, ...] = ()
    loss: Loss = Softmax()
    training: Recipe = Recipe()
