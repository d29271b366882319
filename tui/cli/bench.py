"""``cnn-tui bench [ARCH]``."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable

import click
import msgspec
import numpy as np

from cnn_tui.engine.engines import make_engine
from cnn_tui.engine.memory_estimate import check_memory
from cnn_tui.engine.protocol import Engine
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.network import Network, Recipe
from cnn_tui.engine.specs.presets import resolve
from cnn_tui.engine.system_memory import most_held_memory
from cnn_tui.tui.cli import completing, options
from cnn_tui.tui.cli.output import print_json, print_line
from cnn_tui.tui.words import count

_WARM_UP = 3
_LR = 1e-4
"""Small, so that the weights stay finite with random labels."""


class Result(msgspec.Struct, frozen=True):
    """The object of ``bench --json``: times in milliseconds, memory in MB of 2**20 bytes."""

    arch: str
    batch_size: int
    threads: int
    steps: int
    step_ms_median: float
    step_ms_min: float
    images_per_second: float
    peak_rss_mb: float


@click.command("bench")
@click.argument("arch", shell_complete=completing.archs, default="lenet5")
@click.option(
    "--batch-size",
    metavar="N",
    type=click.IntRange(1, 65536),
    default=64,
    show_default=True,
    help="Images per step.",
)
@click.option(
    "--steps",
    metavar="N",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="Steps that are measured.",
)
@options.threads
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(arch: str, batch_size: int, steps: int, threads: int, as_json: bool) -> None:
    """Measure whole training steps of ARCH (forward, loss, backward, momentum) on random data."""
    network = resolve(arch)
    check_memory(network, batch_size)
    result = measure(network, batch_size, steps, threads)
    if as_json:
        print_json(result)
        return
    print_line(
        f"{result.arch}, batch {batch_size}, {count(result.threads, 'thread')}: "
        f"{result.step_ms_median:.2f} ms a step (median of {steps}, least "
        f"{result.step_ms_min:.2f}), {result.images_per_second:,.0f} images/s, "
        f"peak memory {result.peak_rss_mb:,.0f} MB"
    )


def measure(network: Network, batch_size: int, steps: int, threads: int) -> Result:
    """Time ``steps`` training steps after a warm-up."""
    with contextlib.closing(make_engine(network, threads=threads)) as model:
        step = _training_step(model, network, batch_size)
        for _ in range(_WARM_UP):
            step()
        times = [_milliseconds(step) for _ in range(steps)]
    median = statistics.median(times)
    return Result(
        arch=network.name,
        batch_size=batch_size,
        threads=threads,
        steps=steps,
        step_ms_median=round(median, 3),
        step_ms_min=round(min(times), 3),
        images_per_second=round(batch_size / median * 1000, 1),
        peak_rss_mb=round(most_held_memory() / 2**20, 1),
    )


def _training_step(model: Engine, network: Network, batch_size: int) -> Callable[[], None]:
    rng = np.random.default_rng(0)
    images = rng.standard_normal((batch_size, *network.input), dtype=np.float32)
    targets = rng.integers(0, _classes(network), batch_size)
    optimizer = model.optimizer(Recipe(optimizer="momentum", lr=_LR))

    def step() -> None:
        model.train_batch(images, targets)
        optimizer.step(_LR)

    return step


def _classes(network: Network) -> int:
    report = check(network)
    return report.layers[-1].activations if report.layers else 1


def _milliseconds(step: Callable[[], None]) -> float:
    start = time.perf_counter()
    step()
    return (time.perf_counter() - start) * 1000
