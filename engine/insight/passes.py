"""Runs of many images through an opened network, in pieces that fit a bounded memory."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack

from cnn_tui.engine.errors import MemoryLimitError
from cnn_tui.engine.insight.subject import CHUNK, Subject
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.protocol import OpenedPass
from cnn_tui.engine.runs.watcher import NOBODY, Watcher

MOST_BYTES = 512 << 20
"""Bytes that an opened network holds in these runs, unless a single image needs more."""

MOST_IMAGES = 512 << 20
"""Bytes of images that are held at a time."""


def affordable(subject: Subject, limit: int | None) -> int:
    """The number of images to look at: ``limit``, but no more than fit into 512 MB."""
    fitting = max(1, MOST_IMAGES // (math.prod(subject.network.input) * _BYTES))
    return fitting if limit is None else min(limit, fitting)


_BYTES = 5
"""Bytes of a value: a float32, and a byte to be shown."""


def passes(
    subject: Subject,
    images: Array,
    watcher: Watcher = NOBODY,
    chunk: int = CHUNK,
) -> Iterator[tuple[slice, OpenedPass]]:
    """Open the network and show it a few images at a time, with the images' places.

    Raises:
        CancelledError: if ``watcher`` cancels.
        MemoryLimitError: if not even one image fits into 2 GB.
    """
    watcher.check_in(0.0)
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
            watcher.check_in((start + len(part)) / len(images))
