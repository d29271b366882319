"""Makes the moving picture of the README: ``python docs/moving.py``.

The real app plays its demo by a clock of our own, so that the same code gives the same frames; then
it looks into the network. Textual draws each frame as SVG, ``docs/pixels.py`` makes pixels of it,
Pillow the GIF.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from pixels import pixels
from textual.pilot import Pilot

from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.names import DEMO_RUN
from cnn_tui.engine.runs.playback import read_playback
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.building.builder import Builder
from cnn_tui.tui.building.document import Document
from cnn_tui.tui.history.playing import Player
from cnn_tui.tui.inspect.pane import InspectPane
from cnn_tui.tui.screens.demo import DemoScreen
from cnn_tui.tui.session import Session
from cnn_tui.tui.training import Places, Training

FILE = Path(__file__).with_name("demo.gif")
SIZE = (96, 28)
HEIGHT = 20
"""Pixels of a cell."""
COLOURS, EXACT = 200, 40
FRAME = 0.25
"""Seconds of a frame while the demo plays."""
SPEED = 2.5
LOOK = 2.0
"""Seconds for which a view of Inspect stands."""
VIEWS = {"filters": 0, "maps": 1, "grad-cam": 12}
"""Views of Inspect, and how far down the list each is."""


class Frame(NamedTuple):
    """A screen as SVG, and for how long it is shown."""

    svg: str
    seconds: float


async def frames() -> AsyncIterator[Frame]:
    """Build, the demo, then views of its network."""
    folder, now = RunFolder(DEMO_RUN), 0.0
    training = Training(Session(lambda *_: None), Places(watched=folder))
    app = CnnTuiApp(Builder(Document(folder.network())), training)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause(0.5)
        for _ in range(3):
            await pilot.press("down")
            yield Frame(await _drawn(app, pilot), 0.6)
        player = Player(read_playback(DEMO_RUN), SPEED, clock=lambda: now)
        await app.push_screen(DemoScreen(player))
        judged = False
        while not player.over:
            # What the babysitter says is to be read.
            first, judged = bool(player.view.verdict) and not judged, bool(player.view.verdict)
            yield Frame(await _drawn(app, pilot), LOOK if first else FRAME)
            now += FRAME
        yield Frame(await _drawn(app, pilot), LOOK)
        await pilot.press("4")
        for at in VIEWS.values():
            await pilot.press("home", *["down"] * at)
            pane = app.screen.query_one(InspectPane)
            while pane.seen is None:
                await pilot.pause(0.1)
            yield Frame(await _drawn(app, pilot), LOOK)


async def _drawn(app: CnnTuiApp, pilot: Pilot[None]) -> str:
    await pilot.pause(1.2 / app.link.fps)
    return app.export_screenshot()


def _palette(sheet: Image.Image) -> Image.Image:
    """The commonest colours, those of the app, as they are; and others for its pictures."""
    counted = sorted(sheet.getcolors(sheet.width * sheet.height) or (), reverse=True)
    exact = [part for _, colour in counted[:EXACT] for part in colour]
    rest = sheet.quantize(COLOURS - EXACT, Image.Quantize.MAXCOVERAGE).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette((exact + rest)[: 3 * COLOURS])
    return palette


async def main() -> None:
    """Write the GIF."""
    shown = [frame async for frame in frames()]
    images = [pixels(frame.svg, HEIGHT) for frame in shown]
    # One palette for all, of a frame of each kind: colours must not change from frame to frame.
    kinds = [images[0], images[len(images) // 2], *images[-len(VIEWS) :]]
    width, height = images[0].size
    sheet = Image.new("RGB", (width, height * len(kinds)))
    for at, image in enumerate(kinds):
        sheet.paste(image, (0, at * height))
    palette = _palette(sheet)
    first, *rest = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images]
    times = [round(1000 * frame.seconds) for frame in shown]
    first.save(FILE, save_all=True, append_images=rest, duration=times, loop=0, optimize=True)


if __name__ == "__main__":
    asyncio.run(main())
