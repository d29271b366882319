"""How tests drive the app and read its screen."""

from __future__ import annotations

from textual import events
from textual.pilot import Pilot

from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.widgets.lines import Lines

_KEYS = {
    " ": "space",
    ".": "full_stop",
    "-": "minus",
    "/": "slash",
    "_": "underscore",
    "?": "question_mark",
}


def text(app: CnnTuiApp, selector: str) -> str:
    """What a widget shows."""
    widget = app.screen.query_one(selector, Lines)
    return "\n".join(widget.render_line(y).text for y in range(widget.content_size.height))


async def type_in(pilot: Pilot[None], words: str) -> None:
    """Press the keys of some words, faster than the screen follows."""
    for char in words:
        pilot.app.post_message(events.Key(_KEYS.get(char, char), char))
    await done(pilot)


def layers(app: CnnTuiApp) -> list[str]:
    """The kinds of layers in the network."""
    return [type(layer).__name__ for layer in app.builder.network.layers]


async def settle(app: CnnTuiApp, pilot: Pilot[None]) -> None:
    """Let a scripted run end and the screen show it."""
    assert app.training.session.join(10)
    app.poll()
    await pilot.pause()


async def typed(pilot: Pilot[None], *keys: str) -> None:
    """Press keys without waiting between them; wait until all have had their effect."""
    for key in keys:
        pilot.app.post_message(events.Key(_KEYS.get(key, key), key if len(key) == 1 else None))
    await done(pilot)


async def done(pilot: Pilot[None]) -> None:
    """Wait until all keys have had their effect."""
    assert isinstance(pilot.app, CnnTuiApp)
    await pilot.pause()
    while not pilot.app.type_ahead.idle:
        await pilot.pause()
