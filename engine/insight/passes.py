"""Runs of many images through an opened network, in pieces that fit a bounded memory.

What takes long takes ``progress``, called with the share that is done, and ``cancelled``, asked
between pieces of the work, which ends with :class:`CancelledError` when it returns True.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from cnn_tui.engine.errors import InsightError, MemoryLimitError
from cnn_tui.engine.insight.subject import CHUNK, Subject
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.protocol import OpenedPass

Progress = Callable[[float], None] | None
"""Called with the share that is done, 0 to 1."""
Cancelled = Callable[[], bool] | None
"""Asked between pieces of work; True ends it."""

MOST_BYTES = 512 << 20
"""Bytes that an opened network holds in these runs, unless a single image needs more."""

MOST_IMAGES = 512 << 20
"""Bytes of images that are held at a time."""


class CancelledError(InsightError):
    """A computation ended early, because its ``cancelled`` said so."""

    def __init__(self) -> None:
        super().__init__("Cancelled before it was done.")


def check_in(share: float, progress: Progress, cancelled: Cancelled) -> None:
    """Report the share done, and end the work if it is no longer wanted.

    Raises:
        CancelledError: if ``cancelled`` says so.
    """
    if cancelled is not None and cancelled():
        raise CancelledError
    if progress is not None:
        progress(share)


def part_of(progress: Progress, start: float, end: float) -> Progress:
    """The progress of a part of the work, from ``start`` to ``end`` of the whole."""
    if progress is None:
        return None
    return lambda share: progress(start + (end - start) * share)


def affordable(subject: Subject, limit: int | None) -> int:
    """The number of images to look at: ``limit``, but no more than fit into 512 MB."""
    fitting = max(1, MOST_IMAGES // (math.prod(subject.network.input) * _BYTES))
    return fitting if limit is None else min(limit, fitting)


_BYTES = 5
"""Bytes of a value: a float32, and a byte to be shown."""


def passes(
    subject: Subject,
    images: Array,
    progress: Progress = None,
    cancelled: Cancelled = None,
    chunk: int = CHUNK,
) -> Iterator[tuple[slice, OpenedPass]]:
    """Open the network and show it a few images at a time, with the images' places.

    Raises:
        CancelledError: if ``cancelled`` says so.
        MemoryLimitError: if not even one image fits into 2 GB.
    """
    check_in(0.0, progress, cancelled)
    with ExitStack() as stack:
        try:
            inside = subject.model.opened(images[:chunk], limit=MOST_BYTES)
        except MemoryLimitError as error:
            chunk = max(1, error.batch)
            inside = subject.model.opened(images[:chunk])
        stack.enter_context(inside)
        for start in range(0, len(images), chunk):
            part = images[start : start + chunk]
            if start:
                inside.see(part)
            yield slice(start, start + len(part)), inside
            check_in((start + len(part)) / len(images), progress, cancelled)
