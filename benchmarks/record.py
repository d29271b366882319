"""What recording a training costs: the import, the beginning, a batch, and a measured step.

Run it alone on the machine: ``python benchmarks/record.py``. ``--json`` prints the figures.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

IMPORT = """
import time
began = time.perf_counter()
from cnn_tui.engine import record
print(time.perf_counter() - began)
"""
ROUNDS, BATCHES = 7, 20_000
WANTED = {"import_ms": 50.0, "batch_us": 50.0}


def import_ms() -> float:
    """Milliseconds of the import, in a process of its own; the median of several."""
    times = [
        float(
            subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, check=True).stdout
        )
        for _ in range(ROUNDS)
    ]
    return 1e3 * statistics.median(times)


def batch_us(root: Path) -> dict[str, float]:
    """Microseconds of a batch, without and with a look at what people ask for."""
    from cnn_tui.engine import record

    began = time.perf_counter()
    with record("speed", config={"lr": 0.1}, runs_dir=root) as run:
        opened = time.perf_counter() - began

        def batch() -> None:
            run.batch(loss=0.5, accuracy=0.5, lr=0.1)

        def steered() -> None:
            run.batch(loss=0.5, accuracy=0.5, lr=0.1, f1=0.5)
            run.wait_while_paused()
            run.changed("lr")
            assert not run.should_stop

        found = {"batch_us": per_call(batch), "steered_batch_us": per_call(steered)}
    return {"open_ms": 1e3 * opened, **found}


def per_call(call: Callable[[], None]) -> float:
    """Microseconds of a call: the median of several rounds, the writing thread at work."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(BATCHES):
            call()
        times.append(1e6 * (time.perf_counter() - began) / BATCHES)
        time.sleep(0.5)  # for the writing thread
    return statistics.median(times)


def watch_share(root: Path) -> float:
    """Time of a training step of a small ConvNet with ``run.watch`` over that without."""
    import torch
    from torch import nn

    from cnn_tui.engine import record

    torch.set_num_threads(1)
    model = nn.Sequential(
        nn.Conv2d(3, 32, 3), nn.ReLU(), nn.Conv2d(32, 32, 3), nn.ReLU(), nn.Flatten(),
        nn.Linear(32 * 28 * 28, 10),
    )  # fmt: skip
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    images, labels = torch.randn(16, 3, 32, 32), torch.randint(10, (16,))

    def steps(count: int) -> float:
        began = time.perf_counter()
        for _ in range(count):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images), labels).backward()
            optimizer.step()
            run.batch(loss=0.5)
        return time.perf_counter() - began

    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for watched in (False, True):
            with record("watched", runs_dir=root) as run:
                if watched:
                    run.watch(model)
                times[watched].append(steps(50))
    return statistics.median(times[True]) / statistics.median(times[False])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", dest="as_json")
    as_json = parser.parse_args().as_json
    with tempfile.TemporaryDirectory() as root:
        found = {"import_ms": import_ms(), **batch_us(Path(root))}
        if importlib.util.find_spec("torch"):
            found["watched_step_ratio"] = watch_share(Path(root))
    if as_json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        wanted = f"  (wanted: under {WANTED[name]:g})" if name in WANTED else ""
        print(f"{name:20} {value:8.3f}{wanted}")


if __name__ == "__main__":
    main()
