"""Numbers as colours: signed ones around zero, others from dark to light.

The diverging palette is blue, grey, orange: two hues that no common colour blindness confuses, of
equal lightness at equal distance from zero.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SIGNED = ((95, 175, 255), (47, 98, 148), (48, 48, 48), (150, 84, 26), (255, 150, 50))
"""Colours from minus to plus the full scale, in even steps."""

_RISING = ((24, 26, 38), (36, 72, 110), (42, 124, 132), (112, 180, 112), (246, 236, 150))
"""Colours from zero to the full scale: each step is lighter than the one before."""


def signed(values: NDArray[np.floating], scale: float) -> NDArray[np.uint8]:
    """Colours ``(H, W, 3)`` of numbers ``(H, W)``: blue below zero, orange above."""
    return _between(_SIGNED, (_share(values, scale) + 1) / 2)


def rising(values: NDArray[np.floating], scale: float) -> NDArray[np.uint8]:
    """Colours ``(H, W, 3)`` of numbers ``(H, W)`` from zero up; those below are drawn as zero."""
    return _between(_RISING, np.clip(_share(values, scale), 0, 1))


def weights_in_colour(values: NDArray[np.floating], scale: float) -> NDArray[np.uint8]:
    """Colours ``(H, W, 3)`` of the weights ``(3, H, W)`` of red, green and blue; grey is zero."""
    mixed: NDArray[np.uint8] = np.rint(127.5 + 127.5 * _share(values, scale)).astype(np.uint8)
    last: NDArray[np.uint8] = np.moveaxis(mixed, 0, 2)
    return last


def _share(values: NDArray[np.floating], scale: float) -> NDArray[np.floating]:
    """Numbers as shares of the scale, within -1 and 1; those that are not finite count as zero."""
    finite = np.nan_to_num(values, posinf=0.0, neginf=0.0)
    shares: NDArray[np.floating] = np.clip(finite / (scale or 1.0), -1, 1)
    return shares


def _between(
    palette: tuple[tuple[int, int, int], ...], shares: NDArray[np.floating]
) -> NDArray[np.uint8]:
    places = np.linspace(0, 1, len(palette))
    channels = [np.interp(shares, places, channel) for channel in zip(*palette, strict=True)]
    mixed: NDArray[np.uint8] = np.rint(np.stack(channels, axis=-1)).astype(np.uint8)
    return mixed
