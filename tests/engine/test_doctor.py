"""The shape doctor: every fix that is offered works, and the best one comes first."""

import re

import msgspec
import pytest
from hypothesis import given
from networks import networks, plausible_networks

from cnn_tui.engine.specs.applying import apply_fix
from cnn_tui.engine.specs.check import Fix, check
from cnn_tui.engine.specs.layers import FC, AvgPool, BatchNorm, Conv, Layer, MaxPool, ReLU, Residual
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.quick.parse import parse_quick


def net(*layers: Layer, size: int = 28, channels: int = 1) -> Network:
    return Network(input=(channels, size, size), layers=(*layers, FC(out_features=10)))


def fixes(network: Network, classes: int | None = None) -> dict[str, Fix]:
    return {fix.description: fix for fix in check(network, classes).issues[0].fixes}


def assert_fixes_work(network: Network, classes: int | None = None) -> None:
    for issue in check(network, classes).issues:
        for fix in issue.fixes:
            after = check(apply_fix(network, fix), classes)
            left = {(other.path, other.code) for other in after.issues}
            # Where layers come and go, the next one may stand here with the same fault.
            assert (issue.path, issue.code) not in left or changes_layers(fix), fix
            if "all later layers fit" in fix.description:
                shapes = {"classes", "one-class", "not-scores", "duplicate-name"}
                later = [other for other in after.issues if other.layer >= issue.layer]
                assert {other.code for other in later} <= shapes, fix


def changes_layers(fix: Fix) -> bool:
    return fix.field.rpartition(".")[2] in ("replace", "after")


@given(plausible_networks())
def test_fixes_work_on_plausible_networks(network):
    assert_fixes_work(network, classes=7)


@pytest.mark.slow
@given(networks(12))
def test_fixes_work_on_wild_networks(network):
    assert_fixes_work(network)


def test_lenet_with_a_stride_that_does_not_tile():
    network = net(
        Conv(out_channels=6, kernel_size=5, padding=2),
        MaxPool(),
        Conv(out_channels=16, kernel_size=5, stride=2),
        MaxPool(),
    )
    assert list(fixes(network)) == [
        "stride 1 instead of 2: gives 16x10x10, all later layers fit",
        "stride 3 instead of 2: gives 16x4x4, all later layers fit",
        "kernel 4x4 instead of 5x5: gives 16x6x6, all later layers fit",
        "input 1x30x30 instead of 1x28x28: gives 16x6x6, all later layers fit",
        "round down: gives 16x5x5, leaves 1 row and 1 column unread, then layer 4 (maxpool) breaks",
    ]
    assert "Try: stride 1, stride 3 or kernel 4x4." in check(network).issues[0].message


def test_alexnet_on_224_finds_the_227_of_the_notes():
    network = net(
        Conv(out_channels=96, kernel_size=11, stride=4),
        MaxPool(kernel_size=3, stride=2),
        Conv(out_channels=256, kernel_size=5, padding=2),
        MaxPool(kernel_size=3, stride=2),
        size=224,
        channels=3,
    )
    fix = fixes(network)[
        "input 3x227x227 instead of 3x224x224: gives 96x55x55, all later layers fit"
    ]
    assert (fix.layer, fix.field, fix.value) == (0, "input", [3, 227, 227])
    assert check(apply_fix(network, fix)).valid


def test_fixes_after_which_all_fits_come_first():
    network = net(Conv(out_channels=8, kernel_size=4, stride=3), MaxPool(kernel_size=3), size=27)
    (issue,) = check(network).issues
    *others, last = issue.fixes
    breaks = ["breaks" in fix.description for fix in others]
    assert breaks == sorted(breaks)
    assert len(set(breaks)) == 2
    assert last.value == "floor", "rounding down is offered last, whatever comes of it"


@pytest.mark.parametrize(
    ("network", "best"),
    [
        (net(Conv(out_channels=4, kernel_size=31)), "kernel 5x5 instead of 31x31: gives 4x24x24"),
        (
            net(Conv(out_channels=4, kernel_size=4, padding="same")),
            "kernel 3x3 instead of 4x4",
        ),
        (
            net(MaxPool(kernel_size=3, stride=1, padding=4)),
            "padding 0 instead of 4: gives 1x26x26",
        ),
        (
            net(Conv(out_channels=6, padding=1), Conv(out_channels=6, groups=4)),
            "groups 3 instead of 4",
        ),
        (net(Conv(out_channels=6, padding=1), Conv(out_channels=7, groups=3)), "out_channels 6"),
        (net(AvgPool(kernel_size=3, stride=3)), "kernel 4x4 instead of 3x3: gives 1x9x9"),
    ],
)
def test_best_fix(network, best):
    first = check(network).issues[0].fixes[0]
    assert first.description.startswith(best)
    assert check(apply_fix(network, first)).valid


def test_rectangles_are_mended_on_the_axis_that_fails():
    network = Network(
        input=(1, 29, 28), layers=(Conv(out_channels=4, stride=2), FC(out_features=10))
    )
    fix = fixes(network)["kernel 3x2 instead of 3x3: gives 4x14x14, all later layers fit"]
    assert fix.value == [3, 2]
    assert apply_fix(network, fix).layers[0].kernel_size == (3, 2)


def test_shortcut_that_must_shrink_gets_its_stride_too():
    block = Residual(
        branch=(Conv(out_channels=16, kernel_size=4, stride=2, padding=1), BatchNorm())
    )
    network = net(Conv(out_channels=8, padding=1), block)
    fix = fixes(network)["shortcut projection and stride 2: gives 16x14x14, all later layers fit"]
    mended = apply_fix(network, fix)
    assert mended.layers[1].shortcut == "projection"
    assert mended.layers[1].stride == 2
    assert check(mended).valid


def test_branch_without_padding_is_padded():
    block = Residual(branch=(Conv(out_channels=8), ReLU(), Conv(out_channels=8)))
    network = net(Conv(out_channels=8, padding=1), block)
    mended = apply_fix(network, check(network).issues[0].fixes[0])
    assert [layer.padding for layer in mended.layers[1].branch[::2]] == ["same", "same"]
    assert check(mended).valid


def test_branch_of_another_width_is_widened_or_projected():
    block = Residual(branch=(Conv(out_channels=16, padding=1),))
    network = net(Conv(out_channels=8, padding=1), block)
    labels = [re.split(" instead of |:", description)[0] for description in fixes(network)]
    assert labels == [
        "shortcut projection",
        "shortcut zero-pad",
        "out_channels 8 at the end of its branch",
    ]


def test_fault_deep_inside_is_mended_there():
    inner = Residual(branch=(Conv(out_channels=1, kernel_size=4, padding="same"),))
    network = net(Residual(branch=(ReLU(), inner)))
    fix = check(network).issues[0].fixes[0]
    assert (fix.layer, fix.field) == (1, "branch[1].branch[0].kernel_size")
    assert check(apply_fix(network, fix)).valid


def test_classes_and_names_are_set():
    network = Network(input=(1, 8, 8), layers=(ReLU(name="a"), FC(out_features=9, name="a")))
    for issue in check(network, classes=10).issues:
        network = apply_fix(network, issue.fixes[0])
    assert check(network, classes=10).valid
    assert network.layers[1].out_features == 10
    assert network.layers[1].name == "fc2"


def test_an_empty_network_leaves_the_choice_to_the_person():
    (issue,) = check(Network()).issues
    assert (issue.layer, issue.fixes) == (0, ())
    assert "fc with 10 outputs" in issue.message


def test_fix_survives_json():
    fix = check(net(Conv(out_channels=4, stride=2))).issues[0].fixes[0]
    assert msgspec.json.decode(msgspec.json.encode(fix), type=Fix) == fix


@pytest.mark.parametrize("line", ["maxpool 9x9 | {even} | relu", "relu | maxpool 9x9 | {even}"])
def test_a_later_layer_that_did_not_fit_before_does_not_break(line: str) -> None:
    """Also where the layers after a fix have other numbers."""
    layers = parse_quick(line.format(even="conv 4 4x4 pad same"))
    later = next(number for number, layer in enumerate(layers, 1) if isinstance(layer, Conv))
    said = [
        fix.description for fix in check(Network(input=(4, 8, 8), layers=layers)).issues[0].fixes
    ]
    assert f"take the pool out: layer {later - 1} (conv) still does not fit" in said
    assert all(f"layer {later} (conv) still does not fit" in words for words in said[:-1])


def test_a_fix_that_breaks_a_later_layer_says_so_whatever_its_length() -> None:
    layers = parse_quick("maxpool 9x9 | relu | conv 4 8x8 s3 | fc 3")
    said = [
        fix.description for fix in check(Network(input=(4, 9, 8), layers=layers)).issues[0].fixes
    ]
    assert "take the pool out: then layer 2 (conv) breaks" in said
