"""Blocks of layers: shapes, names, places, faults with fixes, limits, and equal bits."""

from __future__ import annotations

import re

import msgspec
import numpy as np
import pytest
from cases import Choice, networks
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import network, random_images, random_targets

from cnn_tui.engine.build import build
from cnn_tui.engine.errors import ShapeError, SpecError
from cnn_tui.engine.insight.fields import fields
from cnn_tui.engine.insight.readers import readers_of
from cnn_tui.engine.insight.wiring import wired
from cnn_tui.engine.specs.applying import apply_fix
from cnn_tui.engine.specs.check import Report, check
from cnn_tui.engine.specs.codec import dumps_network, loads_network
from cnn_tui.engine.specs.inside import walk_layers
from cnn_tui.engine.specs.layers import (
    FC,
    BatchNorm,
    Conv,
    GlobalAvgPool,
    Parallel,
    ReLU,
    Repeat,
    Residual,
)
from cnn_tui.engine.specs.network import MAX_LAYERS, MAX_NESTING, Network
from cnn_tui.engine.specs.places import known_shapes, layer_at, received_by, replace_at
from cnn_tui.engine.specs.quick.parse import parse_quick


def checked(line: str, shape: tuple[int, int, int] = (4, 8, 8)) -> Report:
    return check(Network(input=shape, layers=parse_quick(line)))


@pytest.mark.parametrize(
    ("line", "output"),
    [
        ("parallel { conv 3 1x1 } { conv 5 3x3 pad same } { }", [12, 8, 8]),
        ("parallel { conv 3 2x2 s2 } { maxpool 2x2 } concat", [7, 4, 4]),
        ("parallel { conv 3 1x1 } { conv 3 1x1 } add", [3, 8, 8]),
        ("parallel { } { gap | conv 2 1x1 | relu | conv 4 1x1 | sigmoid } multiply", [4, 8, 8]),
        ("parallel { } { gap | fc 2 | relu | fc 4 | sigmoid } multiply", [4, 8, 8]),
        ("parallel { } { conv 1 1x1 } multiply", [4, 8, 8]),
        ("parallel { fc 3 } { fc 4 }", [7]),
        ("parallel { } { conv 6 1x1 } split", [8, 8, 8]),
        ("res { conv 6 3x3 s2 p1 floor } { conv 6 1x1 s2 floor }", [6, 4, 4]),
        ("repeat 3 { parallel { } { conv 2 1x1 } }", [10, 8, 8]),
        ("repeat 2 { repeat 2 { maxpool 2x2 s1 } }", [4, 4, 4]),
    ],
)
def test_the_output_of_a_block(line: str, output: list[int]) -> None:
    layers = checked(line).layers
    assert layers[0].output == output
    shape = (4, 8, 8)
    model = build(network(shape, *parse_quick(line), classes=3))
    (placed, *_) = model.ops
    assert model.forward(random_images(shape, 2, dtype=np.float32)).shape == (2, 3)
    assert placed.name.startswith(layers[0].type)


def test_counts_are_those_of_all_layers_inside() -> None:
    (block,) = checked("repeat 3 { parallel { } { conv 2 1x1 nobias } }").layers
    assert block.params == 2 * (4 + 6 + 8)
    assert block.macs == 64 * block.params


def test_the_receptive_field_is_the_largest_of_the_branches() -> None:
    line = "parallel { conv 2 1x1 } { conv 2 5x5 pad same } { conv 2 3x3 pad same }"
    report = checked(f"{line} | conv 2 3x3 pad same | fc 3")
    assert [layer.receptive_field for layer in report.layers[:2]] == [5, 7]
    found = fields(Network(input=(4, 8, 8), layers=parse_quick(f"{line} | fc 3")))
    assert (found["parallel1"].rows.size, found["parallel1"].rows.start) == (5, -2)
    assert found["parallel1.c.conv1"].rows.size == 3


def test_names_begin_with_those_of_the_blocks() -> None:
    line = (
        "parallel { conv 4 1x1 } { relu | conv 4 1x1 } as mix "
        "| repeat 2 { res { conv 8 1x1 as inner } } | res { conv 8 1x1 } { conv 8 1x1 }"
    )
    names = [inner.name for layer in checked(line).layers for inner in layer.walk()]
    assert names == [
        "mix",
        "mix.a.conv1",
        "mix.b.relu1",
        "mix.b.conv2",
        "repeat2",
        "repeat2.1.residual1",
        "repeat2.1.residual1.inner",
        "repeat2.2.residual1",
        "repeat2.2.residual1.inner",
        "residual3",
        "residual3.conv1",
        "residual3.shortcut.conv1",
    ]


def test_what_a_place_receives() -> None:
    line = (
        "conv 8 3x3 pad same | parallel { relu | conv 2 1x1 } { conv 3 1x1 } split "
        "| repeat 2 { maxpool 2x2 | relu } | res { relu } | conv 2 9x9 | relu"
    )
    described = Network(input=(4, 8, 8), layers=parse_quick(line))
    received = {
        (0,): (4, 8, 8),
        (1,): (8, 8, 8),
        (1, 0, 0): (4, 8, 8),  # a half
        (1, 0, 1): (4, 8, 8),
        (1, 0, 2): (2, 8, 8),  # the end of the branch
        (1, 1, 0): (4, 8, 8),
        (2, 0, 0): (5, 8, 8),
        (2, 0, 1): (5, 4, 4),
        (3,): (5, 2, 2),
        (3, 0, 0): (5, 2, 2),
        (4,): (5, 2, 2),
        (5,): None,  # behind a fault
        (6,): None,
    }
    report = check(described)
    assert {place: received_by(described, report, place) for place in received} == received
    assert known_shapes(described, (2, 0, 0)) == ((5, 8, 8), (5, 4, 4))
    for place, label in (((4,), "layer 5 (conv)"), ((5,), "layer 6 (relu)")):
        with pytest.raises(ShapeError, match=re.escape(f"{label} or a layer before it does not")):
            known_shapes(described, place)
    for place in ((1, 0), (6,), (1, 2, 0), (0, 0, 0)):
        with pytest.raises(IndexError):
            layer_at(described, place)


@given(networks(Choice(widths=(2, 3))))
@settings(max_examples=50)
def test_every_place_leads_to_its_layer_and_only_it_is_replaced(described: Network) -> None:
    for place, layer in walk_layers(described.layers):
        assert layer_at(described, place) is layer
        changed = replace_at(described.layers, place, [msgspec.structs.replace(layer, name="x")])
        renamed = [at for at, inner in walk_layers(changed) if inner.name == "x"]
        assert renamed == [place]
        assert replace_at(changed, place, [layer]) == described.layers


FAULTS = {
    "sizes differ": (
        "parallel { conv 3 3x3 } { conv 3 1x1 }",
        ("branch a has height 6 and branch b has height 8", "concat needs the same height"),
        "layers[0].branches",
    ),
    "channels of a sum": (
        "parallel { conv 3 1x1 } { conv 4 1x1 } { conv 3 1x1 } add",
        ("branch a has channels 3 and branch b has channels 4", "equal shapes"),
        "layers[0].branches",
    ),
    "a factor": (
        "parallel { } { gap | conv 3 1x1 } multiply",
        ("branch a has channels 4 and branch b has channels 3", "or 1"),
        "layers[0].branches",
    ),
    "shares": (
        "parallel { } { } { } split",
        ("4 channels cannot be split into 3",),
        "layers[0].split",
    ),
    "a layer in a branch": (
        "parallel { } { relu | conv 4 9x9 }",
        ("layer 1 (parallel), branch b, layer 2 (conv)", "9x9"),
        "layers[0].branches[1][1].kernel_size",
    ),
    "a layer in a shortcut": (
        "res { relu } { conv 4 9x9 }",
        ("layer 1 (residual), shortcut 1 (conv)", "9x9"),
        "layers[0].shortcut[0].kernel_size",
    ),
    "a late copy": (
        "repeat 9 { conv 4 3x3 }",
        ("layer 1 (repeat), its layer 1 (conv)", "in copy 4 of 9"),
        "layers[0].layers[0].kernel_size",
    ),
    "an own shortcut with a stride": (
        "res { relu } { relu } s2",
        ("the layers of the shortcut have strides of their own",),
        "layers[0].stride",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FAULTS.values(), ids=FAULTS)
def test_a_fault_is_named_and_each_of_its_fixes_mends_it(case: tuple) -> None:
    line, words, path = case
    described = Network(input=(4, 8, 8), layers=parse_quick(f"{line} | fc 10"))
    issue = check(described).issues[0]
    assert all(word in issue.message for word in words), issue.message
    assert issue.path == path
    assert issue.fixes
    for fix in issue.fixes:
        after = check(apply_fix(described, fix)).issues
        assert (issue.path, issue.code) not in [(one.path, one.code) for one in after]


def nested(levels: int) -> str:
    return "{type='residual', branch=[" * levels + "{type='relu'}" + "]}" * levels


REFUSED = {
    "no branches": ("{type='parallel', branches=[]}", "expected 1 to 26 lists of layers"),
    "branches of no list": ("{type='parallel', branches=3}", "expected 1 to 26 lists"),
    "a branch of no list": (
        "{type='parallel', branches=[{type='relu'}]}",
        "branches[0]: expected a list of layers",
    ),
    "ten to the nine": (
        "{type='repeat', times=1000000000, layers=[{type='relu'}]}",
        f"more than {MAX_LAYERS:,} layers",
    ),
    "copies of copies": (
        "{type='repeat', times=900, layers=[{type='repeat', times=900, layers=[{type='relu'}]}]}",
        f"more than {MAX_LAYERS:,} layers",
    ),
    "nothing, a million times": (
        "{type='repeat', times=1000000, layers=[]}",
        "times: expected a whole number from 1 to 1000",
    ),
    "two hundred levels": (nested(200), "nested too deeply"),
    "one level too many": (nested(MAX_NESTING + 1), "nested too deeply"),
    "a word for a shortcut": (
        "{type='residual', branch=[{type='relu'}], shortcut='identty'}",
        "Did you mean 'identity'?",
    ),
    "a wrong layer in a shortcut": (
        "{type='residual', branch=[{type='relu'}], shortcut=[{type='rellu'}]}",
        "shortcut[0].type",
    ),
    "an unknown merge": (
        "{type='parallel', merge='ad', branches=[[], []]}",
        "Did you mean 'add'?",
    ),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_a_file_with_a_wrong_block_is_refused_in_one_line(case: tuple[str, str]) -> None:
    text, words = case
    with pytest.raises(SpecError) as caught:
        loads_network(f"input = [4, 8, 8]\nlayers = [\n{text},\n]\n", "net.toml")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_deepest_nesting_that_is_allowed_builds() -> None:
    layers = loads_network(f"layers = [{nested(MAX_NESTING)}, {{type='fc', out_features=2}}]", "x")
    assert check(layers).valid
    assert loads_network(dumps_network(layers), "x") == layers


def test_a_description_made_in_code_with_too_many_copies_is_an_issue() -> None:
    inner = Repeat(layers=(ReLU(),), times=1000)
    report = check(Network(layers=(Repeat(layers=(inner,), times=1000), FC(out_features=2))))
    assert [issue.code for issue in report.issues] == ["too-many"]


@given(networks(Choice(widths=(3, 16))), st.integers(9, 40))
@settings(max_examples=25)
def test_threads_do_not_change_a_bit(described: Network, batch: int) -> None:
    bits = set()
    for threads in (1, 2, 3):
        model = build(described, threads=threads)
        images = random_images(described.input, batch, dtype=np.float32)
        result = model.train_batch(images, random_targets(3, batch))
        bits.add((result, model.store.grad.tobytes(), model.forward(images).tobytes()))
        model.close()
    assert len(bits) == 1


SQUEEZED = (
    Conv(out_channels=6, padding=1, name="first"),
    BatchNorm(),
    ReLU(),
    Parallel(
        branches=((), (GlobalAvgPool(), Conv(out_channels=6, kernel_size=1, name="gate"))),
        merge="multiply",
    ),
    Parallel(
        branches=(
            (Conv(out_channels=2, kernel_size=1, name="left"), ReLU()),
            (Conv(out_channels=3, kernel_size=1, name="right"),),
        )
    ),
    ReLU(name="after"),
)


def test_how_convolutions_in_branches_are_wired() -> None:
    found = wired(network((3, 6, 6), *SQUEEZED, classes=3))
    assert found["first"].response == "relu3"
    assert (found["left"].source, found["left"].joined) == (("parallel4", 0), None)
    assert (found["right"].activation, found["right"].joined) == (None, ("after", 2))


def test_who_reads_filters_before_and_in_branches() -> None:
    described = network((3, 6, 6), Conv(out_channels=6, name="c"), ReLU(), SQUEEZED[4], classes=3)
    assert [reader.name for reader in readers_of(described, "c")] == ["right", "left"]
    with pytest.raises(Exception, match="puts their maps beside others"):
        readers_of(described, "left")


def test_an_opened_network_shows_what_is_inside_of_blocks() -> None:
    described = network(
        (3, 6, 6), *SQUEEZED, Repeat(layers=(Residual(branch=(ReLU(),)),)), classes=3
    )
    model = build(described, dtype=np.float64)
    images = random_images((3, 6, 6), 2)
    with model.opened(images) as inside:
        whole = np.concatenate([inside.output("parallel5.a.relu2"), inside.output("right")], axis=1)
        np.testing.assert_array_equal(inside.output("parallel5"), whole)
        doubled = 2 * inside.output("after")
        np.testing.assert_allclose(inside.output("repeat7.1.residual1"), doubled)
        assert inside.gradient("gate", 0).shape == (2, 6, 1, 1)
        assert "repeat7" not in inside.layers
    model.close()
