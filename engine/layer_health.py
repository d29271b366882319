"""The figures of one layer at one step, as every engine measures them."""

from __future__ import annotations

import msgspec

from cnn_tui.engine.decoding import Count, Length, Share, Word


class LayerHealth(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Figures of one layer at one step: of its weights, or of its outputs if it has none."""

    layer: Word
    type: Word
    """The layer's type as in a file: conv, fc, batchnorm, prelu; relu, sigmoid, tanh."""
    weight_norm: Length | None = None
    """Norm of the weight after the step, without bias."""
    gradient_norm: Length | None = None
    """Norm of the weight's gradient, without L2 and clipping."""
    update_ratio: Length | None = None
    """Norm of the step over that of the weight before it; None if that was 0, or for a layer scale,
    which begins near 0."""
    units: Count | None = None
    """Number of channels of a volume or elements of a vector."""
    zeros: Share | None = None
    """Share of a ReLU's outputs that are 0; if a max pool follows, of the pool's outputs."""
    dead: Share | None = None
    """Share of a ReLU's units that are 0 everywhere for every image of the batch."""
    saturated: Share | None = None
    """Share of the outputs of a sigmoid or tanh that are close to their bounds."""
