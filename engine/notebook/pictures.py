"""Arrays as pictures, for a notebook."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cnn_tui.engine.errors import InsightError, reason_of
from cnn_tui.engine.ops.memory import Array

Pixels = NDArray[np.uint8]
"""``(H, W, 3)``."""
_SIDE, _GAP, _GROUND = 96, 4, 255
_MOST = 256
"""Pictures in a sheet."""


@dataclass(frozen=True, eq=False)
class NotebookPicture:
    """A picture with a caption; a notebook shows it."""

    pixels: Pixels
    caption: str

    def save(self, path: str | Path) -> None:
        """Write the picture to a file; its ending decides the format.

        Raises:
            InsightError: if it cannot be written.
        """
        try:
            Image.fromarray(self.pixels).save(path)
        except (OSError, ValueError) as error:
            raise InsightError(f"{path} cannot be written: {reason_of(error)}.") from None

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        Image.fromarray(self.pixels).save(file, "PNG")
        return file.getvalue()

    def __repr__(self) -> str:
        """The caption and the size."""
        height, width = self.pixels.shape[:2]
        return f"<NotebookPicture {width}x{height}: {self.caption}>"


def grey(values: Array, low: float, high: float) -> Pixels:
    """``(H, W)`` from black at ``low`` to white at ``high``."""
    share = np.clip((np.nan_to_num(values) - low) / ((high - low) or 1.0), 0, 1)
    return np.repeat((255 * share).astype(np.uint8)[..., None], 3, axis=2)


def signed(values: Array, scale: float) -> Pixels:
    """``(H, W)`` from blue at ``-scale`` over white to red at ``scale``."""
    share = np.clip(np.nan_to_num(values) / (scale or 1.0), -1, 1)
    fade = (255 * (1 - np.abs(share))).astype(np.uint8)
    red, blue = np.where(share >= 0, 255, fade), np.where(share <= 0, 255, fade)
    return np.stack([red, fade, blue], axis=2).astype(np.uint8)


def colours(image: NDArray[np.uint8]) -> Pixels:
    """``(C, H, W)`` of one or three channels as they look."""
    return (
        np.repeat(image, 3, axis=0).transpose(1, 2, 0)
        if len(image) == 1
        else image.transpose(1, 2, 0)
    )


def sheet(pictures: Sequence[Pixels], columns: int | None = None) -> Pixels:
    """Pictures of one size side by side, enlarged to about 96 pixels, without smoothing."""
    shown = pictures[:_MOST]
    height, width = shown[0].shape[:2]
    times = max(1, round(_SIDE / max(height, width)))
    columns = columns or math.ceil(math.sqrt(len(shown)))
    rows = math.ceil(len(shown) / columns)
    down, across = height * times + _GAP, width * times + _GAP
    page = np.full((rows * down + _GAP, columns * across + _GAP, 3), _GROUND, np.uint8)
    for at, one in enumerate(shown):
        top, left = _GAP + at // columns * down, _GAP + at % columns * across
        large = one.repeat(times, 0).repeat(times, 1)
        page[top : top + large.shape[0], left : left + large.shape[1]] = large
    return page
