"""Whole training steps of the engine and of PyTorch on the CPU, interleaved in one process.

Each round runs each side for ``--seconds``, so that a machine whose speed drifts slows both.
PyTorch runs in both of its memory formats; the faster one counts. A ratio is PyTorch's time over
the engine's, the median over the rounds; above 1 the engine is faster. On a busy machine the ratio
of the minimum times is less disturbed.

``SGEMM`` is the rate of the engine's multiply-adds over that of a product of square matrices on the
same threads in the same run. Winograd's filtering computes with fewer than are counted.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import statistics

import numpy as np
import torch
from _common import (
    MORE,
    WORKLOADS,
    Workload,
    add_workloads,
    engine_step,
    geometric_mean,
    torch_step,
    turn,
)
from _machine import Machine

from cnn_tui.engine.specs.check import check
from cnn_tui.engine.threads import WorkerPool

SIDES = ("ours", "contiguous", "channels_last")


def flops(work: Workload) -> int:
    """Operations of the products of a step: forward, and both gradients but that of the images."""
    layers = check(work.network).layers
    first = next(layer.macs for layer in layers if layer.macs)
    return 2 * work.batch * (3 * sum(layer.macs for layer in layers) - first)


def measure(work: Workload, machine: Machine, options: argparse.Namespace) -> dict[str, object]:
    """The row of one workload."""
    threads, fused = options.threads, options.fused
    machine.measure()
    steps = {
        "ours": engine_step(work, threads),
        "contiguous": torch_step(work, threads, channels_last=False, fused=fused),
        "channels_last": torch_step(work, threads, channels_last=True, fused=fused),
    }
    times: dict[str, list[float]] = {side: [] for side in SIDES}
    for _ in range(options.rounds):
        for side in SIDES:
            times[side].append(1000 * turn(steps[side], options.seconds))
    ours, *theirs = SIDES
    better = min(theirs, key=lambda side: statistics.median(times[side]))
    ratios = [torch / own for torch, own in zip(times[better], times[ours], strict=True)]
    return {
        "workload": str(work),
        "ours_ms": statistics.median(times[ours]),
        "torch_ms": statistics.median(times[better]),
        "torch_format": better,
        "ratio": statistics.median(ratios),
        "ratio_min": min(ratios),
        "ratio_max": max(ratios),
        "ratio_of_least": min(times[better]) / min(times[ours]),
        "sgemm_share": flops(work) / statistics.median(times[ours]) * 1000 / machine.sgemm,
        "torch_ms_by_format": {side: statistics.median(times[side]) for side in theirs},
    }


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_workloads(parser, WORKLOADS)
    names = " ".join(map(str, MORE))
    parser.add_argument(
        "--more",
        dest="workloads",
        action="store_const",
        const=list(MORE),
        help=f"the second group: {names}",
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0, help="of a side in a round")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--fused", action="store_true", help="give PyTorch its fused SGD")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


def main() -> None:
    options = parsed()
    machine = Machine(WorkerPool(options.threads))
    rows = []
    if not options.json:
        head = f"{'workload':18}{'ours':>10}{'PyTorch':>10}   {'its format':15}"
        print(f"{head}ratio (from, to)   of the least   SGEMM")
    for work in options.workloads:
        row = measure(work, machine, options)
        rows.append(row)
        gc.collect()
        if not options.json:
            print(
                f"{row['workload']:18}{row['ours_ms']:8.2f}ms{row['torch_ms']:8.2f}ms   "
                f"{row['torch_format']:15}{row['ratio']:.2f} "
                f"({row['ratio_min']:.2f}, {row['ratio_max']:.2f})   {row['ratio_of_least']:.2f}"
                f"{row['sgemm_share']:16.0%}",
                flush=True,
            )
    mean = geometric_mean(row["ratio"] for row in rows)
    if not options.json:
        print(f"geometric mean of {len(rows)}: {mean:.2f}")
        return
    setting = {
        "threads": options.threads,
        "rounds": options.rounds,
        "gflops": machine.sgemm / 1e9,
        "fused": options.fused,
        "numpy": np.__version__,
        "torch": torch.__version__,
        "machine": platform.machine(),
    }
    print(json.dumps(setting | {"workloads": rows, "geometric_mean": mean}))


if __name__ == "__main__":
    main()
