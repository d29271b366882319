"""How long presets take to be read and checked, after the start: the slowest of all first.

python benchmarks/presets.py [HOW_MANY]
"""

from __future__ import annotations

import sys
import time

from cnn_tui.engine.specs.check import check_with_data
from cnn_tui.engine.specs.presets import load_preset, preset_names


def milliseconds(name: str) -> float:
    """Processor time of the first reading and check, when nothing is cached."""
    before = time.process_time()
    check_with_data(load_preset(name))
    return 1000 * (time.process_time() - before)


def main() -> None:
    """Print the slowest presets."""
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    load_preset("lenet5")  # the reader of TOML is imported
    times = {name: milliseconds(name) for name in preset_names()}
    for name in sorted(times, key=times.__getitem__, reverse=True)[:most]:
        print(f"{name:20}{times[name]:6.1f} ms")


if __name__ == "__main__":
    main()
