"""The options of how to draw, for every command that opens the app."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, get_args

import click

from cnn_tui.tui.terminal.link import LOCAL_FPS, REMOTE_FPS, Color, link_for

_Command = Callable[..., Any]


def link(command: _Command) -> _Command:
    """Add the options, whose :class:`Link` becomes the argument ``link``.

    Each has an environment variable, by which ``config.toml`` sets it for good.
    """

    @click.option(
        "--fps",
        type=click.FloatRange(0.1, 30),
        envvar="CNN_TUI_FPS",
        metavar="N",
        help="Draw news of a run N times a second. "
        f"Default: {LOCAL_FPS:g}, over SSH {REMOTE_FPS:g}.",
    )
    @click.option(
        "--mouse/--no-mouse",
        default=True,
        envvar="CNN_TUI_MOUSE",
        help="Whether the terminal is asked to report the mouse.",
    )
    @click.option(
        "--color",
        type=click.Choice(get_args(Color)),
        default="auto",
        envvar="CNN_TUI_COLOR",
        help="Default: what the terminal reports; none if NO_COLOR is set.",
    )
    @click.option("--ascii", is_flag=True, envvar="CNN_TUI_ASCII", help="Draw in ASCII only.")
    @wraps(command)
    def linked(
        *args: Any, fps: float | None, mouse: bool, color: Color, ascii: bool, **others: Any
    ) -> Any:
        encoding = getattr(sys.stderr, "encoding", "") or ""
        chosen = link_for(os.environ, encoding, fps=fps, mouse=mouse, color=color, ascii=ascii)
        return command(*args, link=chosen, **others)

    return linked
