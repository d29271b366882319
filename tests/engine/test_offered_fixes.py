"""Which fixes are offered for a fault, in which order, with what is said of each."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from cnn_tui.engine.specs.applying import apply_fix
from cnn_tui.engine.specs.check import check, check_with_data
from cnn_tui.engine.specs.inside import lists_in
from cnn_tui.engine.specs.layers import FC, Conv, Parallel, ReLU, Repeat, Residual
from cnn_tui.engine.specs.network import Network, Recipe
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.engine.specs.quick.parse import parse_quick
from cnn_tui.engine.specs.quick.write import to_quick

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


def test_padding_throughout_leaves_out_what_needs_none() -> None:
    inside = "{ conv 4 3x3 | conv 4 1x1 | conv 4 3x3 }"
    for line in (f"res {inside}", f"parallel {inside} {{ }}"):
        faulty = Network(input=(4, 8, 8), layers=parse_quick(f"{line} | fc 3"))
        (fix,) = (one for one in check(faulty).issues[0].fixes if "padding" in one.description)
        inner = lists_in(apply_fix(faulty, fix).layers[0])[0]
        assert [layer.padding for layer in inner] == ["same", 0, "same"]


@pytest.mark.parametrize("window", ["4x4", "3x5", "5x3"])
def test_padding_throughout_leaves_pools_that_it_would_enlarge(window: str) -> None:
    pool = f"maxpool {window} s1"
    line = f"parallel {{ {pool} }} {{ {pool} | conv 4 3x3 }}"
    faulty = Network(input=(4, 8, 8), layers=parse_quick(f"{line} | fc 3"))
    (fix,) = (one for one in check(faulty).issues[0].fixes if "in all branches" in one.description)
    left, right = lists_in(apply_fix(faulty, fix).layers[0])
    assert [layer.padding for layer in (*left, *right)] == [0, 0, "same"]


def test_only_the_last_layer_of_a_branch_gets_the_width_of_the_others() -> None:
    line = "parallel { conv 2 1x1 | conv 5 1x1 | relu } { conv 3 1x1 } { conv 3 1x1 } add"
    faulty = Network(input=(4, 8, 8), layers=parse_quick(f"{line} | fc 3"))
    mended = apply_fix(faulty, check(faulty).issues[0].fixes[0])
    assert to_quick(mended.layers[:1]) == line.replace("5", "3")


def labels(line: str) -> list[str]:
    issue, *_ = check(Network(input=(4, 8, 8), layers=parse_quick(line))).issues
    return [re.split(" instead of |:", fix.description)[0] for fix in issue.fixes]


def test_the_only_layer_is_not_taken_out() -> None:
    out = "take the pool out"
    assert out not in labels("maxpool 9x9")
    assert all(out in labels(line) for line in ("maxpool 9x9 | relu", "relu | maxpool 9x9"))
    assert out in labels("repeat 2 { maxpool 9x9 | relu }")


def test_a_layer_that_needs_a_volume_is_moved_unless_it_is_in_a_block() -> None:
    move, out = "move it before layer 1 (fc)", "take the pool out"
    assert labels("fc 4 | relu | maxpool") == [move, out]
    assert labels("fc 4 | repeat 1 { maxpool | relu }") == [out]


@pytest.mark.parametrize("unseen", [False, True])
def test_a_block_that_cannot_be_written_down_is_only_taken_out(unseen: bool) -> None:
    invalid = Conv(out_channels=0)
    inner = Residual(branch=(), shortcut=(invalid,)) if unseen else invalid
    block = Parallel(branches=((inner,), (), ()), split=True)
    faulty = Network(input=(4, 8, 8), layers=(block, FC(out_features=3)))
    offered = {
        issue.code: [fix.description for fix in issue.fixes] for issue in check(faulty).issues
    }
    assert offered["split"] == ["take the block out: all later layers fit"]


def test_a_batch_of_one_image_becomes_one_of_sixteen() -> None:
    layers = parse_quick("fc 4 | bn | fc 3")
    alone = Network(input=(4, 8, 8), layers=layers, training=Recipe(batch_size=1))
    fix, *_ = check(alone).issues[0].fixes
    assert (fix.layer, fix.field, fix.value) == (0, "training.batch_size", 16)
    assert fix.description == "batch_size 16 instead of 1: gives 4, all later layers fit"


def test_a_message_says_where_and_names_three_fixes() -> None:
    layers = parse_quick("relu | res { conv 4 7x7 d2 } | fc 3")
    issue, *_ = check(Network(input=(4, 8, 8), layers=layers)).issues
    assert issue.message.startswith("layer 2 (residual), branch 1 (conv): a window of 7x7 ")
    issue, *_ = check(Network(input=(4, 8, 8), layers=parse_quick("conv 4 7x7 d2 | fc 3"))).issues
    assert len(issue.fixes) == 5
    assert issue.message.endswith(" Try: dilation 1, kernel 3x3 or kernel 4x4.")


def test_a_block_with_an_invalid_setting_is_only_taken_out() -> None:
    block = Residual(branch=(ReLU(),), stride=0)
    issue, *_ = check(Network(input=(4, 8, 8), layers=(block, FC(out_features=3)))).issues
    assert issue.code == "bad-value"
    assert [fix.description for fix in issue.fixes] == ["take the block out: all later layers fit"]


def test_a_repeat_of_too_many_layers_is_repeated_once() -> None:
    many = Repeat(layers=(Repeat(layers=(ReLU(),), times=1000),), times=1000)
    faulty = Network(input=(4, 8, 8), layers=(many, FC(out_features=3)))
    issue, *_ = check(faulty).issues
    assert issue.code == "too-many"
    (mended,) = (apply_fix(faulty, fix) for fix in issue.fixes if fix.field.endswith("times"))
    assert mended.layers[0].times == 1


def test_an_input_is_offered_only_where_the_data_leaves_it_open() -> None:
    lenet, alexnet = load_preset("lenet5"), load_preset("alexnet")
    conv = msgspec.structs.replace(lenet.layers[3], stride=2)
    layers = (*lenet.layers[:3], conv, *lenet.layers[4:])
    strided = msgspec.structs.replace(lenet, layers=layers)
    words = [fix.description for fix in check_with_data(strided).issues[0].fixes]
    assert words and not any(word.startswith("input") for word in words)
    smaller = msgspec.structs.replace(alexnet, input=(3, 224, 224))
    words = [fix.description for fix in check_with_data(smaller).issues[0].fixes]
    assert any(word.startswith("input 3x227x227 instead of 3x224x224") for word in words)
