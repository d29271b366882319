"""Output sizes, counts and receptive fields against published numbers and brute force."""

import sys
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor

import pytest
from children import run
from hypothesis import assume, given
from hypothesis import strategies as st

from cnn_tui.engine.shapes import (
    ReceptiveField,
    Window,
    adaptive_spans,
    adaptive_window,
    ceil_size,
    conv_macs,
    conv_weights,
    exact_size,
    fc_weights,
    formula,
    output_size,
    remainder,
    same_padding,
)

WINDOWS = st.builds(
    Window,
    kernel=st.integers(1, 7),
    stride=st.integers(1, 5),
    padding=st.integers(0, 4),
    dilation=st.integers(1, 3),
)


def places(size: int, window: Window) -> list[list[int]]:
    """Every place of the window, as the padded pixels that it reads there."""
    reads = [window.dilation * tap for tap in range(window.kernel)]
    starts = range(0, size + 2 * window.padding, window.stride)
    every = [[start + read for read in reads] for start in starts]
    return [place for place in every if place[-1] < size + 2 * window.padding]


@given(st.integers(1, 40), WINDOWS)
def test_output_size_counts_the_places_of_the_window(size, window):
    assert max(0, output_size(size, window)) == len(places(size, window))


@given(st.integers(1, 40), WINDOWS)
def test_rounding_up_adds_a_window_that_begins_before_the_end(size, window):
    whole = size + 2 * window.padding
    assume(window.span <= whole)
    starts = [0]
    while starts[-1] + window.span < whole:
        starts.append(starts[-1] + window.stride)
    if starts[-1] >= size + window.padding:
        starts.pop()
    assert ceil_size(size, window) == len(starts)


@given(st.integers(1, 40), st.integers(1, 40))
def test_adaptive_windows_begin_and_end_at_their_share_and_fit_the_sliding_one(size, count):
    spans = adaptive_spans(size, count)
    shares = [Fraction(size * number, count) for number in range(count + 1)]
    assert spans == [(floor(a), ceil(b)) for a, b in pairwise(shares)]
    kernel, stride, *rest = adaptive_window(size, count)
    assert (stride, rest) == (size // count, [0, 1])
    ends = [stop - number * stride for number, (_, stop) in enumerate(spans)]
    assert kernel == max(ends)


@given(st.integers(1, 40), WINDOWS)
def test_size_is_whole_exactly_where_no_pixel_is_left_over(size, window):
    found = places(size, window)
    assume(found)
    left_over = size + 2 * window.padding - 1 - found[-1][-1]
    assert remainder(size, window) == left_over
    assert (exact_size(size, window).denominator == 1) == (left_over == 0)


@pytest.mark.parametrize(
    ("size", "window", "expected"),
    [
        (227, Window(11, 4), "(227 - 11 + 2*0)/4 + 1 = 55"),
        (224, Window(11, 4), "(224 - 11 + 2*0)/4 + 1 = 54.25"),
        (10, Window(3, 3), "(10 - 3 + 2*0)/3 + 1 = 3.3333"),
        (32, Window(5, 1, 2), "(32 - 5 + 2*2)/1 + 1 = 32"),
        (3, Window(5), "(3 - 5 + 2*0)/1 + 1 = -1"),
        (9, Window(3, 1, 0, 4), "(9 - 9 + 2*0)/1 + 1 = 1"),
        (1000, Window(10, 100), "(1000 - 10 + 2*0)/100 + 1 = 10.9"),
        (101, Window(1, 1), "(101 - 1 + 2*0)/1 + 1 = 101"),
    ],
)
def test_formula_carries_its_numbers(size, window, expected):
    assert formula(size, window) == expected


def test_a_fraction_is_never_shown_as_a_whole_number():
    assert exact_size(1024, Window(1, 1024, 0)) == Fraction(2047, 1024)
    assert formula(1024, Window(1, 1000)).endswith("2.023")
    assert formula(1025, Window(1, 1023)).endswith("2.001")


@given(st.integers(1, 40), st.integers(1, 9), st.integers(1, 3))
def test_same_padding_keeps_the_size(size, kernel, dilation):
    if (dilation * (kernel - 1) + 1) % 2 == 0:
        with pytest.raises(ValueError, match="span"):
            same_padding(kernel, dilation)
    else:
        padding = same_padding(kernel, dilation)
        assert output_size(size, Window(kernel, 1, padding, dilation)) == size


def test_counts_of_the_notes():
    # AlexNet's first layer: 35K parameters, 105M multiply-adds.
    weights = conv_weights(3, 96, (11, 11))
    assert weights == 34_848
    assert conv_macs(weights, 55, 55) == 105_415_200
    assert conv_weights(96, 256, (5, 5), groups=2) == 307_200
    assert fc_weights(6 * 6 * 256, 4096) == 37_748_736
    assert conv_weights(3, 4, (2, 5)) == 120
    assert same_padding(5) == 2


CHAINS = st.lists(WINDOWS, min_size=1, max_size=4)


@given(CHAINS)
def test_receptive_field_is_the_span_of_what_one_value_depends_on(chain):
    reach, low, high = ReceptiveField(), 0, 0
    for window in chain:
        reach = reach.through(window)
    for window in reversed(chain):
        low, high = low * window.stride, high * window.stride + window.span - 1
    assert reach.size == high - low + 1


@given(CHAINS)
def test_jump_is_the_distance_of_neighbouring_fields(chain):
    reach, first, second = ReceptiveField(), 0, 1
    for window in chain:
        reach = reach.through(window)
    for window in reversed(chain):
        first, second = first * window.stride, second * window.stride
    assert reach.jump == second - first


def test_receptive_fields_of_araujo_et_al():
    conv, pool = Window(3, 1, 1), Window(2, 2)
    vgg16 = [conv] * 2 + [pool] + [conv] * 2 + [pool] + ([conv] * 3 + [pool]) * 3
    alexnet = [Window(11, 4), Window(3, 2), Window(5), Window(3, 2), *[Window(3)] * 3, Window(3, 2)]
    for chain, expected in ((vgg16, 212), (alexnet, 195)):
        reach = ReceptiveField()
        for window in chain:
            reach = reach.through(window)
        assert reach.size == expected


def test_descriptions_need_neither_arrays_nor_a_toml_writer():
    program = (
        "import sys, cnn_tui.engine.specs.presets as presets, cnn_tui.engine.specs.check as check;"
        "check.check(presets.load_preset('lenet5'));"
        "print(sorted({'numpy', 'textual', 'torch'} & sys.modules.keys()))"
    )
    done = run([sys.executable, "-c", program])
    assert done.stdout.strip() == "[]"
