"""Versions of the files that cnn-tui writes and reads again; docs/formats.md has the rules.

A file without a version is of version 1. What is new in a file is a field that has a default, so
that older files are read as they are; a version rises only where an older cnn-tui would take a file
for something that it is not.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from cnn_tui.engine.decoding import Count, decode
from cnn_tui.engine.errors import RunError

T = TypeVar("T")

ARCHITECTURE = 1
"""Architecture files."""
RUN = 1
"""The folder of a run: run.json, and all files beside it but the checkpoints."""
EVENTS = 1
"""The stream of events, in a run and in what ``train --json`` prints."""
CHECKPOINT = 1
SWEEP_FILE = 1
SWEEP = 1
"""The folder of a sweep."""
CONFIG = 1
"""``config.toml``."""
LESSON = 1
PROGRESS = 1
"""``lessons.json``: what a person has solved."""


class _Versioned(msgspec.Struct):
    format: Count = 1


def version_of(content: bytes | str) -> int:
    """The version of a JSON text that is an object, whatever else is in it.

    Raises:
        UnreadableError: if the text is no such object.
    """
    return decode(content, _Versioned).format


def decode_known(content: bytes | str, target: type[T], known: int, what: str) -> T:
    """Decode a JSON text with a version of at most ``known``; ``what`` names it in the error.

    Raises:
        UnreadableError: if the text is not JSON of this type.
        RunError: if a later cnn-tui wrote it.
    """
    if (version := version_of(content)) > known:
        raise RunError(*later(what, version, known))
    return decode(content, target)


def later(what: str, version: int, known: int) -> tuple[str, str]:
    """Message and hint about a file of a later version."""
    return (
        f"{what} was written by a later cnn-tui: its format is {version}, this one reads up to "
        f"{known}.",
        "Update cnn-tui.",
    )
