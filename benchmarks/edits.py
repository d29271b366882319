"""What an edit costs in the builder, from the key to the painted screen, in CPU time.

python benchmarks/edits.py [LAYERS]
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time

from textual.pilot import Pilot

from cnn_tui.engine.specs.layers import FC, Conv, Layer, ReLU
from cnn_tui.engine.specs.network import Network
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.session import Session

EDITS = 30


def network(count: int) -> Network:
    """Convolutions and ReLUs by turns, scores at the end."""
    pair: tuple[Layer, ...] = (Conv(out_channels=16, kernel_size=3, padding=1), ReLU())
    return Network(input=(3, 32, 32), layers=(*pair * (count // 2), FC(out_features=10)))


async def measure(count: int) -> None:
    """Print the median and the worst of some edits of each kind, near both ends of the list."""
    app = CnnTuiApp(network(count), None, Session())
    async with app.run_test(size=(120, 40)) as pilot:
        for place, row in (("at the top", 1), ("at the end", count)):
            for what, key in (("duplicate", "D"), ("move", "J"), ("undo", "u")):
                app.builder.select(row)
                times = [await _cost(pilot, key) for _ in range(EDITS)]
                print(
                    f"{count} layers, {what:9} {place}: median {statistics.median(times):5.1f} ms, "
                    f"worst {max(times):5.1f} ms of CPU"
                )


async def _cost(pilot: Pilot[None], key: str) -> float:
    start = time.process_time()
    await pilot.press(key)
    await pilot.pause()
    return (time.process_time() - start) * 1000


if __name__ == "__main__":
    asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
