"""The Markdown table of what ``layers.py --json`` printed, and the lines that sum it up."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Report = dict[str, Any]
"""A decoded report: the machine's rates, and ``layers``, one row for each case."""
PARTS = {"frame": "in its frame", "alone": "alone"}


def markdown(paths: Sequence[str]) -> str:
    """A line of figures for each report, then the cases of the first, a row each.

    Reports are named by their files. Ratios are those of the least times; the shares of the machine
    are those of the first report.
    """
    reports = [json.loads(Path(path).read_text()) for path in paths]
    found = [{row["case"]: row for row in report["layers"]} for report in reports]
    stems = [Path(path).stem for path in paths]
    names = [f"{stem}: {name}" for stem in stems for name in PARTS.values()]
    lines = [
        *(f"{stem}: {summary(report)}" for stem, report in zip(stems, reports, strict=True)),
        "",
        f"| layers, input, batch | {' | '.join(names)} | SGEMM | traffic |",
        f"|---|{'--:|' * (len(names) + 2)}",
    ]
    for case, row in found[0].items():
        ratios = [
            f"{rows[case][part]['ratio_of_least']:.2f}" if case in rows else ""
            for rows in found
            for part in PARTS
        ]
        share = f"{row['sgemm_share']:.0%}" if row["sgemm_share"] >= 0.005 else ""
        cells = [case.replace("|", "\\|"), *ratios, share, f"{row['traffic']:.1f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def summary(report: Report) -> str:
    """The least and the median ratio of a report, and how many are under a half."""
    parts = []
    for part, name in PARTS.items():
        ratios = [row[part]["ratio_of_least"] for row in report["layers"]]
        low = sum(ratio < 0.5 for ratio in ratios)
        parts.append(
            f"{name} least {min(ratios):.2f}, median {statistics.median(ratios):.2f}, "
            f"{low} of {len(ratios)} under 0.5"
        )
    rates = f"{report['gflops']:.0f} GFLOP/s, {report['gbytes_per_second']:.0f} GB/s"
    return f"{'; '.join(parts)}; {rates}"
