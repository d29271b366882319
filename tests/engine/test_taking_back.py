"""The last edits, taken back: which are, and what is said of it."""

from __future__ import annotations

import msgspec
import pytest
from small_nets import LENET, changed, first_fix, with_layer

from cnn_tui.engine.specs.applying import apply_fix
from cnn_tui.engine.specs.check import check_with_data
from cnn_tui.engine.specs.flow import Edit
from cnn_tui.engine.specs.layers import (
    FC,
    Conv,
    Dropout,
    Layer,
    MaxPool,
    ReLU,
    Residual,
    Sigmoid,
)
from cnn_tui.engine.specs.network import Network

WIDE = Conv(out_channels=3, kernel_size=12)
EDITS = {
    "a stride": (with_layer(3, stride=2), "take stride 2 back to 1"),
    "a kernel": (with_layer(0, kernel_size=(5, 4)), "take kernel 5x4 back to 5x5"),
    "padding, which breaks a later layer": (with_layer(0, padding=1), "take padding 1 back to 2"),
    "the input": (changed(input=(1, 27, 27)), "take the input 1x27x27 back to 1x28x28"),
    "a larger input": (changed(input=(1, 30, 30)), "take the input 1x30x30 back to 1x28x28"),
    "the data": (changed(data="cifar10"), "take the data cifar10 back to mnist"),
    "data of a later name": (changed(data="pathmnist"), "take the data pathmnist back to mnist"),
    "two layers that became one": (
        changed(layers=(*LENET.layers[:3], with_layer(3, stride=2).layers[3], *LENET.layers[5:])),
        "put conv 16 5x5 | relu back in place of the conv",
    ),
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
    assert fix.description == "take kernel 4x4 back to 3x3: layer 1 (conv) still does not fit"
    # Where a layer has come, the places no longer tell which fault is whose.
    before = changed(layers=(EVEN, FC(out_features=10)))
    assert taken_back(now, Edit(before, now)) == [True, True]


def test_an_input_that_was_changed_again_is_not_taken_back() -> None:
    small, smaller, large = (changed(input=(1, size, size)) for size in (27, 26, 30))
    for now in (smaller, large):
        fixes = check_with_data(now, [Edit(small, now), Edit(LENET, small)]).issues[0].fixes
        assert not any("input 1x27x27 back" in fix.description for fix in fixes)


@pytest.mark.parametrize("now", ["cifar10", "pathmnist"])
def test_data_that_were_changed_again_are_not_taken_back(now: str) -> None:
    first = changed(data="digits")
    issue, *_ = check_with_data(changed(data=now), [Edit(LENET, first)]).issues
    assert not any("back" in fix.description for fix in issue.fixes)


def test_a_fault_in_exchange_for_another_is_not_offered() -> None:
    even, broken = with_layer(3, kernel_size=4, padding="same"), with_layer(3, stride=2)
    fixes = check_with_data(broken, [Edit(even, broken)]).issues[0].fixes
    assert fixes and not any("back" in fix.description for fix in fixes)


def test_a_layer_is_put_back_for_the_faults_that_its_absence_made() -> None:
    layers = (Conv(out_channels=4, kernel_size=4), MaxPool(kernel_size=5), Dropout(p=9.0))
    before, now = (changed(layers=(*part, FC(out_features=10))) for part in (layers, layers[1:]))
    issues = check_with_data(now, [Edit(before, now)]).issues
    assert [issue.code for issue in issues] == ["fraction", "bad-value"]
    assert ["put conv" in str(issue.fixes) for issue in issues] == [True, False]


def test_behind_what_was_invalid_an_older_edit_is_taken_back() -> None:
    broken = with_layer(3, stride=2)
    invalid = changed(broken, layers=(Dropout(p=9.0), *broken.layers))
    edits = Edit(invalid, broken), Edit(LENET, broken)
    assert first_fix(broken, *edits)[0] == "take stride 2 back to 1: all layers fit again"


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
