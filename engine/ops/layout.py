"""Between PyTorch's ``(N, C, H, W)`` and the inner ``(H, C, W, N)``."""

from __future__ import annotations

from cnn_tui.engine.ops.memory import Array


def to_inner(images: Array) -> Array:
    """A view of ``(N, C, H, W)`` images, or ``(N, D)`` vectors, as ``(H, C, W, N)``."""
    if images.ndim == 2:
        return images.T[None, :, None, :]
    return images.transpose(2, 1, 3, 0)


def to_outer(volume: Array) -> Array:
    """A view of an inner ``(H, C, W, N)`` volume as ``(N, C, H, W)``."""
    return volume.transpose(3, 1, 0, 2)


def as_vectors(volume: Array) -> Array:
    """``(1, D, 1, N)`` as a ``(D, N)`` matrix, without a copy."""
    return volume[0, :, 0, :]
