"""Formatting of numbers, times and texts for few columns."""

from __future__ import annotations

import math
from textwrap import wrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnn_tui.engine.specs.network import Recipe

BETWEEN = "   "
"""The separator of the parts of a line."""
_UNITS = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "K"))


def compact(number: int, width: int = 0) -> str:
    """Format ``61,706`` if it fits into ``width`` columns, else ``61.7K``; 0 always shortens."""
    exact = f"{number:,}"
    if len(exact) <= width or number < 1000:
        return exact
    size, unit = next(pair for pair in _UNITS if number >= pair[0])
    scaled = number / size
    return f"{scaled:.0f}{unit}" if scaled >= 100 else f"{scaled:.3g}{unit}"


def count(number: int, noun: str) -> str:
    """Format ``1 thread``, ``2 threads``."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def percent(share: float | None, digits: int = 1) -> str:
    """Format ``98.1%``; None becomes empty."""
    return "" if share is None else f"{share:.{digits}%}"


def short(value: float) -> str:
    """Format a loss in five columns: ``0.081``, ``12.34``, ``1e+06``, ``nan``."""
    if not math.isfinite(value) or value >= 1e4:
        return f"{value:.0e}"
    return f"{value:.{max(0, 3 - len(str(int(value))) + 1)}f}"


def figure(value: float, digits: int = 4) -> str:
    """Format ``0.0812``, ``12.34`` or ``5.9e+30``, in as many digits as mean something."""
    if not math.isfinite(value):
        return f"{value:g}"
    size = abs(value)
    if size >= 10**digits or 0 < size < 10.0**-digits * 10:
        return f"{value:.1e}"
    return f"{value:.{digits - (len(str(int(size))) if size >= 1 else 0)}f}"


def clock(seconds: float | None) -> str:
    """Format ``0:48``, ``12:05`` or ``3:07:11``; an unknown time is ``-:--``."""
    if seconds is None or not math.isfinite(seconds):
        return "-:--"
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def recipe_words(training: Recipe) -> str:
    """Return the recipe in a few words."""
    return f"{training.optimizer}, lr {training.lr:g}, {count(training.epochs, 'epoch')}"


def epochs_words(done: int, total: int) -> str:
    """Format ``3/10``; another program may not say how many there will be."""
    return f"{done}/{total}" if total else f"{done}"


def megabytes(size: int) -> str:
    """Format bytes in MB: ``0.4``, ``12``."""
    return f"{size / 1e6:.1f}" if size < 1e7 else f"{size / 1e6:,.0f}"


def duration(seconds: float) -> str:
    """Format ``0.011 ms``, ``1.64 ms``, ``8.3 s`` or ``12:05``; no time is ``none``."""
    if seconds <= 0:
        return "none"
    if seconds >= 600:
        return clock(seconds)
    value, unit = (seconds, "s") if seconds >= 0.9995 else (1000 * seconds, "ms")
    digits = 3 if value < 0.1 else max(0, 2 - int(math.log10(max(value, 1))))
    return f"{value:.{digits}f} {unit}"


def clean(text: str) -> str:
    """Replace control characters: a name from a file must not control the terminal."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else "?" for char in text)


def fit(text: str, width: int) -> str:
    """Cut or pad to exactly ``width`` columns."""
    return text.ljust(width) if len(text) <= width else text[: max(0, width - 1)] + "…"


def short_name(name: str, width: int) -> str:
    """Shorten the name of a layer in blocks: ``parallel4.b.conv1`` to ``par4.b.conv1``.

    The names of the blocks lose their letters, the outermost first, then the beginning is left out.
    """
    *blocks, layer = name.split(".")
    for letters in (3, 1, 0):
        for at, block in enumerate(blocks):
            short = ".".join([*blocks, layer])
            if len(short) <= width:
                return short
            stem = block.rstrip("0123456789")
            if letters < len(stem) < len(block):
                blocks[at] = stem[:letters] + block[len(stem) :]
    short = ".".join([*blocks, layer])
    return short if len(short) <= width else "…" + short[len(short) - width + 1 :].lstrip(".")


def packed(words: str, width: int) -> list[str]:
    """Wrap at ``width`` columns, between two parts if possible."""
    lines = [""]
    for part in words.split(BETWEEN):
        longer = f"{lines[-1]}{BETWEEN}{part}" if lines[-1] else part
        if len(longer) <= width:
            lines[-1] = longer
        else:
            lines += wrap(part, width)
    return [line for line in lines if line]


def balanced_words(accuracy: float | None) -> str:
    """Return the balanced accuracy to follow the accuracy; empty if the classes are even."""
    return "" if accuracy is None else f" (balanced {accuracy:.1%})"
