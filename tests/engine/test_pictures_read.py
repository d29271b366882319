"""Single pictures: how each form of file becomes pixels, by which rule it gets its size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnn_tui.engine.data.catalog import load_dataset
from cnn_tui.engine.data.pictures import BadPictureError, fitted_picture, read_picture
from cnn_tui.engine.errors import DataError


@pytest.fixture
def wide(tmp_path: Path) -> Path:
    """A picture of 24x8: red, green and blue squares of 8x8."""
    pixels = np.zeros((8, 24, 3), np.uint8)
    for square in range(3):
        pixels[:, 8 * square : 8 * square + 8, square] = 200
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    return tmp_path / "wide.png"


def test_the_middle_is_cut_out(wide: Path) -> None:
    pixels = read_picture(wide, (3, 8, 8))
    assert pixels[1].min() == 200 and pixels[0].max() == pixels[2].max() == 0


def test_both_sides_are_fitted(wide: Path) -> None:
    pixels = read_picture(wide, (3, 8, 12), "stretch")
    assert [pixels[0, 0, 0], pixels[1, 0, 6], pixels[2, 0, 11]] == [200, 200, 200]
    assert pixels.shape == (3, 8, 12)


def test_the_rest_is_black(wide: Path) -> None:
    pixels = read_picture(wide, (3, 12, 12), "pad")
    assert pixels[:, :4].max() == pixels[:, 8:].max() == 0
    assert pixels[0, 5, 1] == pixels[1, 5, 6] == pixels[2, 5, 10] == 200


def test_another_size_is_refused(wide: Path, tmp_path: Path) -> None:
    assert read_picture(wide, (3, 8, 24), "refuse").shape == (3, 8, 24)
    with pytest.raises(BadPictureError, match="it has 24x8 pixels, the network takes 8x8"):
        read_picture(wide, (3, 8, 8), "refuse")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_that_lies_is_turned_upright_before_its_size_counts(
    wide: Path, tmp_path: Path, orientation: int
) -> None:
    with Image.open(wide) as image:
        exif = Image.Exif()
        exif[0x0112] = orientation
        image.save(tmp_path / "lying.png", exif=exif)
    shape = (3, 24, 8) if orientation > 4 else (3, 8, 24)
    pixels = read_picture(tmp_path / "lying.png", shape, "refuse")
    first = pixels[:, 0, 0].argmax()
    assert first == (2 if orientation in (2, 3, 7, 8) else 0)


def test_sixteen_bits_keep_their_range(tmp_path: Path) -> None:
    deep = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    for name in ("1.png", "1.tiff"):
        Image.fromarray(deep).save(tmp_path / name)
        np.testing.assert_array_equal(read_picture(tmp_path / name, (1, 8, 8))[0], deep >> 8)


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "I;16"]
)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_mode_that_files_have_is_read(tmp_path: Path, mode: str, channels: int) -> None:
    suffix = "tiff" if mode in ("CMYK", "YCbCr", "LAB", "LA", "PA") else "png"
    grey = Image.fromarray(np.full((8, 8), 255, np.uint8))
    white = {"I;16": 65535, "LAB": (255, 0, 0)}
    if mode in white:
        image = Image.new(mode, (8, 8), white[mode])
    else:
        image = grey.convert("RGB").convert(mode)
    image.save(tmp_path / f"1.{suffix}")
    pixels = read_picture(tmp_path / f"1.{suffix}", (channels, 8, 8))
    assert pixels.shape == (channels, 8, 8) and pixels.min() >= 254


def test_a_palette_with_a_transparent_colour(tmp_path: Path) -> None:
    image = Image.new("P", (8, 8), 1)
    image.putpalette([0, 0, 0, 250, 250, 250])
    image.paste(0, (0, 0, 8, 4))
    image.save(tmp_path / "1.png", transparency=0)
    pixels = read_picture(tmp_path / "1.png", (1, 8, 8))[0]
    assert pixels[:4].max() == 0 and pixels[4:].min() == 250


def moving(path: Path, levels: tuple[int, ...]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    first, *rest = (Image.new("L", (8, 8), level) for level in levels)
    first.save(path, save_all=True, append_images=rest, duration=100)


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "tiff"])
def test_of_an_animation_the_first_frame_is_used(tmp_path: Path, suffix: str) -> None:
    moving(tmp_path / f"1.{suffix}", (200, 20, 90))
    fitted = fitted_picture(tmp_path / f"1.{suffix}", (1, 8, 8))
    assert fitted.animated and abs(int(fitted.pixels.mean()) - 200) <= 2
    moving(tmp_path / f"2.{suffix}", (200,))
    assert not fitted_picture(tmp_path / f"2.{suffix}", (1, 8, 8)).animated


def test_animations_of_a_set_are_counted(tmp_path: Path) -> None:
    for name in "ab":
        for number in range(4):
            moving(tmp_path / name / f"{number}.gif", (9, 50) if number < 3 else (9,))
    assert load_dataset(str(tmp_path), shape=(1, 8, 8)).notes == (
        "Animated pictures, of which the first frame is used: 6.",
    )


@pytest.mark.skipif("AVIF" not in Image.registered_extensions().values(), reason="no AVIF here")
def test_avif(tmp_path: Path) -> None:
    Image.new("RGB", (16, 16), (120, 120, 120)).save(tmp_path / "1.avif")
    assert abs(int(read_picture(tmp_path / "1.avif", (3, 8, 8)).mean()) - 120) <= 3


def test_content_is_read_as_a_file_is(wide: Path) -> None:
    from_bytes = read_picture(wide.read_bytes(), (3, 8, 8))
    np.testing.assert_array_equal(from_bytes, read_picture(wide, (3, 8, 8)))
    with pytest.raises(BadPictureError, match="it is empty"):
        read_picture(b"", (3, 8, 8))


def test_the_rule_of_a_set_is_that_of_the_recipe(wide: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        for number in range(5):
            (tmp_path / "set" / name).mkdir(parents=True, exist_ok=True)
            (tmp_path / "set" / name / f"{number}.png").write_bytes(wide.read_bytes())
    place = str(tmp_path / "set")
    middle = load_dataset(place, shape=(3, 8, 8)).train.images[0]
    padded = load_dataset(place, shape=(3, 8, 8), resize="pad").train.images[0]
    assert middle[1].min() == 200 and padded[:, 0].max() == 0
    with pytest.raises(DataError, match=r"24x8 pixels, the network takes 8x8 .*--skip-damaged"):
        load_dataset(place, shape=(3, 8, 8), resize="refuse")
