"""Files that a user has named: links are followed, and a write is complete or does not happen."""

from __future__ import annotations

import os
from pathlib import Path

from cnn_tui.engine.errors import SpecError, reason_of
from cnn_tui.engine.files import read_file
from cnn_tui.engine.specs.wording import plain
from cnn_tui.engine.storage import Storage, replace_file


def read_bytes(path: Path, most: int, *, hint: str = "", links: bool = True) -> bytes:
    """Read the whole of a regular file of at most ``most`` bytes.

    Args:
        path: The file.
        most: The limit in bytes.
        hint: What to do about an unreadable file, for the message.
        links: Whether ``path`` may be or go through a symbolic link.

    Raises:
        SpecError: if the file is missing, not a regular file, too large or unreadable.
    """
    try:
        return read_file(Path(os.path.realpath(path)) if links else path, most)
    except FileNotFoundError:
        raise SpecError(f"There is no file {plain(str(path))}.", "Check the path.") from None
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise SpecError(f"{plain(str(path))} cannot be read: {reason(error)}.", hint) from None


def read_text(path: Path, most: int, *, hint: str = "", links: bool = True) -> str:
    """Read a file of UTF-8 text, with or without a byte order mark; arguments as above.

    Raises:
        SpecError: as for :func:`read_bytes`, or if the file is not UTF-8.
    """
    try:
        return read_bytes(path, most, hint=hint, links=links).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SpecError(f"{plain(str(path))} is not UTF-8 text.", hint) from None


def replace_bytes(path: Path, data: bytes) -> None:
    """Replace the content of the file at ``path`` by ``data``, all at once, safe from power cuts.

    Raises:
        OSError: if the file cannot be written; its content is then unchanged.
        ValueError: if no file can have this name.
    """
    # Through a link, so that the link stays and the file it names gets the data.
    target, mode = Path(os.path.realpath(path)), None
    if target.exists():
        if not os.access(target, os.W_OK):
            raise PermissionError(13, "it is read-only")
        mode = target.stat().st_mode & 0o777
    replace_file(Storage(), target, [data], mode=mode)


def reason(error: OSError | ValueError) -> str:
    """The cause of an error, to follow a colon: the system's words in lower case."""
    text = reason_of(error)
    return plain(text[:1].lower() + text[1:])
