"""Cost of saving and reading runs: states of a network, many runs, one long run."""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

from cnn_tui.engine.build import build
from cnn_tui.engine.optimizers import build_optimizer
from cnn_tui.engine.runs.folder import RunFolder, RunInfo
from cnn_tui.engine.runs.follow import Follower
from cnn_tui.engine.runs.history import list_runs
from cnn_tui.engine.runs.summary import Summary
from cnn_tui.engine.runs.tensors import encode
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.engine.storage import Storage, replace_file
from cnn_tui.engine.training.events import BatchCompleted

IMAGES = 50_000
"""Images per epoch, as in CIFAR-10."""


def timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def written_run(path: Path, summary: Summary) -> RunFolder:
    folder = RunFolder(path)
    path.mkdir()
    info = RunInfo(created="", version="", arch="resnet20", data="cifar10")
    folder.info_file.write_bytes(msgspec.json.encode(info))
    folder.summary_file.write_bytes(msgspec.json.encode(summary))
    folder.lock_file.write_bytes(b"")
    return folder


def states(name: str, root: Path, repeats: int = 15) -> None:
    network = load_preset(name)
    model = build(network, threads=2)
    optimizer = build_optimizer(network.training, model)
    arrays = [model.store.data, *optimizer.state, *model.buffers.values()]
    tensors = {str(number): array for number, array in enumerate(arrays)}
    copy = [timed(lambda: [array.copy() for array in arrays]) for _ in range(repeats)]
    write = [
        timed(lambda: replace_file(Storage(), root / "state", encode(tensors, b"{}")))
        for _ in range(repeats)
    ]
    batch = network.training.batch_size
    rng = np.random.default_rng(0)
    images = rng.standard_normal((batch, *network.input), dtype=np.float32)
    targets = rng.integers(0, 10, batch)

    def step() -> None:
        model.train_batch(images, targets)
        optimizer.step(1e-4)

    epoch = statistics.median(timed(step) for _ in range(5)) * IMAGES / batch
    model.close()
    late, busy = statistics.median(copy), statistics.median(write)
    # One state a minute.
    share = (late + busy) / 60
    print(f"{name}: a step is late by {late * 1e3:.2f} ms, a state takes {busy * 1e3:.0f} ms")
    print(f"  one a minute: {share:.3%} of an epoch of {epoch:.0f} s")


def history(root: Path, count: int) -> None:
    for number in range(count):
        state = "completed" if number % 10 else "running"
        written_run(root / f"run-{number}", Summary(state=state, curve=[0.98] * 50))
    seconds = timed(lambda: list_runs(root))
    print(f"a history of {count:,} runs opens in {seconds:.2f} s")


def long_run(root: Path, steps: int) -> None:
    folder = written_run(root / "long", Summary())
    line = BatchCompleted(
        step=1, epoch=1, batch=1, loss=1 / 3, l2_loss=1 / 7, accuracy=2 / 3, lr=0.1,
        images_per_second=1234.5678901234, seconds=1 / 9,
    )  # fmt: skip
    with folder.metrics_file.open("wb") as file:
        for step in range(1, steps + 1):
            file.write(msgspec.json.encode(msgspec.structs.replace(line, step=step)) + b"\n")
    size = folder.metrics_file.stat().st_size / 1e6
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    events = 0

    def open_it() -> None:
        nonlocal events
        events = sum(1 for _ in Follower(folder).poll())

    seconds = timed(open_it)
    more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(f"a run of {steps:,} steps ({size:.0f} MB) opens in {seconds:.3f} s,")
    print(f"  {events:,} events followed, {more / 1024:.1f} MB more memory")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--network", default="resnet20")
    parser.add_argument("--runs", type=int, default=2_000)
    parser.add_argument("--steps", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        long_run(Path(folder), options.steps)
        states(options.network, Path(folder))
        root = Path(folder) / "runs"
        root.mkdir()
        history(root, options.runs)


if __name__ == "__main__":
    main()
