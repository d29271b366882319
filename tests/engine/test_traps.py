"""Classic traps are named with what mends them, and no layer that does not fit is left alone."""

from __future__ import annotations

import json
from dataclasses import dataclass

import msgspec
import pytest
from hypothesis import given
from networks import networks, plausible_networks

from cnn_tui.engine.specs.applying import apply_fix
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import FC, Conv
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.engine.specs.quick.parse import parse_quick
from cnn_tui.engine.specs.quick.write import to_quick
from cnn_tui.engine.specs.report import Issue


@dataclass(frozen=True)
class Trap:
    layers: str
    size: tuple[int, int, int]
    code: str
    says: str
    fix: str
    """The beginning of a fix that must be offered."""
    mended: str
    """The layers once it is applied."""


TRAPS = {
    "224 under an 11x11 kernel with stride 4": Trap(
        "conv 96 11x11 s4 | relu | pool 3x3 s2 | fc 1000",
        (3, 224, 224),
        "fraction",
        "(224 - 11 + 2*0)/4 + 1 = 54.25, not a whole number",
        "input 3x227x227 instead of 3x224x224: gives 96x55x55, all later layers fit",
        "conv 96 11x11 s4 | relu | maxpool 3x3 s2 | fc 1000",
    ),
    "a stride-2 branch beside an identity shortcut": Trap(
        "conv 8 4x4 s2 p1 | res { conv 16 4x4 s2 p1 | bn } | relu | fc 10",
        (3, 32, 32),
        "shortcut-shape",
        "the branch gives 16x8x8, the identity shortcut 8x16x16",
        "shortcut projection and stride 2: gives 16x8x8, all later layers fit",
        "conv 8 4x4 s2 p1 | residual { conv 16 4x4 s2 p1 | batchnorm } s2 proj | relu | fc 10",
    ),
    "a wider branch beside an identity shortcut": Trap(
        "conv 8 3x3 pad same | res { conv 16 3x3 pad same } | fc 10",
        (3, 32, 32),
        "shortcut-shape",
        "only equal shapes can be added",
        "shortcut projection instead of identity: gives 16x32x32, all later layers fit",
        "conv 8 3x3 pad same | residual { conv 16 3x3 pad same } proj | fc 10",
    ),
    "a branch without padding": Trap(
        "conv 8 3x3 pad same | res { conv 8 3x3 | relu | conv 8 3x3 } | fc 10",
        (3, 32, 32),
        "shortcut-shape",
        "the branch gives 8x28x28, the identity shortcut 8x32x32",
        'padding "same" throughout its branch: gives 8x32x32, all later layers fit',
        "conv 8 3x3 pad same | residual { conv 8 3x3 pad same | relu | conv 8 3x3 pad same } "
        "| fc 10",
    ),
    "same padding with an even kernel": Trap(
        "conv 8 4x4 pad same | fc 10",
        (3, 32, 32),
        "same-even",
        'padding "same" needs a window of odd size, 4 is even',
        "kernel 3x3 instead of 4x4: gives 8x32x32, all later layers fit",
        "conv 8 3x3 pad same | fc 10",
    ),
    "same padding with an even kernel and stride 2": Trap(
        "conv 8 4x4 s2 pad same | relu | fc 10",
        (3, 32, 32),
        "same-even",
        "one side would need more padding than the other",
        "padding 1 instead of same: gives 8x16x16, all later layers fit",
        "conv 8 4x4 s2 p1 | relu | fc 10",
    ),
    "a pool that halves 7": Trap(
        "pool 2x2 | pool 2x2 | pool 2x2 | fc 10",
        (1, 28, 28),
        "fraction",
        "(7 - 2 + 2*0)/2 + 1 = 3.5",
        "kernel 3x3 with stride 2 instead of 2x2: gives 1x3x3, all later layers fit",
        "maxpool 2x2 | maxpool 2x2 | maxpool 3x3 s2 | fc 10",
    ),
    "a pool behind an fc layer": Trap(
        "conv 8 3x3 pad same | fc 64 | pool 2x2 | fc 10",
        (1, 28, 28),
        "needs-volume",
        "an fc layer before it made its input flat",
        "move it before layer 2 (fc): all later layers fit",
        "conv 8 3x3 pad same | maxpool 2x2 | fc 64 | fc 10",
    ),
    "no fc layer at the end": Trap(
        "conv 8 3x3 pad same | relu",
        (1, 28, 28),
        "not-scores",
        "ends in a volume of 8x28x28, not in one score per class",
        "add fc 10 at the end: 10 scores, one for each class",
        "conv 8 3x3 pad same | relu | fc 10",
    ),
    "a residual block with nothing in it": Trap(
        "conv 8 3x3 pad same | res { } | fc 10",
        (1, 28, 28),
        "empty-branch",
        "its branch has no layers",
        "put conv 8 3x3 pad same into its branch: gives 8x28x28, all later layers fit",
        "conv 8 3x3 pad same | residual { conv 8 3x3 pad same } | fc 10",
    ),
    "a volume shrunk to nothing": Trap(
        "pool 4x4 | pool 4x4 | conv 8 5x5 | fc 10",
        (1, 32, 32),
        "kernel-too-large",
        "a window of 5x5 is larger than its input of 2x2",
        "kernel 2x2 instead of 5x5: gives 8x1x1, all later layers fit",
        "maxpool 4x4 | maxpool 4x4 | conv 8 2x2 | fc 10",
    ),
}  # fmt: skip


@pytest.mark.parametrize("trap", TRAPS.values(), ids=TRAPS)
def test_a_trap_is_named_and_one_fix_mends_it(trap: Trap):
    network = Network(input=trap.size, layers=parse_quick(trap.layers))
    (issue,) = check(network).issues
    assert issue.code == trap.code
    assert trap.says in issue.message
    (fix,) = (fix for fix in issue.fixes if fix.description.startswith(trap.fix))
    mended = apply_fix(network, fix)
    assert to_quick(mended.layers) == trap.mended
    assert check(mended).valid


def test_an_fc_layer_follows_a_changed_input_by_itself():
    """The trap of frameworks that want the flattened size spelled out is none here."""
    for size in (28, 32, 36):
        network = Network(input=(1, size, size), layers=load_preset("lenet5").layers)
        report = check(network)
        assert report.valid
        assert report.layers[6].weights == 16 * ((size // 2 - 4) // 2) ** 2 * 120


def test_weights_for_another_input_size_are_named(tmp_path):
    """What does change with the input is the matrix, and old weights do not fit it."""
    build = pytest.importorskip("cnn_tui.engine.build").build
    weights = pytest.importorskip("cnn_tui.engine.transforms.carry")
    small = build(load_preset("lenet5"))
    large = build(Network(input=(1, 32, 32), layers=load_preset("lenet5").layers))
    with pytest.raises(Exception, match=r"fc7\.weight are \(120, 400\), expected \(120, 576\)"):
        weights.load_weights(large, weights.weights_of(small))


def assert_mendable(issue: Issue) -> None:
    """As ``check --json`` has it: layers that do not fit come with a way out."""
    data = json.loads(msgspec.json.encode(issue))
    assert data["layer"] == 0 or data["fixes"], issue
    for fix in data["fixes"]:
        assert {"layer", "field", "value", "description"} <= fix.keys()
        assert fix["description"] and fix["field"]


@given(plausible_networks())
def test_every_layer_that_does_not_fit_comes_with_a_fix(network):
    for issue in check(network, classes=7).issues:
        assert_mendable(issue)


@given(networks(12))
def test_every_layer_of_a_wild_network_that_does_not_fit_comes_with_a_fix(network):
    for issue in check(network).issues:
        assert_mendable(issue)


@pytest.mark.parametrize(
    "line",
    [
        "conv 8 4x4 pad same | " * 300 + "fc 10",
        "fc 10" + " | pool 2x2 | fc 10" * 50,
        "res { } | " * 300 + "fc 10",
        "res { relu } s2 | " * 300 + "fc 10",
        "pool 3x3 p4 | " * 300 + "fc 10",
        "conv 9 3x3 g2 | " * 300 + "fc 10",
        "relu as a | " * 300 + "fc 10",
        "fc 65536 | " * 1000 + "fc 10",
        "res { " + "conv 8 4x4 pad same | " * 300 + "} | fc 10",
        "res { " + "res { } | " * 300 + "} | fc 10",
        "conv 8 3x3 pad same | " * 1500 + "conv 8 3x3 s2 | fc 10",
    ],
)
def test_however_many_issues_there_are_each_has_a_fix_that_works(line: str):
    network = Network(input=(4, 64, 64), layers=parse_quick(line))
    issues = check(network).issues
    assert issues
    for issue in issues:
        assert_mendable(issue)
    for issue in (issues[0], issues[-1]):
        after = check(apply_fix(network, issue.fixes[0]))
        assert (issue.path, issue.code) not in {(one.path, one.code) for one in after.issues} or (
            issue.fixes[0].field == "replace"
        )


@given(plausible_networks())
def test_taking_the_first_fix_again_and_again_mends_the_network(network):
    for _ in range(40):
        issues = check(network, classes=7).issues
        if not issues:
            return
        network = apply_fix(network, issues[0].fixes[0])
    raise AssertionError(f"still broken: {to_quick(network.layers)}")


def test_counts_beyond_all_memory_are_mended_by_fewer_features():
    layers = (Conv(out_channels=65536), FC(out_features=65536), FC(out_features=10))
    (issue,) = check(Network(input=(3, 512, 512), layers=layers)).issues
    assert issue.code == "too-large"
    mended = apply_fix(Network(input=(3, 512, 512), layers=layers), issue.fixes[0])
    assert check(mended).valid
