"""Training steps of the engine on one thread and on several, interleaved in one process."""

from __future__ import annotations

import argparse
import json
import statistics

from _common import WORKLOADS, Workload, add_workloads, engine_step, turn


def measure(work: Workload, threads: int, rounds: int, seconds: float) -> dict[str, object]:
    """The time on one thread over that on ``threads``: the median over the rounds."""
    steps = {count: engine_step(work, count) for count in (1, threads)}
    times: dict[int, list[float]] = {count: [] for count in steps}
    for _ in range(rounds):
        for count, step in steps.items():
            times[count].append(1000 * turn(step, seconds))
    pairs = zip(times[1], times[threads], strict=True)
    return {
        "workload": str(work),
        "one_ms": statistics.median(times[1]),
        "several_ms": statistics.median(times[threads]),
        "speedup": statistics.median(one / several for one, several in pairs),
        "speedup_of_least": min(times[1]) / min(times[threads]),
    }


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_workloads(parser, WORKLOADS)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0, help="of a turn in a round")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


def main() -> None:
    options = parsed()
    rows = []
    for work in options.workloads:
        row = measure(work, options.threads, options.rounds, options.seconds)
        rows.append(row)
        if not options.json:
            print(
                f"{row['workload']:18}1 thread {row['one_ms']:8.2f}ms   {options.threads} threads "
                f"{row['several_ms']:8.2f}ms   {row['speedup']:.2f}x "
                f"(of the least {row['speedup_of_least']:.2f}x)",
                flush=True,
            )
    if options.json:
        print(json.dumps({"threads": options.threads, "workloads": rows}))


if __name__ == "__main__":
    main()
