"""Decoding one picture file to pixels of a given size with Pillow; files are treated as hostile."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.errors import DataError, reason_of
from cnn_tui.engine.specs.wording import plain

SUFFIXES = frozenset(
    (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
)
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
"""Formats tried for any name; others of Pillow run programs or are untested on hostile files."""
_LEAST_SIDE = 4
_MOST_PIXELS = 100_000_000
_ORIENTATION, _TURNED = 0x0112, (5, 6, 7, 8)
"""EXIF's tag, and its values for pictures that lie on their side."""


class BadPictureError(Exception):
    """A file that is not a usable picture; the message gives the reason."""


def pillow() -> ModuleType:
    """Pillow's ``Image``, imported when the first picture is read.

    Raises:
        DataError: Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError:
        raise DataError(
            "Reading pictures needs Pillow, which is not installed.",
            "Install it with: pip install 'cnn-tui[images]'.",
        ) from None
    return Image


@contextmanager
def bombs_refused() -> Iterator[None]:
    """Suppress Pillow's warning about giant pictures, whose size is checked here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pillow().DecompressionBombWarning)
        yield


def read_picture(source: Path | bytes, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Read the pixels ``(C, H, W)`` of a file; see :func:`fitted_picture`."""
    return fitted_picture(source, shape)[0]


def fitted_picture(
    source: Path | bytes, shape: tuple[int, int, int]
) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """Read a file, turned upright, resized and cropped to the centre.

    One channel gives grey, three give colour. Transparent pixels become white if the others are
    dark and black if they are light, so that drawings stay visible. The size is checked before
    anything is decoded.

    Returns:
        The pixels ``(C, H, W)``, and the width and height that the file has.

    Raises:
        BadPictureError: The picture is damaged, of another format, tiny or gigantic.
        DataError: Pillow is not installed.
    """
    with _opened(source) as image:
        return _pixels(image, shape), image.size


def picture_size(path: Path) -> tuple[int, int]:
    """Width and height of a picture turned upright, without decoding it.

    Raises:
        BadPictureError: The file is no picture, tiny or gigantic.
        DataError: Pillow is not installed.
    """
    with _opened(path) as image:
        _require_size(image)
        wide, tall = image.size
        return (tall, wide) if image.getexif().get(_ORIENTATION, 1) in _TURNED else (wide, tall)


@contextmanager
def _opened(source: Path | bytes) -> Iterator[Any]:
    """The picture of a file; whatever Pillow raises becomes a reason for people."""
    image_module = pillow()
    try:
        stream = io.BytesIO(source) if isinstance(source, bytes) else source
        with image_module.open(stream, formats=_FORMATS) as image:
            yield image
    except BadPictureError:
        raise
    except image_module.UnidentifiedImageError:
        raise BadPictureError("it is not a picture of a known format") from None
    except image_module.DecompressionBombError:
        raise BadPictureError(f"it has more than {_MOST_PIXELS:,} pixels") from None
    except OSError as error:
        raise BadPictureError(plain(reason_of(error))) from None
    except Exception as error:  # a damaged file makes Pillow's decoders raise nearly anything
        raise BadPictureError(f"it is damaged ({type(error).__name__})") from None


def _pixels(image: Any, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    from PIL import ImageOps

    channels, height, width = shape
    _require_size(image)
    # A JPEG is decoded at a reduced size of at least twice the target.
    mode = "L" if channels == 1 else "RGB"
    image.draft(mode, (2 * width, 2 * height))
    image = ImageOps.exif_transpose(_eight_bit(image))
    clear = image.has_transparency_data
    image = image.convert("RGBA" if clear else mode)
    image = ImageOps.fit(image, (width, height), pillow().Resampling.BILINEAR)
    fitted = np.asarray((_opaque(image) if clear else image).convert(mode))
    return fitted[None] if channels == 1 else np.moveaxis(fitted, 2, 0)


def _require_size(image: Any) -> None:
    if min(image.size) < _LEAST_SIDE:
        raise BadPictureError(f"it has only {image.width}x{image.height} pixels")
    if image.width * image.height > _MOST_PIXELS:
        raise BadPictureError(f"it has more than {_MOST_PIXELS:,} pixels")


def _opaque(image: Any) -> Any:
    """The picture on a white or black ground, whichever contrasts more."""
    pixels = np.asarray(image, np.float64)
    shown = pixels[..., 3].sum()
    light = (pixels[..., :3].mean(2) * pixels[..., 3]).sum() / shown if shown else 0.0
    ground = 255 if light < 128 else 0
    below = pillow().new("RGBA", image.size, (ground, ground, ground, 255))
    return pillow().alpha_composite(below, image)


def _eight_bit(image: Any) -> Any:
    """Grey of 16 bits scaled to 8 bits, which Pillow would clip."""
    if image.mode == "F":
        raise BadPictureError("its pixels are floating-point; save it with 8 or 16 bits")
    if not image.mode.startswith("I"):
        return image
    deep = np.asarray(image)
    return pillow().fromarray((np.clip(deep, 0, 65535) >> 8).astype(np.uint8))
