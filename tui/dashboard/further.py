"""Figures that only another program knows, such as ``f1``: their names and their curves."""

from __future__ import annotations

import re
from typing import NamedTuple

from cnn_tui.tui.dashboard.series import Noisy, Series

MOST_FURTHER = 200
"""Figures that are drawn; more are only kept in the files of the run."""
_VAL = re.compile(
    r"(?:^|(?<=[/_.]))(?:val|valid|validation|eval|test)[/_.]|[/_.](?:val|eval|test)$"
)
_TRAIN = re.compile(r"^(?:train|training)[/_.]|[/_.]train$")


class Further(NamedTuple):
    """The curves of one figure."""

    train: Noisy
    val: Series


def stem_of(name: str) -> tuple[str, bool]:
    """A name without that of its split, and whether this is validation: ``val_f1`` as ``f1``."""
    stem, found = _VAL.subn("", name, count=1)
    if found and stem:
        return stem, True
    return _TRAIN.sub("", name, count=1) or name, False
