"""What a network is for: its input and its scores are held against the data it names."""

from __future__ import annotations

import re

import pytest
from small_nets import LENET, changed, first_fix

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
from cnn_tui.engine.specs.presets import load_preset, preset_names
from cnn_tui.engine.specs.quick.parse import parse_quick


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


def test_no_fix_changes_nothing() -> None:
    pools = changed(
        layers=(*LENET.layers[:6], MaxPool(), MaxPool(), MaxPool(), FC(out_features=10))
    )
    for issue in check_with_data(pools).issues:
        assert all(apply_fix(pools, fix) != pools for fix in issue.fixes)
        assert not any("1x1 instead" in fix.description for fix in issue.fixes)
        assert "take the pool out" in " ".join(fix.description for fix in issue.fixes)


def test_a_layer_that_fits_neither_input_is_not_said_to_break() -> None:
    layers = parse_quick("conv 4 4x4 pad same | fc 10")
    issue, *_ = check_with_data(changed(input=(1, 8, 8), layers=layers)).issues
    first = issue.fixes[0].description
    assert first == "input 1x28x28 instead of 1x8x8: layer 1 (conv) still does not fit"
