"""Resident memory of training, each side in a separate process.

The peak includes the imports. Growth compares the resident set after ``--steps`` steps with that
after the first hundredth of them.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

from _common import Workload, add_workloads, engine_step, torch_step, workload

WORKLOADS = (Workload("lenet5", 256), Workload("resnet20", 128))
SIDES = ("ours", "contiguous", "channels_last")
PEAK_STEPS = 20
MB = 2**20


def resident_mb() -> float:
    """The memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MB


def peak_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / MB if sys.platform == "darwin" else peak * 1024 / MB


def child(side: str, work: Workload, threads: int, steps: int) -> dict[str, float]:
    """Train in this process and report its memory."""
    if side == "ours":
        step = engine_step(work, threads)
    else:
        step = torch_step(work, threads, channels_last=side == "channels_last")
    for _ in range(max(3, steps // 100)):
        step()
    settled = resident_mb()
    for _ in range(steps - max(3, steps // 100)):
        step()
    return {"peak_mb": peak_mb(), "settled_mb": settled, "final_mb": resident_mb()}


def measure(side: str, work: Workload, threads: int, steps: int) -> dict[str, float]:
    """Run the measurement in a new process."""
    command = [sys.executable, __file__, "--child", side, "--workloads", str(work)]
    command += ["--threads", str(threads), "--steps", str(steps)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_workloads(parser, WORKLOADS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=2000, help="for growth; 0 leaves it out")
    parser.add_argument("--growth", type=workload, default=Workload("lenet5", 256))
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--child", choices=SIDES, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    options = parsed()
    if options.child:
        print(json.dumps(child(options.child, *options.workloads, options.threads, options.steps)))
        return
    rows = []
    for work in options.workloads:
        peaks = {side: measure(side, work, options.threads, PEAK_STEPS) for side in SIDES}
        row = {side: round(found["peak_mb"], 1) for side, found in peaks.items()}
        rows.append({"workload": str(work), **row})
        if not options.json:
            text = "  ".join(f"{side} {row[side]:.0f} MB" for side in SIDES)
            print(f"{work!s:18}peak: {text}", flush=True)
    result: dict[str, object] = {"peak_mb": rows}
    if options.steps:
        found = measure("ours", options.growth, options.threads, options.steps)
        growth = 100 * (found["final_mb"] / found["settled_mb"] - 1)
        result["growth"] = {"workload": str(options.growth), "percent": growth, **found}
        if not options.json:
            print(
                f"{options.growth!s:18}after {options.steps} steps: {found['final_mb']:.1f} MB, "
                f"{growth:+.2f}% since step {max(3, options.steps // 100)}"
            )
    if options.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
