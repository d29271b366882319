"""Decoding one picture file to pixels of a given size with Pillow; files are treated as hostile."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.errors import reason_of
from cnn_tui.engine.files import open_named
from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.network import ResizeRule
from cnn_tui.engine.specs.wording import plain

SUFFIXES = frozenset(
    (
        ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm",
        ".pgm", ".avif", ".heic", ".heif",
    )
)  # fmt: skip
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM", "AVIF")
"""Formats tried for any name; others of Pillow run programs or are untested on hostile files."""
_UNREAD = {
    b"ftypheic": "HEIC",
    b"ftypheix": "HEIC",
    b"ftypmif1": "HEIF",
    b"ftypmsf1": "HEIF",
    b"ftypavif": "AVIF",
}
"""Formats that people have and Pillow may be unable to read, by the bytes 4 to 12 of a file."""
_LEAST_SIDE = 4
_MOST_PIXELS = 100_000_000
_ORIENTATION, _TURNED = 0x0112, (5, 6, 7, 8)
"""EXIF's tag, and its values for pictures that lie on their side."""
PictureSource = Path | bytes
"""A file, or the content of one that is inside an archive."""


class BadPictureError(Exception):
    """A file that is not a usable picture; the message gives the reason."""


class FittedPicture(NamedTuple):
    """A picture at the size of the network's input."""

    pixels: NDArray[np.uint8]
    """``(C, H, W)``."""
    size: tuple[int, int]
    """Width and height that the file has."""
    animated: bool
    """Whether there are more pictures in the file, of which this is the first."""


def pillow() -> ModuleType:
    """Pillow's ``Image``, imported when the first picture is read."""
    from PIL import Image

    return Image


@cache
def _formats() -> tuple[str, ...]:
    """The formats of ``_FORMATS`` that this Pillow was built with."""
    image_module = pillow()
    image_module.init()
    return tuple(name for name in _FORMATS if name in image_module.OPEN)


@contextmanager
def bombs_refused() -> Iterator[None]:
    """Suppress Pillow's warning about giant pictures, whose size is checked here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pillow().DecompressionBombWarning)
        yield


def read_picture(
    source: PictureSource, shape: tuple[int, int, int], resize: ResizeRule = "crop"
) -> NDArray[np.uint8]:
    """Read the pixels ``(C, H, W)`` of a file; see :func:`fitted_picture`."""
    return fitted_picture(source, shape, resize).pixels


def fitted_picture(
    source: PictureSource, shape: tuple[int, int, int], resize: ResizeRule = "crop"
) -> FittedPicture:
    """Read a file, turned upright and brought to the size of ``shape``, ``(C, H, W)``.

    One channel gives grey, three give colour. Transparent pixels become white if the others are
    dark and black if they are light, so that drawings stay visible. The size is checked before
    anything is decoded.

    Raises:
        BadPictureError: The picture is damaged, of another format, tiny, gigantic, or of a size
            that ``resize`` refuses.
    """
    with _opened(source) as image:
        animated = getattr(image, "is_animated", False)
        return FittedPicture(_pixels(image, shape, resize), image.size, animated)


def picture_size(path: Path) -> tuple[int, int]:
    """Width and height of a picture turned upright, without decoding it.

    Raises:
        BadPictureError: The file is no picture, tiny or gigantic.
    """
    with _opened(path) as image:
        _require_size(image)
        return _upright(image)


def _upright(image: Any) -> tuple[int, int]:
    wide, tall = image.size
    return (tall, wide) if image.getexif().get(_ORIENTATION, 1) in _TURNED else (wide, tall)


@contextmanager
def _opened(source: PictureSource) -> Iterator[Any]:
    """The picture of a file; whatever Pillow raises becomes a reason for people."""
    image_module = pillow()
    try:
        with (
            io.BytesIO(source) if isinstance(source, bytes) else open_named(source) as stream,
            image_module.open(stream, formats=_formats()) as image,
        ):
            yield image
    except BadPictureError:
        raise
    except image_module.UnidentifiedImageError:
        raise BadPictureError(_unidentified(source)) from None
    except image_module.DecompressionBombError:
        raise BadPictureError(f"it has more than {_MOST_PIXELS:,} pixels") from None
    except OSError as error:
        raise BadPictureError(plain(reason_of(error))) from None
    except Exception as error:  # a damaged file makes Pillow's decoders raise nearly anything
        raise BadPictureError(f"it is damaged ({type(error).__name__})") from None


def _unidentified(source: PictureSource) -> str:
    """Why a file is no picture, from its first bytes."""
    if isinstance(source, bytes):
        head = source[:12]
    else:
        with source.open("rb") as stream:
            head = stream.read(12)
    if not head:
        return "it is empty"
    if head[4:12] in _UNREAD:
        name = _UNREAD[head[4:12]]
        return f"it is a {name} picture, which this Pillow cannot read; save it as JPEG or PNG"
    return "it is not a picture of a known format"


def _pixels(image: Any, shape: tuple[int, int, int], resize: ResizeRule) -> NDArray[np.uint8]:
    from PIL import ImageOps

    channels, height, width = shape
    _require_size(image)
    if resize == "refuse" and _upright(image) != (width, height):
        has = format_shape(_upright(image))
        raise BadPictureError(f"it has {has} pixels, the network takes {width}x{height}")
    # A JPEG is decoded at a reduced size of at least twice the target.
    mode = "L" if channels == 1 else "RGB"
    image.draft(mode, (2 * width, 2 * height))
    image = ImageOps.exif_transpose(_eight_bit(image))
    clear = image.has_transparency_data
    image = _resized(image.convert("RGBA" if clear else mode), (width, height), resize)
    fitted = np.asarray((_opaque(image) if clear else image).convert(mode))
    return fitted[None] if channels == 1 else np.moveaxis(fitted, 2, 0)


def _resized(image: Any, size: tuple[int, int], resize: ResizeRule) -> Any:
    from PIL import ImageOps

    bilinear = pillow().Resampling.BILINEAR
    match resize:
        case "stretch":
            return image.resize(size, bilinear)
        case "pad":
            return ImageOps.pad(image, size, bilinear, color=0)
    return ImageOps.fit(image, size, bilinear)


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
