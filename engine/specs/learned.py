"""Shape rules of the small layers that learn: PReLU."""

from __future__ import annotations

from collections.abc import Iterator

from cnn_tui.engine.specs.activations import PReLU
from cnn_tui.engine.specs.flow import FeatureMap, InferredLayer, Note


def infer_prelu(layer: PReLU, flow: FeatureMap) -> InferredLayer:
    """Infer a PReLU: the same volume, with a slope for all values or for each channel."""
    slopes = flow.shape[0] if layer.per_channel and flow.shape else 1
    return InferredLayer(layer, flow, flow, weights=slopes if flow.shape else 0)


def explain_prelu(layer: PReLU, step: InferredLayer) -> Iterator[Note]:
    """Yield the parameters of a PReLU."""
    if step.weights:
        which = "one for each channel" if layer.per_channel else "the same for all values"
        yield Note(
            "parameters", (f"{step.weights:,} slopes" if step.weights > 1 else "1 slope", which)
        )
