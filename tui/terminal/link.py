"""The link to the terminal: how often, in which colours and in which glyphs to draw.

Imports no Textual, which reads some of this from the environment when it is imported.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Literal

Color = Literal["auto", "16", "256", "truecolor", "none"]

LOCAL_FPS = 4.0
REMOTE_FPS = 2.0
"""Over SSH, where every redraw goes through the link."""

_FRAMES = {False: "60", True: "15"}
"""Frames a second at most while keys are pressed, here and over SSH."""
_SYSTEMS = {"16": "standard", "256": "256", "truecolor": "truecolor"}
"""Rich's names for kinds of colours."""


@dataclass(frozen=True)
class Link:
    """How the app is to draw."""

    fps: float = LOCAL_FPS
    """Times a second that news of a run is drawn."""
    mouse: bool = True
    color: Color = "auto"
    ascii: bool = False
    remote: bool = False


def link_for(
    environ: Mapping[str, str],
    encoding: str,
    *,
    fps: float | None = None,
    mouse: bool = True,
    color: Color = "auto",
    ascii: bool = False,
) -> Link:
    """What was asked for, and for the rest what terminal and link can bear.

    Args:
        environ: ``SSH_CONNECTION``, ``NO_COLOR`` and ``TERM`` are looked at.
        encoding: Of the stream that is drawn on.
        fps: Times a second that news of a run is drawn.
        mouse: Whether the terminal is to report the mouse.
        color: ``auto`` leaves it to the terminal.
        ascii: Whether to keep to ASCII even where more would do.
    """
    remote = "SSH_CONNECTION" in environ
    plain = "utf" not in encoding.lower() or environ.get("TERM") == "linux"
    return Link(
        fps=fps or (REMOTE_FPS if remote else LOCAL_FPS),
        mouse=mouse,
        color="none" if color == "auto" and environ.get("NO_COLOR") else color,
        ascii=ascii or plain,
        remote=remote,
    )


def prepare(link: Link, environ: MutableMapping[str, str]) -> None:
    """Tell Textual through the environment; to be called before it is imported."""
    environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    environ.setdefault("TEXTUAL_FPS", _FRAMES[link.remote])
    if link.color in _SYSTEMS:
        environ["TEXTUAL_COLOR_SYSTEM"] = _SYSTEMS[link.color]
    # Textual would turn colours into greys; ColorsOff leaves them out, which is shorter.
    environ.pop("NO_COLOR", None)
    # Where a shell has exported these, they would hold against a window that changes.
    for name in ("COLUMNS", "LINES"):
        environ.pop(name, None)
