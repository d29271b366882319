"""One layer at a time: output, counts, refusal and words, by hand, with no two numbers alike.

What the mutants of the shape rules taught: every row here is one that some change would pass
without (docs/testing.md).
"""

from __future__ import annotations

import pytest

from cnn_tui.engine.shapes import Shape
from cnn_tui.engine.specs.activations import PReLU
from cnn_tui.engine.specs.flow import FeatureMap, InferredLayer
from cnn_tui.engine.specs.infer import infer, infer_layers, infer_lazily, rule_of
from cnn_tui.engine.specs.layers import (
    FC,
    AvgPool,
    BatchNorm,
    Conv,
    Dropout,
    DWConv,
    GlobalAvgPool,
    Layer,
    MaxPool,
    ReLU,
    Repeat,
    StochasticDepth,
)
from cnn_tui.engine.specs.network import MAX_NESTING, Network
from cnn_tui.engine.specs.norms import GroupNorm, LayerNorm, LayerScale
from cnn_tui.engine.specs.places import explain
from cnn_tui.engine.specs.pooling import AdaptiveAvgPool, GlobalMaxPool
from cnn_tui.engine.specs.shaping import ChannelShuffle, Pad
from cnn_tui.engine.specs.values import value_problems

ODD = {"kernel_size": (3, 5), "dilation": (2, 1)}
COUNTS: list[tuple[Layer, Shape, Shape, tuple[int, int, int]]] = [
    (
        Conv(out_channels=4, stride=(1, 2), padding=(1, 0), **ODD),
        (2, 9, 11),
        (4, 7, 4),
        (120, 4, 3_360),
    ),
    (Conv(out_channels=4, padding="same", **ODD), (2, 9, 11), (4, 9, 11), (120, 4, 11_880)),
    (DWConv(kernel_size=(3, 2), multiplier=3), (2, 9, 11), (6, 7, 10), (36, 6, 2_520)),
    (MaxPool(rounding="ceil"), (1, 5, 7), (1, 3, 4), (0, 0, 0)),
    (MaxPool(rounding="floor"), (1, 5, 7), (1, 2, 3), (0, 0, 0)),
    (AvgPool(kernel_size=(2, 3)), (2, 4, 9), (2, 2, 3), (0, 0, 0)),
    (AdaptiveAvgPool(output_size=(3, 2)), (2, 10, 5), (2, 3, 2), (0, 0, 0)),
    (GlobalMaxPool(), (2, 10, 5), (2, 1, 1), (0, 0, 0)),
    (Pad(padding=(1, 2, 3, 4)), (2, 5, 6), (2, 12, 9), (0, 0, 0)),
    (Pad(padding=7, padding_mode="replicate"), (2, 5, 6), (2, 19, 20), (0, 0, 0)),
    (Pad(padding=(3, 5, 1, 4), padding_mode="reflect"), (2, 5, 6), (2, 10, 14), (0, 0, 0)),
    (ChannelShuffle(groups=2), (4, 3, 5), (4, 3, 5), (0, 0, 0)),
    (PReLU(per_channel=True), (3, 4, 5), (3, 4, 5), (3, 0, 0)),
    (PReLU(per_channel=True), (7,), (7,), (7, 0, 0)),
    (PReLU(), (3, 4, 5), (3, 4, 5), (1, 0, 0)),
    (GroupNorm(num_groups=2), (4, 3, 5), (4, 3, 5), (4, 4, 0)),
    (LayerNorm(), (2, 3, 4), (2, 3, 4), (24, 24, 0)),
    (LayerNorm(over="channels"), (2, 3, 4), (2, 3, 4), (2, 2, 0)),
    (LayerScale(), (3, 4, 5), (3, 4, 5), (3, 0, 0)),
    (BatchNorm(), (3, 4, 5), (3, 4, 5), (3, 3, 0)),
    (FC(out_features=7), (2, 3, 4), (7,), (168, 7, 168)),
    (FC(out_features=7, bias=False), (5,), (7,), (35, 0, 35)),
]


@pytest.mark.parametrize(("layer", "shape", "output", "counts"), COUNTS)
def test_output_and_counts(layer: Layer, shape: Shape, output: Shape, counts: object) -> None:
    step = infer(layer, FeatureMap(shape, len(shape) == 1))
    assert step.faults == ()
    assert (step.after.shape, step.after.flat) == (output, len(output) == 1)
    assert (step.weights, step.biases, step.macs) == counts


@pytest.mark.parametrize("layer", [row[0] for row in COUNTS])
def test_nothing_is_known_behind_a_fault(layer: Layer) -> None:
    step = infer(layer, FeatureMap(None))
    assert (step.after.shape, step.faults) == (None, ())
    assert (step.weights, step.biases, step.macs) == (0, 0, 0)
    assert list(rule_of(layer).explain(layer, step)) == []


EIGHT = (1, 8, 8)
REFUSED: list[tuple[Layer, Shape, str]] = [
    (
        Conv(out_channels=1, kernel_size=(3, 2), stride=(2, 3)),
        EIGHT,
        "a window of 3x2 with stride 2x3 does not tile an input of 8x8: in height "
        "(8 - 3 + 2*0)/2 + 1 = 3.5, not a whole number",
    ),
    (
        Conv(out_channels=1, kernel_size=(2, 3), stride=(3, 2)),
        EIGHT,
        "a window of 2x3 with stride 3x2 does not tile an input of 8x8: in width "
        "(8 - 3 + 2*0)/2 + 1 = 3.5, not a whole number",
    ),
    (
        Conv(out_channels=1, kernel_size=(4, 3), stride=2),
        (1, 9, 8),
        "a window of 4x3 with stride 2 does not tile an input of 9x8: in height "
        "(9 - 4 + 2*0)/2 + 1 = 3.5 and in width (8 - 3 + 2*0)/2 + 1 = 3.5, not a whole number",
    ),
    (
        MaxPool(kernel_size=(9, 8)),
        EIGHT,
        "a window of 9x8 is larger than its input of 8x8: in height (8 - 9 + 2*0)/9 + 1 = 0.8889",
    ),
    (
        Conv(out_channels=1, kernel_size=(11, 7)),
        EIGHT,
        "a window of 11x7 is larger than its input of 8x8: in height (8 - 11 + 2*0)/1 + 1 = -2",
    ),
    (
        Conv(out_channels=1, kernel_size=11, padding=1),
        EIGHT,
        "a window of 11x11 is larger than its input of 8x8 padded to 10x10: "
        "(8 - 11 + 2*1)/1 + 1 = 0",
    ),
    (
        Conv(out_channels=1, kernel_size=(3, 2), dilation=(4, 1)),
        EIGHT,
        "a window of 3x2 (spread to 9x2 by dilation) is larger than its input of 8x8: in height "
        "(8 - 9 + 2*0)/1 + 1 = 0",
    ),
    (
        Conv(out_channels=1, dilation=5),
        EIGHT,
        "a window of 3x3 (spread to 11x11 by dilation) is larger than its input of 8x8: "
        "(8 - 11 + 2*0)/1 + 1 = -2",
    ),
    (
        MaxPool(kernel_size=(3, 2), padding=(0, 2)),
        EIGHT,
        "padding 2 is not smaller than the kernel of 2: a window could hold nothing but padding",
    ),
    (
        Conv(out_channels=1, kernel_size=(3, 4), padding="same"),
        EIGHT,
        'padding "same" needs a window of odd size, 4 is even: one side would need more padding '
        "than the other",
    ),
    (
        Conv(out_channels=6, kernel_size=1, groups=3),
        (4, 2, 2),
        "3 groups do not divide the 4 input channels evenly",
    ),
    (
        Conv(out_channels=4, kernel_size=1, groups=3),
        (6, 2, 2),
        "3 groups do not divide the 4 output channels evenly",
    ),
    (
        ChannelShuffle(groups=3),
        (4, 2, 2),
        "3 groups do not divide the 4 input channels evenly",
    ),
    (GroupNorm(num_groups=3), (4,), "3 groups do not divide the 4 input channels evenly"),
    *(
        (
            Pad(padding=sides, padding_mode="reflect"),
            (2, 5, 6),
            "a mirror image at the edge needs fewer pixels than the input of 5x6 has",
        )
        for sides in ((6, 0, 0, 0), (0, 7, 0, 0), (0, 0, 5, 0), (0, 0, 0, 6))
    ),
]


@pytest.mark.parametrize(("layer", "shape", "words"), REFUSED)
def test_refusal(layer: Layer, shape: Shape, words: str) -> None:
    step = infer(layer, FeatureMap(shape, len(shape) == 1))
    assert [fault.text for fault in step.faults] == [words]
    assert step.after.shape is None


LARGEST = "no parameters: the largest value of each window"
WORDS: list[tuple[Layer, Shape, str, tuple[str, ...]]] = [
    (PReLU(per_channel=True), (3, 4, 5), "parameters", ("3 slopes", "one for each channel")),
    (PReLU(per_channel=True), (2, 4, 5), "parameters", ("2 slopes", "one for each channel")),
    (PReLU(), (3, 4, 5), "parameters", ("1 slope", "the same for all values")),
    (GroupNorm(num_groups=2), (4, 3, 5), "parameters", ("4 scales + 4 shifts",)),
    (LayerNorm(), (2, 3, 4), "parameters", ("24 scales + 24 shifts",)),
    (LayerScale(), (3, 4, 5), "parameters", ("3 factors, 1e-06 at first",)),
    (Pad(padding=(1, 2, 3, 4)), (2, 5, 6), "size", ("height 3 + 5 + 4", "width  1 + 6 + 2")),
    (
        Pad(padding=1, padding_mode="reflect"),
        (2, 5, 6),
        "parameters",
        ("no parameters: a mirror image",),
    ),
    (
        Conv(out_channels=4, kernel_size=(3, 5)),
        (2, 9, 8),
        "size",
        ("height (9 - 3 + 2*0)/1 + 1 = 7", "width  (8 - 5 + 2*0)/1 + 1 = 4"),
    ),
    (
        DWConv(kernel_size=(3, 2), multiplier=3),
        (2, 9, 11),
        "parameters",
        ("6 filters of 3x2x1", "3*2*1*6 = 36 weights", "+ 6 biases = 42"),
    ),
    (
        MaxPool(kernel_size=2),
        (1, 4, 6),
        "pooling",
        (
            "keeps 6 of 24 values per channel",
            "drops 75% of the activations",
            "gradients go to the largest only",
        ),
    ),
    (
        MaxPool(kernel_size=3, stride=1, padding=2),
        (1, 4, 6),
        "pooling",
        ("gradients go to the largest only",),
    ),
    (MaxPool(kernel_size=2), (1, 4, 6), "parameters", (LARGEST,)),
    (AvgPool(), (1, 4, 6), "parameters", ("no parameters: the mean of each window",)),
    (
        AvgPool(count_include_pad=False),
        (1, 4, 6),
        "parameters",
        ("no parameters: the mean of each window", "padding does not count"),
    ),
    (AdaptiveAvgPool(output_size=(3, 2)), (2, 10, 5), "size", ("any size becomes 3x2",)),
    (
        AdaptiveAvgPool(output_size=(3, 2)),
        (2, 10, 5),
        "parameters",
        ("no parameters: means of windows up to 4x3",),
    ),
    (AdaptiveAvgPool(output_size=(3, 2)), (2, 10, 5), "field", ("field: 4 pixels",)),
    (Dropout(), (1, 4, 6), "parameters", ("no parameters: values are dropped at random",)),
    (
        StochasticDepth(),
        (1, 4, 6),
        "parameters",
        ("no parameters: whole images are dropped at random",),
    ),
    (
        GlobalMaxPool(),
        (1, 4, 6),
        "parameters",
        ("no parameters: the largest value of each channel",),
    ),
    (GlobalAvgPool(), (1, 4, 6), "parameters", ("no parameters: the mean of each channel",)),
    (GlobalAvgPool(), (1, 4, 6), "field", ("field: the whole input, 6 pixels",)),
    (FC(out_features=2), (1, 7, 6), "field", ("field: the whole input, 7 pixels",)),
    (FC(out_features=2), (1, 7, 6), "size", ("1*7*6 = 42 inputs",)),
]


@pytest.mark.parametrize(("layer", "shape", "topic", "words"), WORDS)
def test_words(layer: Layer, shape: tuple[int, int, int], topic: str, words: object) -> None:
    notes = dict(explain(Network(input=shape, layers=(layer,)), (0,)))
    assert notes[topic] == words


UNKNOWN: list[tuple[Layer, Shape, set[str]]] = [
    (Conv(out_channels=6, kernel_size=1, groups=3), (4, 2, 2), {"size"}),
    (Conv(out_channels=1, kernel_size=4, padding="same"), EIGHT, set()),
    (Conv(out_channels=1, kernel_size=3), (9,), set()),
    (AdaptiveAvgPool(output_size=2), (9,), set()),
    (MaxPool(kernel_size=3), EIGHT, {"size"}),
    (Pad(padding=8, padding_mode="reflect"), EIGHT, set()),
]


@pytest.mark.parametrize(("layer", "shape", "topics"), UNKNOWN)
def test_what_does_not_fit_is_explained_up_to_there(
    layer: Layer, shape: Shape, topics: set[str]
) -> None:
    step = infer(layer, FeatureMap(shape, len(shape) == 1))
    assert step.faults
    assert {note.topic for note in rule_of(layer).explain(layer, step)} == topics


WIDE, NO_BIAS = FC(out_features=2**16), FC(out_features=2**16, bias=False)
HUGE = Conv(out_channels=2**16, kernel_size=1024, bias=False)
SIZES: list[tuple[tuple[Layer, ...], Shape, bool]] = [
    # 2**16 * (inputs + 1) parameters and outputs, of which 2**40 are allowed.
    ((NO_BIAS,), (2**24 - 1,), True),
    ((NO_BIAS,), (2**24,), False),
    ((NO_BIAS, FC(out_features=1, bias=False)), (2**24 - 2,), False),
    # With biases 2**16 * (inputs + 2).
    ((WIDE,), (2**24 - 2,), True),
    ((WIDE,), (2**24 - 1,), False),
    # 2**39 weights at 2**21 places: 2**60 multiply-adds are allowed.
    ((HUGE,), (8, 3071, 2047), True),
    ((HUGE,), (8, 3072, 2047), False),
]


@pytest.mark.parametrize(("layers", "shape", "fits"), SIZES)
def test_up_to_which_size(layers: tuple[Layer, ...], shape: Shape, fits: bool) -> None:
    *before, last = infer_layers(layers, FeatureMap(shape, len(shape) == 1))
    assert not any(step.faults for step in before)
    assert [fault.code for fault in last.faults] == ([] if fits else ["too-large"])


BOUNDS: list[tuple[Layer, Layer]] = [
    (Conv(out_channels=1, kernel_size=1024), Conv(out_channels=1, kernel_size=1025)),
    (Conv(out_channels=1, kernel_size=1), Conv(out_channels=1, kernel_size=0)),
    (Conv(out_channels=1, kernel_size=1, padding=512), Conv(out_channels=1, padding=513)),
    (Conv(out_channels=1, padding=(0, 512)), Conv(out_channels=1, padding=(-1, 0))),
    (FC(out_features=65_536), FC(out_features=65_537)),
]


@pytest.mark.parametrize(("last", "beyond"), BOUNDS)
def test_values_up_to_their_bounds(last: Layer, beyond: Layer) -> None:
    assert list(value_problems(last)) == []
    assert len(list(value_problems(beyond))) == 1


@pytest.mark.parametrize("sizes", [(1,), (1, 2, 3)])
@pytest.mark.parametrize("field", ["kernel_size", "padding"])
def test_a_pair_has_two_sizes(field: str, sizes: tuple[int, ...]) -> None:
    fields = {"kernel_size": 3, field: sizes}
    (problem,) = value_problems(Conv(out_channels=1, **fields))  # type: ignore[arg-type]
    assert problem.path == field


@pytest.mark.parametrize(("depth", "codes"), [(MAX_NESTING, []), (MAX_NESTING + 1, ["too-deep"])])
def test_up_to_which_depth(depth: int, codes: list[str]) -> None:
    layer: Layer = ReLU()
    for _ in range(depth):
        layer = Repeat(layers=(layer,), times=1)
    flow = FeatureMap((1, 2, 2))
    for begun in (infer(layer, flow), *infer_lazily((layer,), flow), *infer_layers((layer,), flow)):
        step: InferredLayer | None = begun
        found = []
        while step:
            found += [fault.code for fault in step.faults]
            step = next(iter(step.every), None)
        assert found == codes
    assert [fault.code for fault in infer(ReLU(), FeatureMap((1, 2, 2))).faults] == []


def test_a_fault_behind_the_largest_network_keeps_its_own_words() -> None:
    last = infer_layers((NO_BIAS, MaxPool()), FeatureMap((2**24 - 1,), True))[-1]
    assert [fault.code for fault in last.faults] == ["needs-volume"]
