"""The pattern of the notes: what it reads as, what it expands to, what it warns of."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnn_tui.engine.errors import EntryError
from cnn_tui.engine.specs.expansion import PatternOptions, Preview, preview
from cnn_tui.engine.specs.layers import FC, AvgPool, BatchNorm, Conv, MaxPool, ReLU
from cnn_tui.engine.specs.network import MAX_LAYERS
from cnn_tui.engine.specs.pattern import PATTERN, WORDS
from cnn_tui.engine.specs.quick.write import to_quick


def line(text: str, shape: tuple[int, int, int] = (3, 32, 32), **options: int) -> str:
    """The expansion as words: ``conv8 relu pool fc10``."""
    layers = preview(text, PatternOptions(**options), shape).layers
    return re.sub(r" ?\|", "", re.sub(r" (3x3 pad same|2x2)|(?<=v|c) ", "", to_quick(layers)))


def test_the_pattern_of_the_notes_with_the_counts_of_the_options():
    found = preview(PATTERN, PatternOptions(n=1, m=2, k=1, filters=8), (1, 28, 28))
    assert found.layers == (
        Conv(out_channels=8, kernel_size=3, padding="same"),
        ReLU(),
        MaxPool(kernel_size=2),
        Conv(out_channels=16, kernel_size=3, padding="same"),
        ReLU(),
        MaxPool(kernel_size=2),
        FC(out_features=128),
        ReLU(),
        FC(out_features=10),
    )
    assert found.report.valid and found.warnings == ()


def test_numbers_in_the_text_win_over_the_options():
    text = "INPUT -> [[CONV -> RELU]*2 -> POOL?]*3 -> [FC -> RELU]*1 -> FC"
    assert preview(text, PatternOptions(n=9, m=9, k=9)).layers == preview().layers
    assert len(preview().layers) == 3 * 5 + 2 + 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("INPUT", ""),
        ("INPUT -> FC", "fc10"),
        ("fc → relu | fc", "fc128 relu fc10"),
        ("[CONV RELU]*0 FC", "fc10"),
        ("[CONV RELU] FC", "conv16 relu fc10"),
        ("[[CONV -> RELU]*0 -> POOL]*2 -> FC", "maxpool maxpool fc10"),
        ("CONV*2 -> FC", "conv16 conv16 fc10"),
        ("CONV -> POOL -> CONV -> POOL -> CONV -> FC", "conv16 maxpool conv32 maxpool conv64 fc10"),
        ("POOL -> CONV -> CONV -> POOL -> CONV", "maxpool conv16 conv16 maxpool conv32"),
        ("CONV -> BN -> LRELU -> GAP", "conv16 batchnorm leaky_relu 0.01 global_avgpool"),
        ("[FC -> SIGMOID -> DROPOUT] × 2", "fc128 sigmoid dropout 0.5 fc10 sigmoid dropout 0.5"),
    ],
)
def test_expansions(text: str, expected: str):
    assert line(text) == expected


def test_filters_grow_by_the_options_up_to_their_most():
    text = "[CONV -> POOL]*5"
    assert line(text, filters=100, growth=2, most_filters=512).split()[::2] == [
        "conv100", "conv200", "conv400", "conv512", "conv512",
    ]  # fmt: skip
    assert line(text, growth=1).split()[::2] == ["conv16"] * 5
    assert line(text, filters=1000, most_filters=512).split()[::2] == ["conv1000"] * 5


def test_kernel_pool_and_widths_are_the_options():
    options = PatternOptions(kernel=5, pool=4, fc=50, classes=7)
    layers = preview("CONV -> AVGPOOL -> FC -> FC", options).layers
    assert layers == (
        Conv(out_channels=16, kernel_size=5, padding="same"),
        AvgPool(kernel_size=4),
        FC(out_features=50),
        FC(out_features=7),
    )
    assert preview("BN", options).layers == (BatchNorm(),)


@pytest.mark.parametrize(
    ("fields", "least", "most"),
    [
        (("n", "m", "k"), 0, 100),
        (("growth",), 1, 16),
        (("filters", "most_filters", "fc", "classes"), 1, 65_536),
        (("kernel", "pool"), 1, 1024),
    ],
)
def test_numbers_up_to_their_limits(fields: tuple[str, ...], least: int, most: int):
    for field in fields:
        for value in (least, most):
            assert getattr(msgspec.convert({field: value}, PatternOptions), field) == value
        for value in (least - 1, most + 1):
            with pytest.raises(msgspec.ValidationError):
                msgspec.convert({field: value}, PatternOptions)


def test_numbers_that_nobody_gives():
    with pytest.raises(AttributeError):
        PatternOptions().n = 3
    assert repr(PatternOptions()) == (
        "PatternOptions(n=2, m=3, k=1, filters=16, growth=2, most_filters=512, kernel=3, pool=2, "
        "fc=128, classes=10)"
    )
    assert preview("FC").report.input == (3, 32, 32)


def marked(text: str, found: Preview) -> list[str]:
    return [text[one.column : one.column + one.width] for one in found.warnings]


@pytest.mark.parametrize(
    ("n", "k", "warned"),
    [(0, 0, []), (3, 2, []), (4, 2, ["N"]), (3, 3, ["K"]), (5, 4, ["N", "K"])],
)
def test_counts_beyond_the_notes_are_warned_of(n: int, k: int, warned: list[str]):
    found = preview(PATTERN, PatternOptions(n=n, m=1, k=k))
    assert marked(PATTERN, found) == warned
    assert all("usually" in one.message for one in found.warnings)
    text = PATTERN.replace("*N", f"*{n}").replace("*K", f"*{k}").replace("*M", "*1")
    assert marked(text, preview(text)) == [str({"N": n, "K": k}[one]) for one in warned]


def test_an_optional_pool_that_does_not_fit_is_left_out_and_said_so():
    found = preview(PATTERN, PatternOptions(n=1, m=3, k=0), (1, 28, 28))
    assert sum(isinstance(layer, MaxPool) for layer in found.layers) == 2
    assert marked(PATTERN, found) == ["POOL"]
    assert "2x2 does not divide 64x7x7 evenly" in found.warnings[0].message
    assert found.report.valid


def test_a_pool_that_is_not_optional_stays_and_the_report_says_why_it_does_not_fit():
    found = preview("[CONV -> RELU -> POOL]*3 -> FC", PatternOptions(), (1, 28, 28))
    (issue,) = found.report.issues
    assert (issue.layer, issue.code) == (9, "fraction")
    assert issue.fixes
    assert found.warnings == ()


def test_what_the_pattern_forgets_is_in_the_report():
    assert [issue.code for issue in preview("CONV -> RELU").report.issues] == ["not-scores"]
    behind_fc = preview("FC -> POOL? -> FC")
    assert behind_fc.report.valid and "after an FC" in behind_fc.warnings[0].message
    even = preview("CONV -> FC", PatternOptions(kernel=4)).report.issues
    assert [issue.code for issue in even] == ["same-even"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("INPUT → <CONVV> → FC", ("'CONVV'", "Did you mean CONV?")),
        ("CONV → <INPUT>", ("INPUT", "beginning")),
        ("CONV → <3>", ("'3'",)),
        ("<C> → FC", ("Expected a layer, received 'C'",)),
        ("<XYZZY>", ("Layers are CONV, DWCONV, MAXPOOL",)),
        ("<INPUT> → RELU*2000 → RELU", (f"more than {MAX_LAYERS} layers",)),
        ("<[>CONV → RELU", ("never closed",)),
        ("CONV<]> → FC", ("no matching [",)),
        ("CONV → RELU<?>", ("Only a pool can be optional",)),
        ("[CONV]<?>", ("Only a pool",)),
        ("[CONV]*<>", ("needs a count", "N, M, K or a number")),
        ("[CONV]*<X> → FC", ("needs a count",)),
        ("[CONV]*2<*>2", ("has a count already",)),
        ("[<*>2]", ("'*'",)),
        ("CONV <&> FC", ("no meaning",)),
        ("[CONV]*<-> 1", ("no meaning",)),
        ("[[CONV]*<99999999>]*9", (f"more than {MAX_LAYERS} layers",)),
        ("[[CONV]*50]*<50>", (f"more than {MAX_LAYERS} layers",)),
        ("[[]*<99999999>]*9", (f"more than {MAX_LAYERS} layers",)),
        ("[CONV]*<" + "9" * 5000 + ">", (f"more than {MAX_LAYERS} layers",)),
        ("[[[[[[[[<[>CONV]]]]]]]]]", ("8 deep",)),
    ],
)  # fmt: skip
def test_an_error_says_what_and_where(text: str, words: tuple[str, ...]):
    before, under, after = re.split("[<>]", text)
    with pytest.raises(EntryError) as caught:
        preview(before + under + after)
    error = caught.value
    assert (error.column, error.width) == (len(before), len(under))
    assert all(word in str(error) for word in words)


@pytest.mark.slow
def test_bombs_are_refused_before_they_go_off():
    for bomb in (
        "[[CONV]*99999999]*9",
        "[" * 100_000,
        "[[[[[[[[[CONV]*2000]*2000]*2000]*2000]*2000]*2000]*2000]*2000]",
        "CONV" + "*1" * 100_000,
        "CONV" + "?" * 100_000,
        "CONV " * 50_000,
    ):
        with pytest.raises(EntryError):
            preview(bomb)


def test_nothing_repeated_without_end_is_nothing():
    """Each would take longer than anybody waits, were it repeated one by one."""
    repeated = "[" * 8 + "]*2000" * 8
    for text in (repeated, "[] " * 50_000, f"[CONV {repeated[1:-7]}]*0"):
        assert preview(text).layers == ()
    assert len(preview("POOL" + "?" * 99).layers) == 1


def test_the_largest_pattern_is_expanded():
    assert len(preview(f"RELU*{MAX_LAYERS}").layers) == MAX_LAYERS


TYPED = st.lists(
    st.sampled_from([*WORDS, "INPUT", *"[]*?→|NMKX0129", "->", "]*2", "]*N", "99999"]), max_size=20
).map(" ".join)
OPTIONS = st.builds(
    PatternOptions,
    n=st.integers(0, 5),
    m=st.integers(0, 5),
    k=st.integers(0, 5),
    kernel=st.integers(1, 40),
    pool=st.integers(1, 9),
)


@given(st.text() | TYPED | st.binary().map(lambda data: data.decode("latin-1")), OPTIONS)
def test_nothing_typed_raises_anything_else(text: str, options: PatternOptions):
    try:
        found = preview(text, options)
    except EntryError as error:
        assert 0 <= error.column <= error.column + error.width <= len(text)
        assert str(error).isprintable()
    else:
        for one in found.warnings:
            assert 0 <= one.column < one.column + one.width <= len(text)
