"""The colours: neutral greys, one accent, amber for second or attention, red for errors.

Every colour is one of xterm's 256, so that a terminal without truecolor, as most are over SSH,
shows the same picture.
"""

from __future__ import annotations

from dataclasses import replace

from textual.theme import Theme

DARK = Theme(
    name="cnn-tui",
    primary="#5fafd7",
    secondary="#87afaf",
    accent="#5fafd7",
    warning="#ffaf5f",
    error="#ff5f5f",
    success="#87af87",
    foreground="#d0d0d0",
    background="#1c1c1c",
    surface="#262626",
    panel="#303030",
    dark=True,
    variables={
        "text-muted": "#9e9e9e",
        "text-disabled": "#626262",
        "block-cursor-background": "#005f87",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#3a3a3a",
        "block-cursor-blurred-foreground": "#d0d0d0",
        "input-cursor-background": "#d0d0d0",
        "input-selection-background": "#005f87",
        "scrollbar": "#444444",
        "scrollbar-hover": "#585858",
        "scrollbar-active": "#8a8a8a",
        "scrollbar-background": "#262626",
        "scrollbar-background-hover": "#262626",
        "scrollbar-background-active": "#262626",
        "scrollbar-corner-color": "#262626",
        "border": "#5fafd7",
        "border-blurred": "#585858",
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
    variables={**DARK.variables, "border": "#55ffff"},
)
"""For terminals with 16 colours, where the nearest to most of the others would be white."""
