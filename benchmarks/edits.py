"""Time of an edit in the builder, from the key to the painted screen.

python benchmarks/edits.py [LAYERS]
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import sys
import time

from textual.pilot import Pilot

from cnn_tui.engine.specs.layers import (
    FC,
    BatchNorm,
    Conv,
    Layer,
    MaxPool,
    Parallel,
    ReLU,
    Residual,
)
from cnn_tui.engine.specs.network import Network
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.building.builder import Builder
from cnn_tui.tui.building.document import Document
from cnn_tui.tui.session import Session
from cnn_tui.tui.training import Places, Training

EDITS = 30
MOVES = (("duplicate", "D"), ("move", "J"), ("undo", "u"))
TYPED = (("stride 2, which breaks it", "2"), ("stride 1 again", "1"))


def plain(count: int) -> Network:
    """Alternating convolutions and ReLUs, each pair of another width, and scores at the end."""
    pairs = [
        layer
        for at in range(count // 2)
        for layer in (Conv(out_channels=16 + at % 7, kernel_size=3, padding=1), ReLU())
    ]
    return Network(input=(3, 33, 32), layers=(*pairs, FC(out_features=10)))


def nested(count: int) -> Network:
    """Residual blocks nested up to five deep, with about ``count`` layers."""
    block: tuple[Layer, ...] = (Conv(out_channels=16, kernel_size=3, padding=1), BatchNorm())
    for _ in range(5):
        block = (*block, Residual(branch=block), ReLU())
    whole = tuple(Residual(branch=block) for _ in range(max(1, count // 131)))
    first = Conv(out_channels=16, kernel_size=3, padding=1)
    return Network(input=(3, 33, 32), layers=(first, ReLU(), *whole, FC(out_features=10)))


def branched(count: int) -> Network:
    """Inception modules of four branches, with about ``count`` layers."""

    def conv(channels: int, size: int) -> tuple[Layer, ...]:
        whole = Conv(out_channels=channels, kernel_size=size, padding=size // 2)
        return (whole, BatchNorm(), ReLU())

    def module(channels: int) -> Parallel:
        pooled = (MaxPool(kernel_size=3, stride=1, padding=1), *conv(4, 1))
        second, third = (*conv(6, 1), *conv(channels, 3)), (*conv(2, 1), *conv(4, 5))
        return Parallel(branches=(conv(8, 1), second, third, pooled))

    modules = tuple(module(8 + at % 7) for at in range(max(1, count // 20)))
    first = Conv(out_channels=16, kernel_size=3, padding=1)
    return Network(input=(3, 33, 32), layers=(first, ReLU(), *modules, FC(out_features=10)))


async def measure(name: str, network: Network) -> None:
    """Print median and maximum of edits of each type, near both ends of the list."""
    builder = Builder(Document(network))
    if any(row.folded for row in builder.rows):
        builder.fold_all()  # which unfolds them
    app = CnnTuiApp(builder, Training(Session(), Places()))
    async with app.run_test(size=(120, 40)) as pilot:
        rows = len(app.builder.rows)
        name = f"{rows} rows {name}"
        for place, row in (("at the top", 1), ("at the end", rows - 5)):
            for what, key in MOVES:
                app.builder.select(row)
                _print(f"{name}, {what} {place}", [await _cost(pilot, key) for _ in range(EDITS)])
        app.builder.find("1")
        await pilot.press("home", "down", "enter", "down", "down")
        for _ in range(2):
            await _cost(pilot, "backspace")
        costs = [[await _cost(pilot, key) for _, key in TYPED] for _ in range(EDITS)]
        for (what, _), of in zip(TYPED, zip(*costs, strict=True), strict=True):
            _print(f"{name}, {what}", of)


def _print(what: str, costs: list[float] | tuple[float, ...]) -> None:
    print(f"{what:58} median {statistics.median(costs):5.1f} ms, worst {max(costs):5.1f} ms of CPU")


async def _cost(pilot: Pilot[None], key: str) -> float:
    if key in "12":
        pilot.app.screen.focused.action_select_all()  # type: ignore[union-attr]
    start = time.process_time()
    await pilot.press(key)
    await pilot.pause()
    return (time.process_time() - start) * 1000


async def main(count: int) -> None:
    """A plain, a nested and a branched network."""
    gc.freeze()  # as the app does
    await measure("in a row", plain(count))
    await measure("in blocks", nested(count))
    await measure("in branches", branched(count))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
