"""The pictures of the docs: pixels as a terminal has them, and the moving one of the README."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
SNAPSHOT = Path(__file__).parent / "__snapshots__/test_runs_snapshots/test_the_history.svg"


@pytest.fixture(scope="module")
def pixels() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pixels", ROOT / "docs" / "pixels.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_character_is_drawn_in_its_cell(pixels: ModuleType) -> None:
    try:
        image = pixels.pixels(SNAPSHOT.read_text(), 20)
    except SystemExit as lack:
        assert "DejaVu" in str(lack)
        pytest.skip("needs the font DejaVu Sans Mono")
    assert image.size == (80 * 10, 24 * 20)
    # The row of the cursor has one ground from the first column to the last.
    assert image.getpixel((0, 4 * 20 + 1)) == image.getpixel((799, 4 * 20 + 1)) == (0, 95, 135)


def test_braille_has_its_dots(pixels: ModuleType) -> None:
    assert list(pixels._dots(0b10000001, 10, 20)) == [(1, 1), (7, 17)]


def test_the_moving_picture_is_small_and_shows_the_demo() -> None:
    file = ROOT / "docs" / "demo.gif"
    assert file.stat().st_size < 1_500_000
    with Image.open(file) as moving:
        assert getattr(moving, "n_frames", 1) > 40
