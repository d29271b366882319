"""Layers of the engine and of PyTorch on the CPU, one at a time, interleaved in one process.

    python benchmarks/layers.py [--only TEXT]
    python benchmarks/layers.py --table AVX512.json AVX2.json

Every case runs twice. In its *frame*: a training step of a small network, the layer behind a 1x1
convolution unless it is a first layer, before a small strided convolution and an fc layer. *Alone*:
forward and backward of the layer itself with random gradients, without update. PyTorch runs in both
of its memory formats; the faster one counts. A ratio is PyTorch's time over the engine's, median of
the rounds; above 1 the engine is faster. On a busy machine the ratio of the least times is less
disturbed.

Two shares tell how far the engine is from what the machine can do, both measured in the same run on
the same threads, both of the least time alone: ``SGEMM`` is the rate of multiply-adds over that of
a product of square matrices, ``traffic`` the time over that which reading or writing input, output
and their gradients once would take at the bandwidth of a triad.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from _common import Step, engine_step, geometric_mean, torch_step, turn
from _layer_cases import CASES, Case
from _layer_table import markdown
from _machine import Machine
from torch_peer import to_torch

from cnn_tui.engine.layers.base import Chain, merge, wanted_halo
from cnn_tui.engine.layers.building import Parts
from cnn_tui.engine.layers.lower import chain_ops
from cnn_tui.engine.ops.kernel import Mode, Shard, to_hcwn
from cnn_tui.engine.ops.memory import Arena, Array, aligned_zeros
from cnn_tui.engine.parameters import ParameterStore, initialize
from cnn_tui.engine.plan import FEW_MACS, shard_size
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.placed import place_network
from cnn_tui.engine.threads import WorkerPool

SIDES = ("ours", "contiguous", "channels_last")


def normal(shape: tuple[int, ...]) -> Array:
    return np.random.default_rng(0).standard_normal(shape, dtype=np.float32)


def engine_alone(case: Case, pool: WorkerPool) -> Step:
    """Forward and backward of the layers alone, in the engine."""
    report = check(case.bare)
    parts = Parts(Mode(), np.float32)
    ops = chain_ops(place_network(case.bare, report), parts)
    store = ParameterStore(parts.parameters, np.float32)
    initialize(store.parameters, "he", 0)
    # As in a network whose other layers make threads pay.
    bytes_per_image = 4 * max(layer.activations for layer in report.layers)
    size = shard_size(case.batch, bytes_per_image, FEW_MACS)
    shards = [
        Shard(
            number,
            slice(start, min(start + size, case.batch)),
            Arena(np.float32),
            aligned_zeros((store.summed,), np.float32),
        )
        for number, start in enumerate(range(0, case.batch, size))
    ]
    images = normal((case.batch, *case.input))
    halo = wanted_halo(ops)
    xs = [shard.arena.allocate(to_hcwn(images[shard.images]).shape, halo) for shard in shards]
    for x, shard in zip(xs, shards, strict=True):
        x[...] = to_hcwn(images[shard.images])
    chain = Chain(ops, xs, shards, overwrite=False)
    dys = [shard.arena.gradient_of(y) for y, shard in zip(chain.ys, shards, strict=True)]
    for dy in dys:
        dy[...] = normal(dy.shape)
    chain.plan_backward(dys, needs_input_grad=not case.first, can_overwrite_grad=False)
    stages = [[op.prepare for op in ops], *merge([*chain.forward, *chain.backward])]

    def step() -> None:
        for tasks in stages:
            pool.run(tasks)

    return step


def torch_alone(case: Case, *, channels_last: bool) -> Step:
    """The same in PyTorch."""
    layout = torch.channels_last if channels_last else torch.contiguous_format
    net = to_torch(case.bare).to(memory_format=layout).train()
    x = torch.from_numpy(normal((case.batch, *case.input))).contiguous(memory_format=layout)
    x.requires_grad_(not case.first)
    wanted = [*net.parameters()] if case.first else [x, *net.parameters()]
    dy = torch.randn_like(net(x).detach())

    def step() -> None:
        torch.autograd.grad(net(x), wanted, dy)

    return step


def both_formats(make: Callable[..., Step]) -> dict[str, Step]:
    return {side: make(channels_last=side == "channels_last") for side in SIDES[1:]}


def compared(steps: dict[str, Step], options: argparse.Namespace) -> dict[str, object]:
    """Times of both sides in ms, medians of the rounds, and the median of their ratios."""
    times: dict[str, list[float]] = {side: [] for side in SIDES}
    for _ in range(options.rounds):
        for side in SIDES:
            times[side].append(1000 * turn(steps[side], options.seconds))
    better = min(SIDES[1:], key=lambda side: statistics.median(times[side]))
    ratios = [torch / ours for torch, ours in zip(times[better], times["ours"], strict=True)]
    return {
        "ours_ms": statistics.median(times["ours"]),
        "ours_least_ms": min(times["ours"]),
        "torch_ms": statistics.median(times[better]),
        "torch_format": better,
        "ratio": statistics.median(ratios),
        "ratio_min": min(ratios),
        "ratio_max": max(ratios),
        "ratio_of_least": min(times[better]) / min(times["ours"]),
    }


def measure(case: Case, machine: Machine, options: argparse.Namespace) -> dict[str, object]:
    """The row of a case."""
    threads = options.threads
    machine.measure()
    alone = {"ours": engine_alone(case, machine.pool)} | both_formats(partial(torch_alone, case))
    row: dict[str, object] = {"case": case.name, "group": case.group}
    row["alone"] = by_itself = compared(alone, options)
    if not options.alone:
        framed = partial(torch_step, case, threads)
        row["frame"] = compared(
            {"ours": engine_step(case, threads)} | both_formats(framed), options
        )
    report = check(case.bare)
    seconds = by_itself["ours_least_ms"] / 1000
    macs = sum(layer.macs for layer in report.layers) * case.batch
    passes = 2 if case.first else 3
    row["sgemm_share"] = 2 * passes * macs / seconds / machine.sgemm
    values = np.prod(case.input) + np.prod(report.layers[-1].output)
    row["traffic"] = seconds * machine.bandwidth / (2 * 4 * values * case.batch)
    return row


def shown(row: dict[str, object]) -> str:
    """A row of the table."""
    cells = [f"{row['case'][:58]:58}"]
    for part in ("frame", "alone"):
        if part in row:
            keys = "ours_ms", "torch_ms", "ratio", "ratio_of_least"
            ours, torch, ratio, least = (row[part][key] for key in keys)
            cells.append(f"{ours:8.2f}{torch:8.2f}{ratio:6.2f} ({least:.2f}) |")
    return "".join([*cells, f"{row['sgemm_share']:7.0%}{row['traffic']:8.1f}"])


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default="", metavar="TEXT", help="cases or groups with this text")
    parser.add_argument("--alone", action="store_true", help="leave out the frame")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.06, help="of a side in a round")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--table", nargs="+", metavar="FILE", help="only print these reports as a Markdown table"
    )
    return parser.parse_args()


def main() -> None:
    options = parsed()
    if options.table:
        print(markdown(options.table))
        return
    torch.set_num_threads(options.threads)
    machine = Machine(WorkerPool(options.threads))
    rows = []
    if not options.json:
        sides = "".join(
            f"{part}: {'ours':>{14 - len(part)}} PyTorch ratio (least) |"
            for part in (["alone"] if options.alone else ["in frame", "alone"])
        )
        print(f"{'layers, input, batch; times in ms':58}{sides}  SGEMM traffic")
    for case in CASES:
        if options.only in case.name or options.only == case.group:
            rows.append(measure(case, machine, options))
            gc.collect()
            if not options.json:
                print(shown(rows[-1]), flush=True)
    setting = {
        "threads": options.threads,
        "rounds": options.rounds,
        "gflops": machine.sgemm / 1e9,
        "gbytes_per_second": machine.bandwidth / 1e9,
        "numpy": np.__version__,
        "torch": torch.__version__,
    }
    if options.json:
        print(json.dumps(setting | {"layers": rows}))
        return
    parts = ["alone"] if options.alone else ["frame", "alone"]
    for part in parts:
        ratios = [row[part]["ratio"] for row in rows]
        print(
            f"{part}: least {min(ratios):.2f}, median {statistics.median(ratios):.2f}, "
            f"geometric mean {geometric_mean(ratios):.2f}"
        )
    print(
        f"SGEMM {machine.sgemm / 1e9:.0f} GFLOP/s, triad {machine.bandwidth / 1e9:.1f} GB/s "
        f"on {options.threads} threads"
    )


if __name__ == "__main__":
    main()
