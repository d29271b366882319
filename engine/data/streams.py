"""Reading exactly as much as was promised, straight into its place."""

from __future__ import annotations

import io
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

_STEP = 1 << 20


class Readable(Protocol):
    """What is read from: a file, or what unpacks one."""

    def read(self, size: int = ..., /) -> bytes:
        """At most ``size`` bytes; none at the end."""


def fill(stream: Readable, out: NDArray[np.generic]) -> int:
    """Read into the whole of a C-contiguous array; the bytes read, fewer if the stream ends."""
    target = out.reshape(-1).view(np.uint8).data
    done = 0
    while done < len(target):
        part = stream.read(min(_STEP, len(target) - done))
        if not part:
            break
        target[done : done + len(part)] = part
        done += len(part)
    return done


class Capped(io.RawIOBase):
    """A stream that refuses to give more than ``most`` bytes.

    Raises:
        EOFError: when more is read than that.
    """

    def __init__(self, stream: Readable, most: int) -> None:
        self._stream, self._left = stream, most

    def read(self, size: int = -1) -> bytes:
        """At most ``size`` bytes of what is left."""
        data = self._stream.read(self._left + 1 if size < 0 else size)
        self._left -= len(data)
        if self._left < 0:
            raise EOFError("it holds more than it should")
        return data
