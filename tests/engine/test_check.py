"""check(): the numbers of every layer, and every mistake in words."""

import msgspec
import pytest
from hypothesis import given
from networks import networks, plausible_networks
from small_nets import lenet, net

from cnn_tui.engine.specs.check import Issue, LayerReport, Report, check
from cnn_tui.engine.specs.layers import (
    FC,
    LAYER_TYPES,
    LRN,
    Conv,
    Dropout,
    GlobalAvgPool,
    Layer,
    MaxPool,
    Parallel,
    ReLU,
    Repeat,
    Residual,
)
from cnn_tui.engine.specs.network import SVM, Network, Recipe


def only_issue(network: Network, classes: int | None = None) -> Issue:
    report = check(network, classes)
    assert [issue.code for issue in report.issues] == [report.issues[0].code]
    assert not report.valid
    return report.issues[0]


def test_fraction_carries_the_formula_with_its_numbers():
    issue = only_issue(
        net(Conv(out_channels=96, kernel_size=11, stride=4), FC(out_features=10), size=224)
    )
    assert (issue.layer, issue.code, issue.path) == (1, "fraction", "layers[0].stride")
    assert issue.message.startswith("layer 1 (conv): ")
    assert "(224 - 11 + 2*0)/4 + 1 = 54.25" in issue.message


def test_floor_is_an_opt_in_for_one_layer():
    layer = Conv(out_channels=96, kernel_size=11, stride=4, rounding="floor")
    assert check(net(layer, FC(out_features=10), size=224)).layers[0].output == [96, 54, 54]


def test_behind_a_fault_shapes_are_unknown_but_other_mistakes_are_found():
    report = check(
        net(
            Conv(out_channels=4, stride=2, name="twin"),
            Conv(out_channels=4, kernel_size=4, padding="same", name="twin"),
            MaxPool(padding=2),
            Residual(branch=(Conv(out_channels=4, groups=3),), stride=2),
            FC(out_features=12),
            MaxPool(),
            FC(out_features=9),
        ),
        classes=10,
    )
    assert [(issue.layer, issue.code) for issue in report.issues] == [
        (1, "fraction"),
        (2, "same-even"),
        (2, "duplicate-name"),
        (3, "pool-padding"),
        (4, "identity-stride"),
        (4, "groups"),
        (6, "needs-volume"),
        (7, "classes"),
    ]
    assert [layer.output for layer in report.layers] == [None] * 7
    assert report.layers[0].weights == 36, "what the faulty layer itself costs is known"


@pytest.mark.parametrize(
    ("layers", "code", "words"),
    [
        ([Conv(out_channels=4, kernel_size=31)], "kernel-too-large",
         "a window of 31x31 is larger than its input of 28x28: (28 - 31 + 2*0)/1 + 1 = -2"),
        ([Conv(out_channels=4, kernel_size=31, padding=1)], "kernel-too-large",
         "padded to 30x30: (28 - 31 + 2*1)/1 + 1 = 0"),
        ([Conv(out_channels=4, kernel_size=15, dilation=2)], "kernel-too-large",
         "15x15 (spread to 29x29 by dilation)"),
        ([MaxPool(kernel_size=7)] * 2, "kernel-too-large", "larger than its input of 4x4"),
        ([Conv(out_channels=4, kernel_size=(3, 4), stride=2)], "fraction",
         "in height (28 - 3 + 2*0)/2 + 1 = 13.5, not"),
        ([Conv(out_channels=4, kernel_size=4, padding="same")], "same-even",
         'padding "same" needs a window of odd size, 4 is even'),
        ([Conv(out_channels=4), Conv(out_channels=6, groups=3)], "groups",
         "3 groups do not divide the 4 input channels"),
        ([Conv(out_channels=4), Conv(out_channels=5, groups=2)], "groups",
         "2 groups do not divide the 5 output channels"),
        ([MaxPool(kernel_size=2, stride=1, padding=2)], "pool-padding", "nothing but padding"),
        ([Residual(branch=())], "empty-branch", "its branch has no layers"),
        ([Residual(branch=(ReLU(),), stride=2)], "identity-stride", "stride 2 cannot apply"),
        ([Residual(branch=(Conv(out_channels=4),))], "shortcut-shape",
         "the branch gives 4x26x26, the identity shortcut 1x28x28"),
        ([Residual(branch=(Conv(out_channels=4),), shortcut="projection")], "shortcut-shape",
         "the projection shortcut 4x28x28"),
        ([Conv(out_channels=8), Residual(branch=(Conv(out_channels=4, padding=1),),
                                         shortcut="zero-pad")], "shortcut-shape",
         "the branch gives 4x26x26, the zero-pad shortcut 8x26x26"),
        ([FC(out_features=9), Residual(branch=(FC(out_features=9),), shortcut="projection")],
         "shortcut-shape", "its input is flat"),
        ([FC(out_features=9), Conv(out_channels=4)], "needs-volume", "it needs a volume C x H x W"),
        ([FC(out_features=9), LRN()], "needs-volume", "it needs a volume"),
        ([FC(out_features=9), GlobalAvgPool()], "needs-volume", "an fc layer before"),
    ],
)  # fmt: skip
def test_mistake_in_words(layers, code, words):
    issue = only_issue(net(*layers, FC(out_features=10)))
    assert issue.code == code
    assert issue.layer == len(layers)
    assert issue.message.startswith(f"layer {len(layers)} (")
    assert words in issue.message
    assert issue.message.isprintable()
    assert issue.message.endswith(".")


def test_fault_inside_a_block_is_placed_there():
    block = Residual(branch=(ReLU(), Conv(out_channels=1, stride=2)))
    issue = only_issue(net(ReLU(), block, FC(out_features=10)))
    assert issue.message.startswith("layer 2 (residual), branch 2 (conv): a window of 3x3")
    assert (issue.layer, issue.path) == (2, "layers[1].branch[1].stride")


def test_several_convs_behind_one_fc_are_one_mistake():
    assert only_issue(net(FC(out_features=9), Conv(out_channels=4), MaxPool())).layer == 2


def test_a_network_without_layers():
    issue = only_issue(net())
    assert (issue.layer, issue.code) == (0, "no-layers")
    assert issue.message.startswith("network: it has no layers. Add ")


@pytest.mark.parametrize(
    ("network", "classes", "layer", "words"),
    [
        (lenet(scores=12), 10, 11, "gives 12 scores, but the data has 10 classes. Try: out_f"),
        (net(FC(out_features=1)), None, 1, "a single score"),
        (net(Conv(out_channels=10)), 10, 1, "ends in a volume of 10x26x26"),
        (net(Conv(out_channels=9), GlobalAvgPool()), 10, 1, "Try: out_channels 10"),
        (net(GlobalAvgPool(), channels=3), 10, 1, "gives 3 scores"),
    ],
)
def test_end_that_gives_no_score_per_class(network, classes, layer, words):
    issue = only_issue(network, classes)
    assert issue.layer == layer
    assert words in issue.message


def test_scores_may_be_flat_or_one_pixel():
    for layers in ([FC(out_features=10)], [Conv(out_channels=10), GlobalAvgPool()]):
        assert check(net(*layers), classes=10).valid
    assert check(net(FC(out_features=7))).valid, "without data any number of scores will do"


def test_duplicate_names_are_told_and_never_reported_twice():
    report = check(
        net(
            ReLU(name="fc3"),
            Residual(branch=(ReLU(name="a"), ReLU(name="fc3")), name="a"),
            FC(out_features=10),
        )
    )
    duplicates = [(issue.path, issue.code) for issue in report.issues]
    assert duplicates == [
        ("layers[1].branch[0].name", "duplicate-name"),
        ("layers[1].branch[1].name", "duplicate-name"),
    ]
    block = report.layers[1]
    names = [*(layer.name for layer in report.layers), *(layer.name for layer in block.branch)]
    assert names == ["fc3", "a", "fc3_", "a.relu1", "a.relu2"]


def test_values_out_of_their_limits_are_found_in_networks_made_in_code():
    report = check(
        Network(
            input=(1, 28, 28),
            layers=(
                Conv(out_channels=0),
                Conv(out_channels=4, kernel_size=(3,)),
                Conv(out_channels=4, stride=0, padding=-1),
                Conv(out_channels="x", name=["y"]),
                Residual(branch=(Dropout(p=float("nan")),)),
                FC(out_features=10),
            ),
            loss=SVM(delta=-1.0),
            training=Recipe(lr=float("inf")),
        )
    )
    assert {issue.code for issue in report.issues} == {"bad-value"}
    assert [issue.path for issue in report.issues] == [
        "loss.delta",
        "training.lr",
        "layers[0].out_channels",
        "layers[1].kernel_size",
        "layers[2].stride",
        "layers[2].padding",
        "layers[3].out_channels",
        "layers[3].name",
        "layers[4].branch[0].p",
    ]
    assert "received nan" in report.issues[-1].message


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"layers": 3}, "layers: expected a list of layers, received 3."),
        ({"layers": (ReLU,)}, "layers[0]: expected a layer, received the class ReLU."),
        ({"layers": [Residual(branch=3)]}, "layers[0].branch: expected a list of layers, received"),
        ({"layers": [Residual(branch=ReLU())]}, "received a ReLU. Put it into brackets."),
        ({"layers": [Residual(branch=[], shortcut=None)]}, "layers[0].shortcut: expected a list"),
        ({"layers": [Parallel(branches=[ReLU()])]}, "layers[0].branches[0]: expected a list of"),
        ({"layers": [Parallel(branches=None)]}, "layers[0].branches: expected a list of layers"),
        ({"layers": [Repeat(layers=[FC], times=2)]}, "layers[0].layers[0]: expected a layer"),
        ({"training": None}, "training: expected a Recipe, received a NoneType."),
        ({"loss": "svm"}, "loss: expected Softmax() or SVM(), received 'svm'."),
        ({"training": Recipe(freeze=3)}, "training.freeze: expected a name of"),
    ],
)
def test_what_is_no_layer_or_list_in_code_is_told(wrong, words):
    network = msgspec.structs.replace(net(FC(out_features=10)), **wrong)
    report = check(network)
    assert not report.valid
    assert words in report.issues[0].message and report.issues[0].message.startswith("network: ")
    assert msgspec.json.decode(msgspec.json.encode(report))["issues"]


def test_input_out_of_its_limits_leaves_all_shapes_unknown():
    report = check(Network(input=(1, 0, 28), layers=(Conv(out_channels=4), FC(out_features=10))))
    assert [(issue.layer, issue.path) for issue in report.issues] == [(0, "input[1]")]
    assert [layer.output for layer in report.layers] == [None, None]


def test_absurd_totals_are_refused_before_they_overflow_anything():
    huge = Conv(out_channels=65536, kernel_size=1024, padding=512)
    issue = only_issue(net(huge, huge, FC(out_features=10)))
    assert (issue.layer, issue.code) == (2, "too-large")
    wide = Conv(out_channels=65536, kernel_size=1, padding=512)
    assert only_issue(net(*[wide] * 20, FC(out_features=10))).code == "too-large"
    busy = Conv(out_channels=65536, kernel_size=11, padding=512)
    network = net(busy, GlobalAvgPool(), FC(out_features=10), size=1024, channels=65536)
    assert only_issue(network).code == "too-large", "2e18 multiply-adds"
    shrink = MaxPool(kernel_size=1024, stride=1024, padding=512, rounding="floor")
    report = check(net(*[shrink] * 200, FC(out_features=10), size=1024))
    assert report.valid
    msgspec.json.encode(report)


def test_bottomless_nesting_is_refused():
    layer: Layer = ReLU()
    for _ in range(3000):
        layer = Residual(branch=(layer,))
    assert only_issue(net(layer, FC(out_features=10))).code == "too-deep"


@pytest.mark.slow
@given(networks())
def test_never_raises_and_always_encodes(network):
    for classes in (None, 10):
        report = check(network, classes)
        assert report.valid == (not report.issues)
        assert msgspec.json.decode(msgspec.json.encode(report), type=Report) == report
        assert all(issue.message.isprintable() for issue in report.issues)


def every_row(rows: tuple[LayerReport, ...]) -> list[LayerReport]:
    found = []
    for row in rows:
        found += [row, *every_row(row.branch), *every_row(row.shortcut)]
    return found


@given(plausible_networks())
def test_reports_are_consistent(network):
    report = check(network)
    rows = every_row(report.layers)
    assert len({row.name for row in rows}) == len(rows)
    assert report.total_params == sum(row.params for row in rows if not row.branch)
    assert report.total_macs == sum(row.macs for row in rows if not row.branch)
    faulty = [issue.layer for issue in report.issues]
    known = [row.output is not None for row in report.layers]
    assert all(known) if report.valid else known.index(False) + 1 == min(faulty)
    assert {row.type for row in rows} <= set(LAYER_TYPES)
