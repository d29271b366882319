"""Pictures in colour that a network reads in grey."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

from cnn_tui.engine.data.pictures import SUFFIXES, BadPictureError, bombs_refused, read_picture

_SAMPLED = 16
_SIDE = 16
_COLOURFUL = 12.0
"""Mean range of red, green and blue in a pixel from which a picture is in colour; scans of grey
paper have less."""


def lost_colours(folder: Path) -> str:
    """A sentence if most pictures of a folder are in colour, for a network that reads grey."""
    paths = (Path(place, name) for place, _, names in os.walk(folder) for name in sorted(names))
    pictures = (path for path in paths if path.suffix.lower() in SUFFIXES)
    found = [_is_colourful(path) for path in islice(pictures, _SAMPLED)]
    if 2 * sum(found) <= len(found):
        return ""
    return (
        "The pictures are in colour, but are read in grey: the input of the network has one "
        "channel, in colour it has three."
    )


def _is_colourful(path: Path) -> bool:
    try:
        with bombs_refused():
            pixels = read_picture(path, (3, _SIDE, _SIDE)).astype(int)
    except BadPictureError:
        return False
    return float((pixels.max(0) - pixels.min(0)).mean()) > _COLOURFUL
