"""Calibrates filter health: what it says of trained networks, and of faults planted in them.

Prints the table of docs/insight.md. Give runs of trained networks, of several seeds each:

    python benchmarks/calibrate_health.py RUN... [--trials 10]
"""

from __future__ import annotations

import argparse
from collections import Counter
from contextlib import closing
from pathlib import Path

from planting import KINDS, findings, plant

from cnn_tui.engine.insight.health import FilterHealth, health
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.runs.folder import RunFolder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--trials", type=int, default=10, help="plantings of each run")
    asked = parser.parse_args()
    counts, found = Counter[str](), Counter[str]()
    print("| run | filters | flagged | cosine | correlation | roughness | rank |")
    print("|---|---|---|---|---|---|---|")
    for path in asked.runs:
        with closing(Subject.of_run(RunFolder(path))) as subject:
            whole = health(subject)
            print(_row(subject, whole), flush=True)
            for trial in range(asked.trials):
                _try(subject, whole, trial, counts, found)
    print("\n| planted | found | missed |\n|---|---|---|")
    for kind in (*KINDS, "other", "dead of it"):
        if counts[kind]:
            missed = counts[kind] - found[kind]
            print(f"| {kind} | {found[kind]} | {missed} |")


def _row(subject: Subject, found: FilterHealth) -> str:
    layers = found.layers
    filters = sum(layer.filters for layer in layers)
    ratios = [ratio for layer in layers for ratio in layer.roughness if ratio is not None]
    rank = sum(layer.effective_rank for layer in layers) / filters
    cells = (
        f"{subject.name}, {subject.state}",
        str(filters),
        str(sum(len(layer.flagged) for layer in layers)),
        f"{max(layer.largest_cosine for layer in layers):.2f}",
        f"{max(layer.largest_correlation for layer in layers):.2f}",
        f"{min(ratios):.2f} to {max(ratios):.2f}",
        f"{rank:.0%}",
    )
    return f"| {' | '.join(cells)} |"


def _try(
    subject: Subject,
    whole: FilterHealth,
    trial: int,
    counts: Counter[str],
    found: Counter[str],
) -> None:
    planted, faults = plant(subject, trial, sparing=whole.flagged)
    with closing(planted):
        for finding in findings(planted, health(planted), faults, before=whole.flagged):
            counts[finding.kind] += 1
            found[finding.kind] += finding.found
            if finding.kind == "other" or not finding.found:
                print(f"  {subject.name}: {finding.what}", flush=True)


if __name__ == "__main__":
    main()
