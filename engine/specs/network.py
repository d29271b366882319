"""The content of an architecture file: input, layers, loss and training recipe.

The ``MAX_`` limits are far above any real network, and far below what would do harm.
"""

from __future__ import annotations

import math
from importlib import import_module
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
LastBatch = Literal["keep", "merge", "drop"]
Balance = Literal["natural", "sampling", "weights"]
ResizeRule = Literal["crop", "stretch", "pad", "refuse"]
EngineName = Literal["numpy", "torch"]
DeviceName = Literal["auto", "cpu", "cuda", "mps"]
PrecisionName = Literal["float32", "tf32", "bf16"]


ClassNames = tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=64)], ...]


class Softmax(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="softmax", tag_field="type"
):
    """Softmax cross-entropy on the logits of the last layer."""

    label_smoothing: Fraction = 0.0

    def at_equal_scores(self, classes: int) -> tuple[float, str]:
        """The loss where all scores are equal, as before training, and its formula."""
        return math.log(classes), f"ln {classes}"


class SVM(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="svm", tag_field="type"):
    """Multiclass SVM: the sum over wrong classes of ``max(0, s_j - s_y + delta)``."""

    delta: Positive = 1.0
    squared: bool = False

    def at_equal_scores(self, classes: int) -> tuple[float, str]:
        """The loss where all scores are equal, as before training, and its formula."""
        wrong, power, words = classes - 1, 2 if self.squared else 1, " squared" * self.squared
        return wrong * self.delta**power, f"{wrong} x margin {self.delta:g}{words}"


Loss = Softmax | SVM
COMPUTING = ("engine", "device", "precision", "compile", "deterministic", "sync_batchnorm")
"""The settings of a :class:`Recipe` that say who computes; all but the first are for PyTorch."""
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
    keep_every: Annotated[int, msgspec.Meta(ge=1, le=100_000)] | None = None
    """Keep the state after every this many epochs for good, beside the last two and the best."""
    freeze: Name = ""
    """The last layer that training leaves as it is, with all layers before it; empty for none."""
    last_batch: LastBatch = "keep"
    """What becomes of the images that ``batch_size`` leaves over at the end of an epoch: a batch of
    their own, part of the batch before if they are at most half as many, or none."""
    balance: Balance = "natural"
    """For classes of uneven size: ``sampling`` draws images of each class equally often,
    ``weights`` lets each class count the same in the loss."""
    normalize: bool = True
    """Subtract the mean from the pixels and divide by the standard deviation, per channel."""
    limit: Annotated[int, msgspec.Meta(ge=1, le=2**31)] | None = None
    """Use at most this many images of each split, drawn at random, always the same ones."""
    per_class: Annotated[int, msgspec.Meta(ge=1, le=2**31)] | None = None
    """Use at most this many images of each class in each split."""
    shuffle: bool = True
    """Draw a new order of the training images for every epoch."""
    resize: ResizeRule = "crop"
    """How pictures of a folder get the size of the input: the shorter side is fitted and the middle
    cut out, both sides are fitted, the longer side is fitted and the rest black, or not at all."""
    flip: bool = False
    """Mirror half of the training images left to right, at random."""
    shift: Annotated[int, msgspec.Meta(ge=0, le=256)] = 0
    """Shift each training image by up to this many pixels, as a random crop after padding does."""
    cutout: Annotated[int, msgspec.Meta(ge=0, le=1024)] = 0
    """Side in pixels of a square blanked in each training image (DeVries & Taylor 2017)."""
    rotate: Annotated[float, msgspec.Meta(ge=0, le=180)] = 0.0
    """Turn each training image by up to this many degrees, to either side."""
    scale: Fraction = 0.0
    """Enlarge or shrink each training image by up to this share: 0.2 is 0.8 to 1.2 times."""
    translate: Fraction = 0.0
    """Move each training image by up to this share of its sides, also by parts of a pixel."""
    jitter: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    """Change brightness, contrast and saturation of each training image by up to this share."""
    mixup: Annotated[float, msgspec.Meta(ge=0, le=100)] = 0.0
    """Blend pairs of training images and of their classes, the share of one drawn from
    Beta(mixup, mixup) (Zhang et al. 2018); 0.2 is usual, 0 is off."""
    engine: EngineName = "numpy"
    """Who computes: cnn-tui itself with NumPy, or PyTorch if it is installed."""
    device: DeviceName = "auto"
    """Where PyTorch computes; ``auto`` takes a GPU if there is one."""
    precision: PrecisionName = "float32"
    """Precision of PyTorch's matrix products, where the device has it; weights stay float32."""
    compile: bool = False
    """Let PyTorch compile the network before its first step."""
    deterministic: bool = False
    """Let PyTorch use only operations that give the same bits each time, also on a GPU."""
    sync_batchnorm: bool = False
    """Over several processes: batch norms use the statistics of the whole batch, not of a part."""


class Network(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A network: ``input`` is ``(C, H, W)``, the last layer gives one score per class."""

    name: Name = "untitled"
    description: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    input: tuple[Features, Size, Size] = (1, 8, 8)
    data: Annotated[str, msgspec.Meta(max_length=200)] = "digits"
    classes: ClassNames = ()
    """Names of all classes of the data in order; empty for those that are found in the data."""
    labels_from: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """Where data of one's own has its labels, if not at a usual place: the ``name`` of each file,
    ``folders``, or a column of a table."""
    layers: tuple[Layer, ...] = ()
    loss: Loss = Softmax()
    training: Recipe = Recipe()

    def with_training(self, **settings: object) -> Network:
        """The network with other settings in its recipe, which are not checked."""
        recipe = msgspec.structs.replace(self.training, **settings)
        return msgspec.structs.replace(self, training=recipe)

    def _repr_html_(self) -> str:
        # Only a notebook calls it. By its name: the check stands above this file.
        shown: str = import_module("cnn_tui.engine.specs.html").network_html(self)
        return shown
