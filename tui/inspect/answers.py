"""What is typed into the prompts of Inspect, checked while it can still be mended."""

from __future__ import annotations

from pathlib import Path


def image_of(text: str, images: int) -> int | Path:
    """Return the image that a text names, one of ``images`` or the picture of a file.

    Raises:
        ValueError: It names none; the text ends a sentence that begins with the typed one.
    """
    if text.isdecimal() and not Path(text).is_file():
        if int(text) < images:
            return int(text)
        known = f"there are {images:,}, counted from 0" if images else "the run's data is not here"
        raise ValueError(f"is no image: {known}. The path of a picture will do as well.")
    path = Path(text).expanduser()
    if not path.is_file():
        raise ValueError("is neither a number, such as 0, nor a file, such as ~/digit.png.")
    # Imported late, here and below: only who types something waits for it.
    from cnn_tui.engine.data.pictures import BadPictureError, picture_size

    try:
        picture_size(path)
    except BadPictureError as error:
        raise ValueError(f"cannot be shown: {error}.") from None
    return path


def require_data(text: str) -> None:
    """Check that a text names a dataset, or a folder or file that is there.

    Raises:
        ValueError: It names none; the text ends a sentence that begins with the typed one.
    """
    from cnn_tui.engine.data.catalog import find_name

    if not (Path(text).expanduser().exists() or find_name(text)):
        raise ValueError("is no dataset, folder or file; such as mnist, or ~/data/pictures.")
