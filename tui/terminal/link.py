"""The link to the terminal: how often, in which colours and in which glyphs to draw.

This module does not import Textual, which reads some of this from the environment on import.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from textual.app import App

Color = Literal["auto", "16", "256", "truecolor", "none"]

Form = Literal["blocks", "glyphs", "ascii"]
"""Forms of pictures: half blocks in colours; glyphs, for 16 colours; or ASCII."""

LOCAL_FPS = 2.5
"""What a chart and the rest of the screen cost a training four times a second was over 3%."""
REMOTE_FPS = 2.0
"""Over SSH, where every redraw is sent over the network."""

_FRAMES = {False: "60", True: "15"}
"""Frames per second at most while keys are pressed, locally and over SSH."""
_SYSTEMS = {"16": "standard", "256": "256", "truecolor": "truecolor"}
"""Rich's names for colour systems."""


@dataclass(frozen=True)
class Link:
    """How the app draws."""

    fps: float = LOCAL_FPS
    """How often news of a run is drawn, per second."""
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
    """Combine the options with what terminal and link support.

    Args:
        environ: ``SSH_CONNECTION``, ``NO_COLOR`` and ``TERM`` are read.
        encoding: The encoding of the output stream.
        fps: How often news of a run is drawn, per second.
        mouse: Whether the terminal reports the mouse.
        color: ``auto`` is what ``TERM`` and ``COLORTERM`` say.
        ascii: Whether to draw in ASCII even if more is supported.
    """
    remote = "SSH_CONNECTION" in environ
    plain = "utf" not in encoding.lower() or environ.get("TERM") == "linux"
    if color == "auto":
        color = "none" if environ.get("NO_COLOR") else "16" if _few_colors(environ) else color
    return Link(
        fps=fps or (REMOTE_FPS if remote else LOCAL_FPS),
        mouse=mouse,
        color=color,
        ascii=ascii or plain,
        remote=remote,
    )


def _few_colors(environ: Mapping[str, str]) -> bool:
    """Whether the terminal has 16 colours, by the rule of Rich, which draws."""
    more = environ.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit")
    term = environ.get("TERM", "")
    return bool(term) and not more and term.rpartition("-")[2] not in ("256color", "kitty")


def prepare(link: Link, environ: MutableMapping[str, str]) -> None:
    """Configure Textual through the environment; to be called before it is imported."""
    environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    environ.setdefault("TEXTUAL_FPS", _FRAMES[link.remote])
    if link.color in _SYSTEMS:
        environ["TEXTUAL_COLOR_SYSTEM"] = _SYSTEMS[link.color]
    # Textual would turn colours into greys; ColorsOff removes them, which is shorter.
    environ.pop("NO_COLOR", None)
    # If a shell has exported these, they would override a window that is resized.
    for name in ("COLUMNS", "LINES"):
        environ.pop(name, None)


def form_in(app: App[object]) -> Form:
    """Return what pictures are made of in the app."""
    link = getattr(app, "link", Link())
    if link.ascii or link.color == "none":
        return "ascii"
    few = link.color == "16" or (
        link.color == "auto" and not app.is_headless and app.console.color_system == "standard"
    )
    return "glyphs" if few else "blocks"
