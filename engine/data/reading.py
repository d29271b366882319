"""How data of one's own is to be understood, where that is not clear from the data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cnn_tui.engine.data.sources import Progress
from cnn_tui.engine.specs.network import ResizeRule


class ReadingOptions(NamedTuple):
    """The options of a network and a command line on how to read data."""

    shape: tuple[int, int, int] | None = None
    """Input of the network, ``(C, H, W)``."""
    resize: ResizeRule = "crop"
    """How pictures of another size are brought to it."""
    classes: Sequence[str] = ()
    """Names of all classes in order; by default those that are found."""
    labels_from: str = ""
    """``name``, ``folders``, or a column of a table: by its name, or ``first`` or ``last``."""
    skip_damaged: bool = False
    """Leave damaged pictures out instead of refusing the set."""
    progress: Progress | None = None
    """Called while a table is read or pictures are decoded."""
