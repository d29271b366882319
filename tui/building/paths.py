"""Completion of a path that is being typed, as shells do it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

_MOST = 200


class CompletedPath(NamedTuple):
    """The result of :func:`complete_path`."""

    text: str
    """The line as far as it is certain."""
    choices: tuple[str, ...] = ()
    """The lines that it may become; folders end in a separator."""


def complete_path(text: str, suffixes: Sequence[str] = ()) -> CompletedPath:
    """Complete a path to a folder, or to a file with one of the ``suffixes``.

    Hidden names are offered once their dot is typed. Nothing is offered where nothing can be read.
    """
    if text == "~":
        return CompletedPath("~" + os.sep)
    head, start = os.path.split(text)
    before = text[: len(text) - len(start)]
    try:
        with os.scandir(Path(head or os.curdir).expanduser()) as entries:
            names = [
                entry.name + os.sep * entry.is_dir()
                for entry in entries
                if entry.name.startswith(start)
                and (start.startswith(".") or not entry.name.startswith("."))
                and (entry.is_dir() or entry.name.lower().endswith(tuple(suffixes)))
            ]
    except (OSError, ValueError, RuntimeError):  # RuntimeError: there is no such user's home
        return CompletedPath(text)
    names.sort()
    certain = os.path.commonprefix(names) if names else start  # noqa: RUF071 - of texts, as typed
    return CompletedPath(before + certain, tuple(before + name for name in names[:_MOST]))
