"""The themes: neutral greys, one accent, amber for attention, red for errors, colours for layers.

Every colour of ours is one of xterm's 256, so that a terminal without truecolor, as most are over
SSH, shows the same picture. Textual's own themes are made readable (:func:`variables_of`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from textual.theme import BUILTIN_THEMES, Theme

from cnn_tui.tui.contrast import legible

KINDS = ("conv", "pool", "fc", "activation", "norm", "dropout", "block")
"""Kinds of layers; the variable of each is ``kind-conv`` and so on."""


def _kinds(*colors: str) -> dict[str, str]:
    return {f"kind-{name}": color for name, color in zip(KINDS, colors, strict=True)}


_DARK_KINDS = _kinds("#87afff", "#5fd7af", "#d7afff", "#afd787", "#ff87d7", "#d7af87", "#e4e4e4")
_LIGHT_KINDS = _kinds("#0000af", "#005f5f", "#5f00af", "#005f00", "#87005f", "#5f5f00", "#121212")

DARK = Theme(
    name="cnn-tui",
    primary="#5fafd7",
    secondary="#87afaf",
    accent="#5fafd7",
    warning="#ffaf5f",
    error="#ff8787",
    success="#87d787",
    foreground="#d0d0d0",
    background="#1c1c1c",
    surface="#262626",
    panel="#303030",
    dark=True,
    variables={
        "text-muted": "#a8a8a8",
        "text-disabled": "#9e9e9e",
        "block-cursor-background": "#005f87",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#303030",
        "block-cursor-blurred-foreground": "#d0d0d0",
        "input-cursor-background": "#d0d0d0",
        "input-cursor-foreground": "#1c1c1c",
        "input-selection-background": "#005f87",
        "input-selection-foreground": "#ffffff",
        "scrollbar": "#585858",
        "scrollbar-hover": "#767676",
        "scrollbar-active": "#8a8a8a",
        "scrollbar-background": "#262626",
        "scrollbar-background-hover": "#262626",
        "scrollbar-background-active": "#262626",
        "scrollbar-corner-color": "#262626",
        "border": "#5fafd7",
        "border-blurred": "#585858",
        **_DARK_KINDS,
    },
)

LIGHT = Theme(
    name="cnn-tui-light",
    primary="#005f87",
    secondary="#005f5f",
    accent="#005f87",
    warning="#5f5f00",
    error="#af0000",
    success="#005f00",
    foreground="#262626",
    background="#ffffff",
    surface="#eeeeee",
    panel="#dadada",
    dark=False,
    variables={
        "text-muted": "#4e4e4e",
        "text-disabled": "#585858",
        "block-cursor-background": "#005f87",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#dadada",
        "block-cursor-blurred-foreground": "#262626",
        "input-cursor-background": "#262626",
        "input-cursor-foreground": "#ffffff",
        "input-selection-background": "#005f87",
        "input-selection-foreground": "#ffffff",
        "scrollbar": "#a8a8a8",
        "scrollbar-hover": "#8a8a8a",
        "scrollbar-active": "#626262",
        "scrollbar-background": "#eeeeee",
        "scrollbar-background-hover": "#eeeeee",
        "scrollbar-background-active": "#eeeeee",
        "scrollbar-corner-color": "#eeeeee",
        "border": "#005f87",
        "border-blurred": "#a8a8a8",
        **_LIGHT_KINDS,
    },
)

CONTRAST = Theme(
    name="cnn-tui-contrast",
    primary="#5fffff",
    secondary="#5fffff",
    accent="#5fffff",
    warning="#ffff00",
    error="#ffafaf",
    success="#87ff87",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#262626",
    dark=True,
    variables={
        **DARK.variables,
        "text-muted": "#e4e4e4",
        "text-disabled": "#d0d0d0",
        "block-cursor-background": "#ffffff",
        "block-cursor-foreground": "#000000",
        "block-cursor-blurred-background": "#262626",
        "block-cursor-blurred-foreground": "#ffffff",
        "input-cursor-background": "#ffffff",
        "input-cursor-foreground": "#000000",
        "input-selection-background": "#ffffff",
        "input-selection-foreground": "#000000",
        "scrollbar": "#ffffff",
        "scrollbar-background": "#262626",
        "border": "#ffffff",
        "border-blurred": "#bcbcbc",
        **_kinds("#afd7ff", "#5fffd7", "#d7afff", "#afff87", "#ffafff", "#ffd7af", "#ffffff"),
    },
)

DARK_16 = replace(
    DARK,
    name="cnn-tui-16",
    primary="#55ffff",
    accent="#55ffff",
    warning="#ffff55",
    error="#ff5555",
    success="#55ff55",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#000000",
    variables={
        **CONTRAST.variables,
        "text-muted": "#aaaaaa",
        "text-disabled": "#aaaaaa",
        "block-cursor-background": "#0000aa",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-blurred-background": "#000000",
        "border": "#55ffff",
        "border-blurred": "#aaaaaa",
        "scrollbar-background": "#000000",
        **_kinds("#55ffff", "#00aaaa", "#ff55ff", "#55ff55", "#00aa00", "#aaaaaa", "#ffffff"),
    },
)
"""The theme of terminals with 16 colours, where the nearest to most others would be white."""

LIGHT_16 = replace(
    LIGHT,
    name="cnn-tui-light-16",
    primary="#0000aa",
    accent="#0000aa",
    warning="#aa0000",
    error="#aa0000",
    success="#000000",
    foreground="#000000",
    background="#ffffff",
    surface="#ffffff",
    panel="#ffffff",
    variables={
        **LIGHT.variables,
        "text-muted": "#555555",
        "text-disabled": "#555555",
        "block-cursor-background": "#0000aa",
        "block-cursor-blurred-background": "#ffffff",
        "block-cursor-blurred-foreground": "#000000",
        "border": "#0000aa",
        "border-blurred": "#555555",
        "input-cursor-background": "#000000",
        "input-selection-background": "#0000aa",
        "scrollbar-background": "#ffffff",
        **_kinds("#0000aa", "#5555ff", "#aa00aa", "#555555", "#aa0000", "#555555", "#000000"),
    },
)

OURS = (DARK, LIGHT, CONTRAST)

THEMES = {theme.name: theme for theme in (*OURS, *BUILTIN_THEMES.values())}
"""The themes that are offered, ours first."""


def in_16_colors(theme: Theme) -> Theme:
    """Return the theme to wear in place of another where there are 16 colours."""
    if theme.ansi:
        return theme
    return DARK_16 if theme.dark else LIGHT_16


def variables_of(theme: Theme, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables with the colours of kinds, and all text readable.

    Ours are readable as they are, which a test makes sure of; those of a theme in the terminal's
    own colours are as readable as the terminal's are.
    """
    if theme.ansi:
        return {**variables, **_ANSI_KINDS}
    if "kind-conv" in theme.variables:
        return dict(variables)
    kinds = _DARK_KINDS if theme.dark else _LIGHT_KINDS
    return legible({**variables, **kinds}, kinds)


_ANSI_KINDS = _kinds(
    "ansi_cyan", "ansi_blue", "ansi_magenta", "ansi_green", "ansi_yellow", "ansi_default",
    "ansi_default",
)  # fmt: skip
