"""First-layer weights as pictures. Notes, Linear Classification, template matching."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.shapes import Shape


def templates(weight: NDArray[Any], shape: Shape) -> NDArray[np.uint8]:
    """What each row of a fully connected first layer looks for, ``(out_features, C, H, W)``.

    0 is middle grey; light pixels speak for the class, dark ones against it, each template on a
    scale of its own.

    Args:
        weight: ``(out_features, C * H * W)``.
        shape: ``(C, H, W)`` of the images.
    """
    images = np.asarray(weight, np.float32).reshape(len(weight), *shape)
    largest = np.abs(images).max(axis=(1, 2, 3), keepdims=True)
    return np.rint(127.5 + 127.5 * images / np.where(largest > 0, largest, 1)).astype(np.uint8)
