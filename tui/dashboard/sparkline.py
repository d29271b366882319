"""A curve in one line of text."""

from __future__ import annotations

import math
from collections.abc import Sequence

BARS = "▁▂▃▄▅▆▇█"
PLAIN_BARS = "_.-=+*#@"
"""For encodings that have no blocks."""


def sparkline(values: Sequence[float], width: int, encoding: str = "utf-8") -> str:
    """The last of each of ``width`` equal parts of ``values``, from lowest to highest.

    A value that is not finite leaves a gap.
    """
    if not values:
        return ""
    count = min(width, len(values))
    points = [values[(number + 1) * len(values) // count - 1] for number in range(count)]
    finite = [point for point in points if math.isfinite(point)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    bars = BARS if _has(encoding, BARS) else PLAIN_BARS
    scale = (len(bars) - 1) / (high - low) if high > low else 0.0
    return "".join(
        bars[round((point - low) * scale)] if math.isfinite(point) else " " for point in points
    )


def _has(encoding: str, text: str) -> bool:
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
