"""Which fixes are offered for a fault, in which order, with what is said of each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cnn_tui.engine.specs.applying import apply_fix
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.quick.parse import parse_quick

TABLE = Path(__file__).with_name("offered_fixes.txt").read_text()
OFFERED = {
    case: [line.strip() for line in offered]
    for case, *offered in map(str.splitlines, re.split(r"\n(?! )", TABLE.strip()))
}
"""By an input and the layers between it and an fc; all layers fit where nothing else is said."""


@pytest.mark.parametrize("case", OFFERED)
def test_what_is_offered(case: str) -> None:
    size, _, line = case.partition("  ")
    channels, height, width = map(int, size.split("x"))
    faulty = Network(input=(channels, height, width), layers=parse_quick(f"{line} | fc 3"))
    issue, *_ = check(faulty).issues
    fit = "all later layers fit"
    said = [fix.description.replace(f", {fit}", "").replace(f": {fit}", "") for fix in issue.fixes]
    assert said == OFFERED[case]
    for fix in issue.fixes:
        assert check(apply_fix(faulty, fix)).valid == (fit in fix.description)


def test_equal_sizes_are_one_number_and_others_two() -> None:
    values = [
        fix.value
        for line in ("conv 4 4x4 pad same", "conv 4 4x6 pad same")
        for fix in check(Network(input=(4, 8, 8), layers=parse_quick(line))).issues[0].fixes
    ]
    assert values == [3, 5, 1, [3, 5], [5, 7], [1, 2]]
