"""Colours that can be read: the contrast of WCAG 2, and themes made to have it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from textual.color import Color

LEAST = 4.5
"""The contrast of text with its ground (WCAG 2.2, criterion 1.4.3)."""

GROUNDS = ("background", "surface", "panel", "block-cursor-blurred-background")
"""Backgrounds on which text of any role may stand."""

_TEXTS = (
    "foreground",
    "accent",
    "primary",
    "warning",
    "error",
    "success",
    "block-cursor-blurred-foreground",
)
_SHARES = {"text": 1.0, "text-muted": 0.7, "text-disabled": 0.55}
"""How much of the foreground is in the quieter texts, which Textual makes for each ground."""
_PAIRS = (
    ("block-cursor-foreground", "block-cursor-background"),
    ("input-cursor-foreground", "input-cursor-background"),
    ("input-selection-foreground", "input-selection-background"),
)


def contrast(one: Color, other: Color) -> float:
    """Return the contrast of two opaque colours, from 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def readable(color: Color, grounds: Iterable[Color], least: float = LEAST) -> Color:
    """Return the colour, or the nearest tint or shade of it that can be read on all grounds."""
    grounds = tuple(grounds)
    found = [
        (step, mixed)
        for end in (_BLACK, _WHITE)
        for step in range(21)
        if all(
            contrast(mixed := color.blend(end, step / 20), ground) >= least for ground in grounds
        )
    ]
    return min(found, key=lambda pair: pair[0])[1] if found else color


def legible(variables: Mapping[str, str], kinds: Iterable[str]) -> dict[str, str]:
    """Return the variables of a theme with every text readable on every ground.

    Args:
        variables: Those of a theme whose colours are RGB.
        kinds: Names of further variables that are colours of text.
    """
    made = dict(variables)
    below = Color.parse(made["background"])
    for name in ("surface", "panel"):
        made[name] = _near(Color.parse(made[name]), below).hex
    made["block-cursor-blurred-background"] = made["panel"]
    for _, ground in _PAIRS:
        made[ground] = _opaque(made[ground], below).hex
    grounds = [Color.parse(made[name]) for name in GROUNDS]
    ink = Color.parse(made["foreground"])
    for name, share in _SHARES.items():
        made[name] = below.blend(ink, share).hex
    for name in (*_TEXTS, *_SHARES, *kinds):
        made[name] = readable(_opaque(made[name], below), grounds).hex
    for name in ("accent", "warning", "error", "success", "primary"):
        made[f"text-{name}"] = made[name]
    for text, ground in _PAIRS:
        on = Color.parse(made[ground])
        start = ink if made[text].startswith("auto") else _opaque(made[text], below)
        made[text] = readable(start, [on]).hex
    return made


_BLACK, _WHITE = Color(0, 0, 0), Color(255, 255, 255)


def _near(ground: Color, below: Color) -> Color:
    """Return a second ground, so near to the first that colours can be read on both."""
    steps = (below.blend(ground, step / 20) for step in range(20, 0, -1))
    return next((one for one in steps if contrast(one, below) <= _APART), below)


_APART = 1.35


def _opaque(text: str, below: Color) -> Color:
    """Return a colour such as ``#81a1c1 35%`` as it looks on another."""
    name, _, share = text.partition(" ")
    color = Color.parse(name)
    alpha = float(share.rstrip("%")) / 100 if share else color.a
    return below.blend(color.with_alpha(1.0), alpha)


def _luminance(color: Color) -> float:
    """Return the relative luminance (WCAG 2.2, definitions)."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in color.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
