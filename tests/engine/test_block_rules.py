"""One block at a time: output, counts, field, refusal and words, by hand, no two numbers alike."""

from __future__ import annotations

import pytest

from cnn_tui.engine.shapes import ReceptiveField, Shape
from cnn_tui.engine.specs.blocks import projection
from cnn_tui.engine.specs.flow import FeatureMap, InferredLayer
from cnn_tui.engine.specs.infer import infer, rule_of
from cnn_tui.engine.specs.layers import BatchNorm, Conv, ReLU, Repeat, Residual
from cnn_tui.engine.specs.network import MAX_LAYERS
from cnn_tui.engine.specs.quick.parse import parse_quick

SQUARE = (4, 8, 8)


def inferred(line: str, shape: Shape | None) -> InferredLayer:
    (block,) = parse_quick(line)
    return infer(block, FeatureMap(shape, shape is not None and len(shape) == 1))


FITTING: list[tuple[str, Shape, Shape, tuple[int, int, int], int]] = [
    ("res { conv 3 | conv 4 } proj s2", (2, 9, 9), (4, 5, 5), (174, 11, 5546), 5),
    ("res { conv 6 3x3 s2 p1 } zero-pad s2", (4, 7, 9), (6, 4, 5), (216, 6, 4320), 3),
    ("res { conv 4 1x1 s2 floor | relu } { maxpool | relu }", SQUARE, (4, 4, 4), (16, 4, 256), 2),
    ("res { conv 5 pad same } { conv 5 5x5 p2 }", SQUARE, (5, 8, 8), (680, 10, 43520), 5),
    ("res { conv 4 1x1 } { }", SQUARE, SQUARE, (16, 4, 1024), 1),
    ("res { fc 4 } { fc 5 | fc 4 }", (4,), (4,), (56, 13, 56), 1),
    ("res { fc 4 }", (4,), (4,), (16, 4, 16), 1),
    ("parallel { fc 4 } { gap } add", SQUARE, (4,), (1024, 4, 1024), 8),
    ("parallel { gap } { fc 4 } add", SQUARE, (4,), (1024, 4, 1024), 8),
    ("parallel { fc 4 } { fc 5 }", SQUARE, (9,), (2304, 9, 2304), 8),
    ("parallel { conv 5 2x3 } { maxpool 2x3 s1 }", SQUARE, (9, 7, 6), (120, 5, 5040), 3),
    ("parallel { conv 5 1x1 } { relu } split", (6, 8, 8), (8, 8, 8), (15, 5, 960), 1),
    ("parallel { gap | fc 4 } { } multiply", SQUARE, SQUARE, (16, 4, 16), 8),
    ("parallel { conv 1 1x1 } { gap } multiply", SQUARE, SQUARE, (4, 1, 256), 8),
    ("parallel { fc 4 } { fc 1 } multiply", SQUARE, (4,), (1280, 5, 1280), 8),
    ("repeat 2 { maxpool 2x2 s1 | conv 3 }", SQUARE, (3, 2, 2), (189, 6, 3024), 7),
]


@pytest.mark.parametrize(("line", "shape", "output", "counts", "field"), FITTING)
def test_output_counts_and_field(
    line: str, shape: Shape, output: Shape, counts: object, field: int
) -> None:
    step = inferred(line, shape)
    assert not step.broken
    assert (step.after.shape, step.after.flat) == (output, len(output) == 1)
    assert (step.weights, step.biases, step.macs) == counts
    assert step.after.longer_reach == field


def test_a_field_is_the_largest_on_each_axis() -> None:
    step = inferred("res { conv 1 3x1 p1x0 } { conv 1 1x5 p0x2 }", (1, 9, 9))
    assert (step.after.height, step.after.width) == (ReceptiveField(3, 1), ReceptiveField(5, 1))
    step = inferred("parallel { conv 1 1x1 s2 } { gap } multiply", (1, 9, 9))
    assert (step.after.height.jump, step.after.height.size) == (2, 9)


REFUSED = [
    ("res { }", SQUARE, "empty-branch", "its branch has no layers"),
    ("repeat 2 { }", SQUARE, "empty-branch", "it repeats no layers"),
    (
        "res { relu } s2",
        SQUARE,
        "identity-stride",
        "an identity shortcut does not change its input: stride 2 cannot apply",
    ),
    (
        "res { relu } { relu } s2",
        SQUARE,
        "identity-stride",
        "the layers of the shortcut have strides of their own: stride 2 cannot apply",
    ),
    (
        "res { conv 2 3x3 s2 p1 } zero-pad s2",
        (4, 7, 9),
        "shortcut-shape",
        "the branch gives 2x4x5, the zero-pad shortcut 4x4x5; only equal shapes can be added",
    ),
    (
        "res { conv 5 1x1 } { relu | maxpool }",
        SQUARE,
        "shortcut-shape",
        "the branch gives 5x8x8, the shortcut 4x4x4; only equal shapes can be added",
    ),
    (
        "res { relu | conv 5 }",
        SQUARE,
        "shortcut-shape",
        "the branch gives 5x6x6, the identity shortcut 4x8x8; only equal shapes can be added",
    ),
    (
        "res { conv 3 1x1 }",
        SQUARE,
        "shortcut-shape",
        "the branch gives 3x8x8, the identity shortcut 4x8x8; only equal shapes can be added",
    ),
    *(
        (
            f"res {{ fc 4 }} {word}",
            (4,),
            "shortcut-shape",
            f"a {word} shortcut needs a volume C x H x W, but its input is flat",
        )
        for word in ("projection", "zero-pad")
    ),
    (
        "parallel { conv 1 1x1 } { conv 4 1x1 } add",
        SQUARE,
        "branch-shapes",
        "branch a has channels 1 and branch b has channels 4; add needs equal shapes",
    ),
    (
        "parallel { conv 4 1x1 } { conv 4 1x1 } { conv 4 1x2 } add",
        SQUARE,
        "branch-shapes",
        "branch a has width 8 and branch c has width 7; add needs equal shapes",
    ),
    (
        "parallel { fc 4 } { conv 4 1x1 } add",
        SQUARE,
        "branch-shapes",
        "branch a has height 1 and branch b has height 8; add needs equal shapes",
    ),
    (
        "parallel { fc 4 } { conv 4 1x1 }",
        SQUARE,
        "branch-shapes",
        "a flat branch and one with height and width cannot be concatenated",
    ),
    (
        "parallel { conv 4 1x2 } { conv 5 1x1 }",
        SQUARE,
        "branch-shapes",
        "branch a has width 7 and branch b has width 8; concat needs the same height and width",
    ),
    (
        "parallel { gap | conv 4 1x1 } { gap } { conv 4 2x1 }",
        SQUARE,
        "branch-shapes",
        "branch a has height 1 and branch c has height 7; concat needs the same height and width",
    ),
    (
        "parallel { conv 1 1x1 } { } { conv 3 1x1 } multiply",
        SQUARE,
        "branch-shapes",
        "branch b has channels 4 and branch c has channels 3; multiply needs equal sizes or 1",
    ),
    (
        "parallel { } { conv 1 1x1 } { conv 1 3x3 } multiply",
        SQUARE,
        "branch-shapes",
        "branch a has height 8 and branch c has height 6; multiply needs equal sizes or 1",
    ),
    (
        "parallel { fc 4 } { fc 3 } multiply",
        SQUARE,
        "branch-shapes",
        "branch a has channels 4 and branch b has channels 3; multiply needs equal sizes or 1",
    ),
    (
        "parallel { } { } { } split",
        SQUARE,
        "split",
        "4 channels cannot be split into 3 equal shares",
    ),
]


@pytest.mark.parametrize(("line", "shape", "code", "words"), REFUSED)
def test_refusal(line: str, shape: Shape, code: str, words: str) -> None:
    step = inferred(line, shape)
    assert [(fault.code, fault.text) for fault in step.faults] == [(code, words)]
    assert step.after.shape is None


INSIDE = [
    "res { conv 5 9x9 } { relu | maxpool }",
    "res { relu } { relu | maxpool 9x9 }",
    "res { conv 5 9x9 } proj",
    "res { conv 4 9x9 }",
    "parallel { } { conv 6 9x9 } split",
    "parallel { conv 9 9x9 } { fc 3 }",
    "parallel { fc 9 } { maxpool 9x9 } multiply",
    "repeat 3 { conv 4 | maxpool }",
]


@pytest.mark.parametrize("line", INSIDE)
def test_a_fault_inside_is_not_one_of_the_block(line: str) -> None:
    step = inferred(line, SQUARE)
    assert (step.faults, step.broken, step.after.shape) == ((), True, None)
    assert not any(note.topic in ("size", "field") for note in explained(step))


BLOCKS = ["res { relu } proj", "res { relu }", "res { relu } { relu }", "parallel { relu } split"]


@pytest.mark.parametrize("line", [*BLOCKS, "parallel { relu } { } add", "repeat 3 { relu }"])
def test_nothing_is_known_behind_a_fault(line: str) -> None:
    step = inferred(line, None)
    assert (step.broken, step.after.shape, step.macs) == (False, None, 0)


def explained(step: InferredLayer) -> list:
    return list(rule_of(step.layer).explain(step.layer, step))


WORDS = [
    (
        "res { conv 3 | conv 4 } proj s2",
        (2, 9, 9),
        [("branch + projection shortcut", "185 parameters"), ("field: 1 grown to 5 pixels",)],
    ),
    (
        "res { relu } { relu }",
        SQUARE,
        [("branch + shortcut", "no parameters"), ("field: 1 grown to 1 pixels",)],
    ),
    (
        "parallel { conv 3 1x1 } { relu | conv 5 1x1 } { }",
        SQUARE,
        [
            ("3 + 5 + 4 = 12 channels", "12x8x8 out"),
            ("3 branches, concat", "40 parameters"),
            ("field: 1 grown to 1 pixels",),
        ],
    ),
    (
        "parallel { gap | fc 4 } { } multiply",
        SQUARE,
        [
            ("4 * 4x8x8", "= 4x8x8, 256 values"),
            ("2 branches, multiply", "20 parameters"),
            ("field: 1 grown to 8 pixels",),
        ],
    ),
    (
        "parallel { gap } { fc 4 } add",
        SQUARE,
        [
            ("4x1x1 + 4", "= 4, 4 values"),
            ("2 branches, add", "1,028 parameters"),
            ("field: 1 grown to 8 pixels",),
        ],
    ),
    (
        "repeat 2 { maxpool 2x2 s1 | conv 3 }",
        SQUARE,
        [("2 copies", "195 parameters"), ("field: 1 grown to 7 pixels",)],
    ),
]


@pytest.mark.parametrize(("line", "shape", "lines"), WORDS)
def test_words(line: str, shape: Shape, lines: list) -> None:
    assert [note.lines for note in explained(inferred(line, shape))] == lines


def test_the_projection_of_the_paper() -> None:
    conv = Conv(out_channels=7, kernel_size=1, stride=2, bias=False, rounding="floor")
    assert projection(7, 2) == (conv, BatchNorm())
    assert inferred("res { conv 7 3x3 s2 p1 floor } proj s2", (4, 7, 9)).after.shape == (7, 4, 5)


@pytest.mark.parametrize(("times", "size", "codes"), [(2, 1000, []), (3, 667, ["too-many"])])
def test_up_to_how_many_layers(times: int, size: int, codes: list[str]) -> None:
    assert MAX_LAYERS == 2000 == 3 * 667 - 1
    inner = Repeat(layers=(ReLU(),) * (size - 1), times=1)
    step = infer(Repeat(layers=(inner,), times=times), FeatureMap(SQUARE))
    assert [fault.code for fault in step.faults] == codes
    assert sum(one.size for one in step.every) == times * size


def test_copies_end_with_the_first_that_fails() -> None:
    step = inferred("repeat 9 { maxpool 3x3 s1 }", SQUARE)
    assert len(step.inner) == 4 and [one.broken for one in step.every] == [False] * 3 + [True]


def test_what_a_shortcut_without_layers_holds() -> None:
    for word, sizes in {"proj": [1, 2], "zero-pad": [1, 0], "identity": [1, 0]}.items():
        step = infer(parse_quick(f"res {{ relu }} {word}")[0], FeatureMap(SQUARE))
        assert [len(inner) for inner in step.inner] == sizes
        assert isinstance(step.layer, Residual)
