"""Pictures in folders, to be read."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnn_tui.engine.data.catalog import load_dataset
from cnn_tui.engine.errors import DataError

RNG = np.random.default_rng(0)


def save(path: Path, pixels: np.ndarray, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


def noise(*shape: int) -> np.ndarray:
    return RNG.integers(0, 256, shape).astype(np.uint8)


def two_colours(folder: Path) -> Path:
    """Twenty red and ten blue pictures of 12x10."""
    for name, channel, count in (("red", 0, 20), ("blue", 2, 10)):
        for number in range(count):
            pixels = noise(10, 12, 3) // 4
            pixels[..., channel] += 180
            save(folder / name / f"{number:02}.png", pixels)
    return folder


def refused(folder: Path, *words: object) -> None:
    with pytest.raises(DataError) as caught:
        load_dataset(str(folder))
    said = str(caught.value)
    assert all(str(word) in said or re.search(str(word), said) for word in words), said
    assert "\n" not in str(caught.value) and str(caught.value).isprintable()
