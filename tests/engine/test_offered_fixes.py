"""Which fixes are offered for a fault, in which order, with what is said of each."""

from __future__ import annotations

import pytest

from cnn_tui.engine.specs.applying import apply_fix
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.quick.parse import parse_quick

Shape = tuple[int, int, int]

OFFERED: dict[tuple[str, Shape], list[str]] = {
    ("conv 4 4x4 pad same", (4, 8, 8)): [
        "kernel 3x3 instead of 4x4: gives 4x8x8",
        "kernel 5x5 instead of 4x4: gives 4x8x8",
        "padding 1 instead of same: gives 4x7x7",
    ],
    ("conv 4 4x4 pad same s2", (4, 8, 8)): [
        "padding 1 instead of same: gives 4x4x4",
    ],
    ("conv 4 4x2 pad same", (4, 8, 8)): [
        "kernel 3x1 instead of 4x2: gives 4x8x8",
        "kernel 5x3 instead of 4x2: gives 4x8x8",
        "padding 1x0 instead of same: gives 4x7x7",
    ],
    ("conv 4 7x7 d2", (4, 8, 8)): [
        "dilation 1 instead of 2: gives 4x2x2",
        "kernel 3x3 instead of 7x7: gives 4x4x4",
        "kernel 4x4 instead of 7x7: gives 4x2x2",
        "padding 3 instead of 0: gives 4x2x2",
        "input 4x13x13 instead of 4x8x8: gives 4x1x1",
    ],
    ("conv 7 1x1 g2", (4, 8, 8)): [
        "groups 1 instead of 2: gives 7x8x8",
        "out_channels 6 instead of 7: gives 6x8x8",
        "out_channels 8 instead of 7: gives 8x8x8",
    ],
    ("conv 6 1x1 g4", (4, 8, 8)): [
        "groups 2 instead of 4: gives 6x8x8",
        "out_channels 4 instead of 6: gives 4x8x8",
        "out_channels 8 instead of 6: gives 8x8x8",
        "groups 1 instead of 4: gives 6x8x8",
    ],
    ("conv 6 1x1 g3", (4, 8, 8)): [
        "groups 2 instead of 3: gives 6x8x8",
        "groups 1 instead of 3: gives 6x8x8",
    ],
    ("gn 3", (4, 8, 8)): [
        "num_groups 2 instead of 3: gives 4x8x8",
        "num_groups 4 instead of 3: gives 4x8x8",
    ],
    ("maxpool 3x3", (4, 8, 8)): [
        "kernel 2x2 instead of 3x3: gives 4x4x4",
        "kernel 4x4 instead of 3x3: gives 4x2x2",
        "input 4x9x9 instead of 4x8x8: gives 4x3x3",
        "kernel 2x2 with stride 3 instead of 3x3: gives 4x3x3",
        "round down: gives 4x2x2, leaves 2 rows and 2 columns unread",
    ],
    ("conv 4 3x5 s2x1", (4, 8, 8)): [
        "stride 1 instead of 2x1: gives 4x6x4",
        "kernel 2x4 instead of 3x5: gives 4x4x5",
        "kernel 4x6 instead of 3x5: gives 4x3x3",
        "input 4x9x9 instead of 4x8x8: gives 4x4x5",
        "round down: gives 4x3x4, leaves 1 row unread",
    ],
    ("conv 4 2x2 s5", (4, 8, 8)): [
        "kernel 3x3 instead of 2x2: gives 4x2x2",
        "input 4x7x7 instead of 4x8x8: gives 4x2x2",
        "stride 3 instead of 5: gives 4x3x3",
        "padding 2 instead of 0: gives 4x3x3",
        "round down: gives 4x2x2, leaves 1 row and 1 column unread",
    ],
    ("conv 4 9x3", (4, 8, 8)): [
        "kernel 8x3 instead of 9x3: gives 4x1x6",
        "input 4x9x9 instead of 4x8x8: gives 4x1x7",
        "kernel 5x5 instead of 9x3: gives 4x4x4",
        "padding 1x0 instead of 0: gives 4x2x6",
        "kernel 3x3 instead of 9x3: gives 4x6x6",
    ],
    ("maxpool 9x9", (4, 8, 8)): [
        "kernel 8x8 instead of 9x9: gives 4x1x1",
        "input 4x9x9 instead of 4x8x8: gives 4x1x1",
        "take the pool out",
    ],
    ("maxpool 2x2 s1 p2", (4, 8, 8)): [
        "padding 0 instead of 2: gives 4x7x7",
        "kernel 3x3 instead of 2x2: gives 4x10x10",
        "padding 1 instead of 2: gives 4x9x9",
    ],
    ("conv 4 3x3 s3 p1", (4, 8, 8)): [
        "kernel 4x4 instead of 3x3: gives 4x3x3",
        "input 4x7x7 instead of 4x8x8: gives 4x3x3",
        "stride 1 instead of 3: gives 4x8x8",
        "kernel 1x1 instead of 3x3: gives 4x4x4",
        "round down: gives 4x3x3",
    ],
    ("conv 4 9x9 s3 | conv 4 3x3", (4, 8, 8)): [
        "kernel 8x8 instead of 9x9: gives 4x1x1, then layer 2 (conv) breaks",
        "input 4x9x9 instead of 4x8x8: gives 4x1x1, then layer 2 (conv) breaks",
        "kernel 5x5 instead of 9x9: gives 4x2x2, then layer 2 (conv) breaks",
        "padding 2 instead of 0: gives 4x2x2, then layer 2 (conv) breaks",
    ],
    ("maxpool 2x2", (1, 7, 8)): [
        "kernel 1x2 instead of 2x2: gives 1x7x4",
        "input 1x8x8 instead of 1x7x8: gives 1x4x4",
        "input 1x6x8 instead of 1x7x8: gives 1x3x4",
        "kernel 1x2 with stride 2 instead of 2x2: gives 1x4x4",
        "round down: gives 1x3x4, leaves 1 row unread",
    ],
    ("conv 2 5x5 s4", (1, 8, 12)): [
        "kernel 4x4 instead of 5x5: gives 2x2x3",
        "input 1x9x13 instead of 1x8x12: gives 2x2x3",
        "stride 1 instead of 4: gives 2x4x8",
        "kernel 8x8 instead of 5x5: gives 2x1x2",
        "round down: gives 2x1x2, leaves 3 rows and 3 columns unread",
    ],
    ("conv 2 1x1 s4", (1, 8, 10)): [
        "stride 1 instead of 4: gives 2x8x10",
        "round down: gives 2x2x3, leaves 3 rows and 1 column unread",
    ],
    ("conv 2 3x3", (1, 2, 1)): [
        "kernel 2x1 instead of 3x3: gives 2x1x1",
        "padding 1 instead of 0: gives 2x2x1",
        "input 1x4x3 instead of 1x2x1: gives 2x2x1",
    ],
    ("fc 7 | relu | maxpool 2x2", (4, 8, 8)): [
        "move it before layer 1 (fc)",
        "take the pool out",
    ],
    ("res { }", (4, 8, 8)): [
        "put conv 4 3x3 pad same into its branch: gives 4x8x8",
        "take the block out",
    ],
    ("fc 4 | res { }", (4, 8, 8)): [
        "put relu into its branch: gives 4",
        "take the block out",
    ],
    ("repeat 2 { }", (4, 8, 8)): [
        "put conv 4 3x3 pad same into its list: gives 4x8x8",
        "take the repeat out",
    ],
    ("res { conv 5 8x8 }", (4, 8, 8)): [
        "shortcut projection and stride 8: gives 5x1x1",
        "shortcut zero-pad and stride 8: gives 5x1x1",
    ],
    ("res { conv 4 1x1 } s2", (4, 8, 8)): [
        "stride 1 instead of 2: gives 4x8x8",
        "shortcut projection and stride 1: gives 4x8x8",
        "shortcut zero-pad and stride 1: gives 4x8x8",
    ],
    ("parallel { } { } { } split", (4, 8, 8)): [
        "no split: each branch gets all channels: gives 12x8x8",
        "take the block out",
    ],
    ("parallel { conv 3 3x3 } { conv 3 1x1 }", (4, 8, 8)): [
        "padding 1 in layer 1 (conv) of branch a: gives 6x8x8",
        "padding that keeps the size in all branches: gives 6x8x8",
    ],
    ("parallel { conv 3 1x1 } { conv 4 1x1 } add", (4, 8, 8)): [
        "3 channels at the end of each branch: gives 3x8x8",
        "merge concat instead of add: gives 7x8x8",
    ],
    ("parallel { relu } { maxpool 2x2 }", (4, 8, 8)): [
        "put maxpool 2x2 at the end of branch a: gives 8x4x4",
    ],
    ("parallel { relu } { fc 3 }", (4, 8, 8)): [
        "branch a alone: gives 4x8x8",
        "branch b alone: gives 3",
        "take the block out",
    ],
    ("parallel { conv 5 3x3 s2 p1 floor } { conv 5 1x1 } add", (4, 8, 8)): [
        "stride 1 in layer 1 (conv) of branch a: gives 5x8x8",
        "stride 2 in layer 1 (conv) of branch b: gives 5x4x4",
        "put maxpool 2x2 at the end of branch b: gives 5x4x4",
    ],
    ("parallel { } { conv 3 1x1 } multiply", (4, 8, 8)): [
        "4 channels at the end of each branch: gives 4x8x8",
        "merge concat instead of multiply: gives 7x8x8",
    ],
    ("conv 65536 1024x1024 p512 | conv 65536 1024x1024 p512", (4, 8, 8)): [
        "out_channels 8 instead of 65536: gives 8x10x10",
        "out_channels 4 instead of 65536: gives 4x10x10",
        "out_channels 2 instead of 65536: gives 2x10x10",
        "out_channels 1 instead of 65536: gives 1x10x10",
        "take the conv out",
    ],
    ("repeat 9 { conv 4 3x3 }", (4, 8, 8)): [
        "padding 1 instead of 0: gives 4x8x8",
        "input 4x19x19 instead of 4x8x8: gives 4x17x17",
    ],
}
"""By the layers in front of an fc, and their input; where nothing else is said, all layers fit."""


@pytest.mark.parametrize(("case", "offered"), OFFERED.items(), ids=[line for line, _ in OFFERED])
def test_what_is_offered(case: tuple[str, Shape], offered: list[str]) -> None:
    line, shape = case
    faulty = Network(input=shape, layers=parse_quick(f"{line} | fc 3"))
    issue, *_ = check(faulty).issues
    fit = "all later layers fit"
    said = [fix.description.replace(f", {fit}", "").replace(f": {fit}", "") for fix in issue.fixes]
    assert said == offered
    for fix in issue.fixes:
        assert check(apply_fix(faulty, fix)).valid == (fit in fix.description)
