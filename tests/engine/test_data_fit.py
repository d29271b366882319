"""What a network is for: its input and its scores are held against the data it names."""

from __future__ import annotations

import re

import msgspec
import pytest

from cnn_tui.engine.specs.applying import apply_fix
from cnn_tui.engine.specs.check import check, check_with_data
from cnn_tui.engine.specs.layers import (
    FC,
    BatchNorm,
    Conv,
    Dropout,
    GlobalAvgPool,
    Layer,
    MaxPool,
    ReLU,
    Residual,
    Sigmoid,
    Tanh,
)
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import load_preset, preset_names
from cnn_tui.engine.specs.taking_back import Edit

LENET = load_preset("lenet5")


def changed(network: Network = LENET, **fields: object) -> Network:
    return msgspec.structs.replace(network, **fields)


def first_fix(network: Network, *edits: Edit) -> tuple[str, Network]:
    """The first fix of the first issue, and the network that it makes."""
    fix = check_with_data(network, edits).issues[0].fixes[0]
    return fix.description, apply_fix(network, fix)


@pytest.mark.parametrize("name", preset_names())
def test_presets_fit_their_data(name: str) -> None:
    assert check_with_data(load_preset(name)).valid


def test_an_input_that_the_data_has_not() -> None:
    small = changed(input=(1, 8, 8))
    assert "input is 1x8x8, but the images of mnist are 1x28x28" in (
        check_with_data(small).issues[0].message
    )
    words, mended = first_fix(small)
    assert words.startswith("input 1x28x28 instead of 1x8x8: all layers fit")
    assert mended == LENET
    assert check(small).issues[0].code != "input", "without data any input will do"


def test_an_input_in_the_order_of_another_program() -> None:
    issue = check_with_data(changed(input=(28, 28, 1))).issues[0]
    assert "28x28x1 is height x width x channels; channels come first: 1x28x28" in issue.message
    assert issue.fixes[0].value == [1, 28, 28]
    for shape in ((28, 28, 2), (64, 28, 28), (3, 28, 28)):
        other = check_with_data(changed(input=shape)).issues[0]
        assert other.code == "input" and "channels come first" not in other.message


def test_other_data_for_the_input_is_offered_too() -> None:
    fixes = check_with_data(changed(load_preset("cifar-convnet"), data="digits")).issues[0].fixes
    assert [fix.description.partition(" instead")[0] for fix in fixes] == [
        "input 1x8x8",
        "data shapes",
        "data cifar10",
        "data cifar100",
    ]
    assert fixes[2].description.endswith("all layers fit, 10 scores, one for each class of cifar10")


ENDS = {
    "the last layer deleted": (LENET.layers[:-1], "add fc 10 at the end: 10 scores"),
    "a hidden width at the end": (LENET.layers[:-2], "out_features 10 instead of 84: 10 scores"),
    "a relu before the loss": ((*LENET.layers, ReLU()), "take the relu out: 10 scores"),
    "a sigmoid before the loss": ((*LENET.layers, Sigmoid()), "take the sigmoid out: 10 scores"),
    "dropout before the loss": ((*LENET.layers, Dropout()), "take the dropout out: 10 scores"),
    "nothing but features": (LENET.layers[:6], "add fc 10 at the end: 10 scores"),
}


@pytest.mark.parametrize(("layers", "fix"), ENDS.values(), ids=ENDS)
def test_an_end_that_gives_no_plain_score_for_each_class(layers: tuple, fix: str) -> None:
    words, mended = first_fix(changed(layers=layers))
    assert words == f"{fix}, one for each class of mnist"
    assert check_with_data(mended).valid


BROKEN = Conv(out_channels=10, stride=2)
NEGATIVE = "a relu: no score that reaches the loss can be negative"
SAID: dict[str, tuple[tuple[Layer, ...], list[tuple[int, str, str]]]] = {
    "a volume": (
        LENET.layers[:6],
        [(6, "a volume of 16x5x5", "add fc 10 at the end, add gap and fc 10 at the end")],
    ),
    "a volume of few channels": (
        (Conv(out_channels=3),),
        [(1, "a volume of 3x26x26", "add fc 10 at the end, add gap and fc 10 at the end")],
    ),
    "as many channels as classes": (
        (Conv(out_channels=10),),
        [
            (
                1,
                "a volume of 10x26x26",
                "add gap at the end, add fc 10 at the end, add gap and fc 10 at the end",
            )
        ],
    ),
    "maps of which each is a score": (
        (Conv(out_channels=9), GlobalAvgPool()),
        [(1, "9 scores", "out_channels 10, add fc 10 at the end")],
    ),
    "a hidden layer and its relu": (
        LENET.layers[:-1],
        [
            (9, "84 scores, but mnist has 10", "add fc 10 at the end, out_features 10"),
            (10, NEGATIVE, "add fc 10 at the end, take the relu out"),
        ],
    ),
    "two layers that bend": (
        (*LENET.layers, ReLU(), Dropout()),
        [
            (12, NEGATIVE, "add fc 10 at the end, take the relu out"),
            (13, "dropout: it drops scores", "add fc 10 at the end, take the dropout out"),
        ],
    ),
    "both signs": (
        (*LENET.layers, Tanh()),
        [(12, "a tanh: it bends the scores", "take the tanh out, add fc 10 at the end")],
    ),
    "a norm": (
        (*LENET.layers, BatchNorm()),
        [
            (
                12,
                "a batchnorm: it scales the scores",
                "take the batchnorm out, add fc 10 at the end",
            )
        ],
    ),
    "a block": (
        (FC(out_features=9), Residual(branch=(ReLU(),))),
        [(2, "9 scores, but mnist has 10", "add fc 10 at the end")],
    ),
    "a single map": (
        (Conv(out_channels=3, kernel_size=28),),
        [(1, "3 scores", "out_channels 10, add relu and fc 10 at the end")],
    ),
    "behind a fault": (
        (BROKEN, FC(out_features=9)),
        [
            (1, "does not tile", "stride 1, kernel 2x2, kernel 4x4, round down"),
            (2, "9 scores", "out_features 10, add relu and fc 10 at the end"),
        ],
    ),
    "a conv behind a fault": (
        (BROKEN, Conv(out_channels=9)),
        [(1, "does not tile", "stride 1, kernel 2x2, kernel 4x4, round down")],
    ),
}


@pytest.mark.parametrize(("layers", "said"), SAID.values(), ids=SAID)
def test_what_is_said_of_an_end_and_offered_in_which_order(layers: tuple, said: list) -> None:
    issues = check_with_data(changed(layers=layers)).issues
    assert [issue.layer for issue in issues] == [layer for layer, *_ in said]
    for issue, (_, words, offered) in zip(issues, said, strict=True):
        assert words in issue.message
        labels = [re.split(" instead of |:", fix.description)[0] for fix in issue.fixes]
        assert ", ".join(labels) == offered


def test_a_single_score_becomes_two_or_as_many_as_the_data_has_classes() -> None:
    single = changed(layers=(FC(out_features=1),))
    assert first_fix(single)[0].startswith("out_features 10 instead of 1: 10 scores")
    maps = changed(layers=(Conv(out_channels=3, kernel_size=28),))
    ten = "out_channels 10 instead of 3: 10 scores, one for each class of mnist"
    assert first_fix(maps)[0] == ten
    words, _ = first_fix(changed(single, data="a/folder"))
    assert words == "out_features 2 instead of 1: 2 scores, one for each class"
    words, _ = first_fix(changed(data="a/folder", layers=LENET.layers[:6]))
    assert words == "add fc 10 at the end: 10 scores, one for each class"


def test_other_data_says_whether_the_scores_suit_it() -> None:
    fixes = check_with_data(changed(data="cifar100")).issues[0].fixes
    fit = "all layers fit, 10 scores, one for each class of"
    assert [fix.description for fix in fixes] == [
        "input 3x32x32 instead of 1x28x28: "
        "all layers fit, 100 scores, one for each class of cifar100",
        f"data shapes instead of cifar100: {fit} shapes",
        f"data mnist instead of cifar100: {fit} mnist",
        f"data fashion-mnist instead of cifar100: {fit} fashion-mnist",
    ]
    last = check_with_data(changed(data="digits")).issues[0].fixes[-1]
    assert last.description == "input 1x8x8 instead of 1x28x28: then layer 4 (conv) breaks"
    empty = check_with_data(changed(layers=(), data="cifar100")).issues[1]
    assert "fc with 100 outputs" in empty.message
    (empty,) = check_with_data(changed(layers=(), data="a/folder")).issues
    assert "fc with 10 outputs" in empty.message


def test_ten_maps_and_a_global_pool_are_scores() -> None:
    net = load_preset("all-conv")
    assert check_with_data(net).valid
    words, mended = first_fix(changed(net, layers=net.layers[:-1]))
    assert words.startswith("add gap at the end") and isinstance(mended.layers[-1], GlobalAvgPool)


def with_layer(at: int, **fields: object) -> Network:
    layer = msgspec.structs.replace(LENET.layers[at], **fields)
    return changed(layers=(*LENET.layers[:at], layer, *LENET.layers[at + 1 :]))


WIDE = Conv(out_channels=3, kernel_size=12)
EDITS = {
    "a stride": (with_layer(3, stride=2), "take stride 2 back to 1"),
    "a kernel": (with_layer(0, kernel_size=(5, 4)), "take kernel 5x4 back to 5x5"),
    "padding, which breaks a later layer": (with_layer(0, padding=1), "take padding 1 back to 2"),
    "the input": (changed(input=(1, 27, 27)), "take the input 1x27x27 back to 1x28x28"),
    "a larger input": (changed(input=(1, 30, 30)), "take the input 1x30x30 back to 1x28x28"),
    "the scores": (with_layer(10, out_features=9), "take out_features 9 back to 10"),
    "the last layer": (changed(layers=LENET.layers[:-1]), "put fc 10 back"),
    "two layers": (changed(layers=LENET.layers[:-2]), "put the 2 layers back"),
    "a pool too many": (
        changed(layers=(*LENET.layers[:6], MaxPool(), *LENET.layers[6:])),
        "take the pool out again",
    ),
    "a layer moved": (
        changed(layers=(*LENET.layers[:5], LENET.layers[6], LENET.layers[5], *LENET.layers[7:])),
        "move it back",
    ),
    "another kernel of a pool": (
        changed(layers=(*LENET.layers[:5], MaxPool(kernel_size=3), *LENET.layers[6:])),
        "take kernel 3x3 back to 2x2",
    ),
    "another kind of layer": (
        changed(layers=(*LENET.layers[:5], WIDE, *LENET.layers[6:])),
        "put maxpool 2x2 back in place of the conv",
    ),
    "two of other kinds": (
        changed(layers=(*LENET.layers[:4], Sigmoid(), WIDE, *LENET.layers[6:])),
        "put relu | maxpool 2x2 back in place of the 2 new layers",
    ),
    "two of other kinds, of which one breaks it": (
        changed(layers=(*LENET.layers[:3], MaxPool(kernel_size=3), Sigmoid(), *LENET.layers[5:])),
        "put conv 16 5x5 | relu back in place of the 2 new layers",
    ),
    "a layer and the next of the same kinds": (
        changed(layers=(*LENET.layers[:2], *[MaxPool(kernel_size=3)] * 2, *LENET.layers[4:])),
        "put maxpool 2x2 | conv 16 5x5 back in place of the 2 new layers",
    ),
    "two settings": (
        with_layer(3, stride=2, padding=1),
        "take stride 2 back to 1 and padding 1 back to 0",
    ),
    "a stride and the bias": (
        with_layer(3, stride=2, bias=False),
        "take the conv back to what it was",
    ),
    "two pools too many": (
        changed(layers=(*LENET.layers[:6], MaxPool(), MaxPool(), *LENET.layers[6:])),
        "take the 2 new layers out again",
    ),
    "the input and a stride": (
        changed(with_layer(3, stride=2), input=(1, 27, 27)),
        "take the input 1x27x27 back to 1x28x28",
    ),
}


@pytest.mark.parametrize(("broken", "words"), EDITS.values(), ids=EDITS)
def test_the_edit_that_broke_it_is_taken_back_first(broken: Network, words: str) -> None:
    description, mended = first_fix(broken, Edit(LENET, broken))
    assert description == f"{words}: all layers fit again"
    assert mended == LENET


BLOCK = Residual(branch=(Conv(out_channels=6, padding="same"), ReLU()))
SHRINKING = msgspec.structs.replace(BLOCK.branch[0], stride=2)


def around(*branch: Layer, **fields: object) -> Network:
    """A block behind the first layer of LeNet."""
    block = msgspec.structs.replace(BLOCK, branch=branch or BLOCK.branch, **fields)
    return changed(layers=(LENET.layers[0], block, *LENET.layers[1:]))


def nested(network: Network) -> Network:
    block = Residual(branch=(ReLU(), network.layers[1]))
    return changed(network, layers=(network.layers[0], block, *network.layers[2:]))


BLOCK_EDITS = {
    "a setting inside": (around(), around(SHRINKING, ReLU()), "take stride 2 back to 1"),
    "deep inside": (
        nested(around()),
        nested(around(SHRINKING, ReLU())),
        "take stride 2 back to 1",
    ),
    "two layers inside": (
        around(),
        around(SHRINKING, Sigmoid()),
        "take the block back to what it was",
    ),
    "a setting of its own and a layer": (
        around(),
        around(WIDE, ReLU(), stride=2),
        "take the block back to what it was",
    ),
    "a layer more": (around(), around(*BLOCK.branch, WIDE), "take the block back to what it was"),
    "a layer less": (
        around(Conv(out_channels=5, kernel_size=1), Conv(out_channels=6, kernel_size=1)),
        around(Conv(out_channels=5, kernel_size=1)),
        "take the block back to what it was",
    ),
    "another kind": (
        around(),
        around(MaxPool(), ReLU()),
        "take the block back to what it was",
    ),
}


@pytest.mark.parametrize(("before", "broken", "words"), BLOCK_EDITS.values(), ids=BLOCK_EDITS)
def test_an_edit_inside_a_block_is_taken_back(before: Network, broken: Network, words: str) -> None:
    description, mended = first_fix(broken, Edit(before, broken))
    assert description == f"{words}: all layers fit again"
    assert mended == before


def test_what_was_edited_again_since_is_not_taken_back() -> None:
    broken, now = with_layer(3, stride=2), with_layer(3, stride=2, padding=1)
    assert "take" not in first_fix(now, Edit(LENET, broken))[0]
    shorter = changed(layers=LENET.layers[:2])
    assert "back" not in first_fix(shorter, Edit(LENET, broken))[0]


def test_a_first_layer_is_put_back_before_the_next() -> None:
    rest = MaxPool(kernel_size=5), FC(out_features=10)
    before = changed(layers=(Conv(out_channels=4, kernel_size=4), *rest))
    broken = changed(layers=rest)
    description, mended = first_fix(broken, Edit(before, broken))
    assert description == "put conv 4 4x4 back: all layers fit again"
    assert mended == before


def test_taking_back_says_what_is_left() -> None:
    """Of two mistakes the later one goes."""
    first = changed(layers=LENET.layers[:-1])
    both = changed(first, layers=(first.layers[0], *with_layer(3, stride=2).layers[1:-1]))
    fix = check_with_data(both, [Edit(first, both)]).issues[0].fixes[0]
    assert fix.description.startswith("take stride 2 back to 1: then the network gives 84 scores")
    assert apply_fix(both, fix) == first


EVEN = Conv(out_channels=4, kernel_size=4, padding="same")


def taken_back(network: Network, *edits: Edit) -> list[bool]:
    """For each issue, whether an edit is taken back first."""
    issues = check_with_data(network, edits).issues
    return [issue.fixes[0].description.startswith("take ") for issue in issues]


def test_an_edit_is_taken_back_for_the_faults_that_it_made() -> None:
    odd = msgspec.structs.replace(EVEN, kernel_size=3)
    before = changed(layers=(EVEN, odd, FC(out_features=10)))
    now = changed(layers=(EVEN, EVEN, FC(out_features=10)))
    assert taken_back(now, Edit(before, now)) == [False, True]
    fix = check_with_data(now, [Edit(before, now)]).issues[1].fixes[0]
    assert fix.description == "take kernel 4x4 back to 3x3: then layer 1 (conv) breaks"
    # Where a layer has come, the places no longer tell which fault is whose.
    before = changed(layers=(EVEN, FC(out_features=10)))
    assert taken_back(now, Edit(before, now)) == [True, True]


def test_an_input_that_was_changed_again_is_not_taken_back() -> None:
    small, smaller, large = (changed(input=(1, size, size)) for size in (27, 26, 30))
    for now in (smaller, large):
        fixes = check_with_data(now, [Edit(small, now), Edit(LENET, small)]).issues[0].fixes
        assert not any("input 1x27x27 back" in fix.description for fix in fixes)


def test_what_was_invalid_before_is_not_put_back() -> None:
    invalid = changed(layers=(Dropout(p=9.0), Conv(out_channels=0), *LENET.layers))
    for layers in ((FC(out_features=0),), (Sigmoid(), FC(out_features=0)), ()):
        now = changed(layers=(*layers, *LENET.layers[1:]))
        assert taken_back(now, Edit(invalid, now)) == taken_back(now)


def test_an_older_edit_is_found_behind_an_innocent_one() -> None:
    broken = with_layer(3, stride=2)
    renamed = changed(broken, name="mine")
    edits = Edit(broken, renamed), Edit(LENET, broken)
    assert first_fix(renamed, *edits)[0] == "take stride 2 back to 1: all layers fit again"


def test_an_edit_that_is_innocent_is_not_offered() -> None:
    broken = with_layer(3, stride=2)
    wider = changed(broken, layers=(*broken.layers[:8], FC(out_features=90), *broken.layers[9:]))
    fixes = check_with_data(wider, [Edit(broken, wider)]).issues[0].fixes
    assert fixes and not any("back to" in fix.description for fix in fixes)
    edits = Edit(broken, wider), Edit(LENET, broken)
    assert first_fix(wider, *edits)[0] == "take stride 2 back to 1: all layers fit again"
    worse = changed(broken, layers=(*broken.layers, ReLU()))
    fixes = check_with_data(broken, [Edit(worse, broken)]).issues[0].fixes
    assert fixes and not any("back" in fix.description for fix in fixes), "it mended something"


def test_no_fix_changes_nothing() -> None:
    pools = changed(
        layers=(*LENET.layers[:6], MaxPool(), MaxPool(), MaxPool(), FC(out_features=10))
    )
    for issue in check_with_data(pools).issues:
        assert all(apply_fix(pools, fix) != pools for fix in issue.fixes)
        assert not any("1x1 instead" in fix.description for fix in issue.fixes)
        assert "take the pool out" in " ".join(fix.description for fix in issue.fixes)


def test_an_input_is_offered_only_where_the_data_leaves_it_open() -> None:
    words = [fix.description for fix in check_with_data(with_layer(3, stride=2)).issues[0].fixes]
    assert not any(word.startswith("input") for word in words)
    alexnet = changed(load_preset("alexnet"), input=(3, 224, 224))
    words = [fix.description for fix in check_with_data(alexnet).issues[0].fixes]
    assert any(word.startswith("input 3x227x227 instead of 3x224x224") for word in words)
