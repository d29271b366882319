"""From PyTorch's ``(N, C, H, W)`` to the inner ``(H, C, W, N)``."""

from __future__ import annotations

from cnn_tui.engine.ops.memory import Array


def to_inner(images: Array) -> Array:
    """A view of ``(N, C, H, W)`` images, or ``(N, D)`` vectors, as ``(H, C, W, N)``."""
    if images.ndim == 2:
        return images.T[None, :, None, :]
    return images.transpose(2, 1, 3, 0)
