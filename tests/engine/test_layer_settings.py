"""What each kind of layer is by its class alone: defaults, limits, words, and what is said of it.

A file leaves out what is the default, so that none of these may ever change.
"""

from __future__ import annotations

import math

import msgspec
import pytest

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.specs.activations import SiLU
from cnn_tui.engine.specs.codec import loads_network
from cnn_tui.engine.specs.info import Counterpart, LayerSpec
from cnn_tui.engine.specs.layers import LAYER_TYPES, MAX_BRANCHES, MAX_TIMES, Layer, pair, single
from cnn_tui.engine.specs.quick.parse import parse_quick


def read(layer: str) -> Layer:
    (found,) = loads_network(f"layers = [{{ {layer} }}]", "net.toml").layers
    return found


LEFT_OUT = {
    "type = 'conv', out_channels = 1": "Conv(out_channels=1, kernel_size=3, stride=1, padding=0, "
    "dilation=1, groups=1, bias=True, rounding='exact', name='')",
    "type = 'dwconv'": "DWConv(kernel_size=3, stride=1, padding=0, dilation=1, multiplier=1, "
    "bias=True, rounding='exact', name='')",
    "type = 'fc', out_features = 1": "FC(out_features=1, bias=True, name='')",
    "type = 'leaky_relu'": "LeakyReLU(negative_slope=0.01, name='')",
    "type = 'elu'": "ELU(alpha=1.0, name='')",
    "type = 'gelu'": "GELU(approximate='tanh', name='')",
    "type = 'prelu'": "PReLU(per_channel=False, init=0.25, name='')",
    "type = 'dropout'": "Dropout(p=0.5, name='')",
    "type = 'stochastic_depth'": "StochasticDepth(p=0.1, name='')",
    "type = 'batchnorm'": "BatchNorm(eps=1e-05, momentum=0.1, name='')",
    "type = 'lrn'": "LRN(size=5, alpha=0.0001, beta=0.75, k=2.0, name='')",
    "type = 'residual', branch = []": "Residual(branch=(), shortcut='identity', stride=1, name='')",
    "type = 'parallel', branches = [[]]": "Parallel(branches=((),), merge='concat', split=False, "
    "name='')",
    "type = 'repeat', layers = []": "Repeat(layers=(), times=2, name='')",
}


@pytest.mark.parametrize(("line", "layer"), LEFT_OUT.items())
def test_what_a_file_leaves_out(line: str, layer: str) -> None:
    assert repr(read(line)) == layer
    assert msgspec.convert(msgspec.to_builtins(read(line)), Layer) == read(line)


LIMITS = {
    "leaky_relu negative_slope": ("0 1", "-0.001 1.001"),
    "elu alpha": ("0 1", "-0.001 1.001"),
    "prelu init": ("-1 1", "-1.001 1.001"),
    "dropout p": ("0 0.999", "-0.001 1"),
    "stochastic_depth p": ("0 0.999", "-0.001 1"),
    "batchnorm eps": ("1e-300 1", "0 1.001"),
    "batchnorm momentum": ("1e-300 1", "0 1.001"),
    "lrn alpha": ("0 1e6", "-0.001 1000001"),
    "lrn beta": ("0 1e6", "-0.001 1000001"),
    "lrn k": ("1e-300 1e6", "0 1000001"),
    "repeat layers = [], times": (f"1 {MAX_TIMES}", f"0 {MAX_TIMES + 1}"),
}


@pytest.mark.parametrize("setting", LIMITS)
def test_values_up_to_their_limits(setting: str) -> None:
    kind, _, field = setting.partition(" ")
    allowed, beyond = LIMITS[setting]
    for value in allowed.split():
        assert read(f"type = '{kind}', {field} = {value}")
    for value in beyond.split():
        with pytest.raises(SpecError, match=f"{field.split()[-1]}: expected a .*number"):
            read(f"type = '{kind}', {field} = {value}")


def test_a_block_has_a_letter_for_each_branch_and_a_thousand_copies() -> None:
    assert (MAX_BRANCHES, MAX_TIMES) == (26, 1000)
    for count in (1, MAX_BRANCHES):
        assert read(f"type = 'parallel', branches = [{'[], ' * count}]")
    for count in (0, MAX_BRANCHES + 1):
        with pytest.raises(SpecError, match="expected 1 to 26 lists of layers"):
            read(f"type = 'parallel', branches = [{'[], ' * count}]")


@pytest.mark.parametrize("line", LEFT_OUT)
def test_a_layer_is_never_changed(line: str) -> None:
    """Undo, caches and threads share them."""
    layer = read(line)
    for field in layer.__struct_fields__:
        with pytest.raises(AttributeError):
            setattr(layer, field, "other")


def test_each_kind_is_immutable_refuses_what_it_does_not_know_and_is_written_in_short() -> None:
    plain = msgspec.defstruct("Plain", (), bases=(LayerSpec,), tag="plain")
    for kind in (plain, *LAYER_TYPES.values()):
        assert kind.__struct_config__.frozen and kind.__struct_config__.forbid_unknown_fields
    assert msgspec.json.encode(plain()) == b'{"type":"plain"}'


SAID = {
    "prelu per-channel": "PReLU(per_channel=True, init=0.25, name='')",
    "gelu exact": "GELU(approximate='none', name='')",
    "fc 4 nobias": "FC(out_features=4, bias=False, name='')",
    "pwconv 8": "Conv(out_channels=8, kernel_size=1, stride=1, padding=0, dilation=1, groups=1, "
    "bias=True, rounding='exact', name='')",
    "parallel { } split": "Parallel(branches=((),), merge='concat', split=True, name='')",
}


@pytest.mark.parametrize(("line", "layer"), SAID.items())
def test_words_of_quick_entry(line: str, layer: str) -> None:
    assert [repr(one) for one in parse_quick(line)] == [layer]


def named(what: str) -> str:
    return " ".join(name for name, kind in LAYER_TYPES.items() if getattr(kind.info, what))


def test_what_is_said_of_each_kind() -> None:
    assert named("dies") == "relu relu6"
    assert named("saturates") == "sigmoid tanh hardsigmoid"
    assert named("rectifies") == "relu6"
    assert named("is_activation") == (
        "relu leaky_relu sigmoid tanh gelu relu6 elu silu hardswish hardsigmoid prelu"
    )
    assert named("needs_volume") == (
        "conv dwconv maxpool avgpool global_avgpool global_maxpool adaptive_avgpool lrn pad"
        " channel_shuffle"
    )
    assert named("is_elementwise") == (
        f"{named('is_activation')} dropout stochastic_depth batchnorm layer_scale"
    )
    groups = {name: kind.info.group for name, kind in LAYER_TYPES.items()}
    assert (groups["relu"], groups["conv"], groups["batchnorm"]) == ("activation", "conv", "norm")
    kinds = {kind.info.keeps_shape: name for name, kind in reversed(LAYER_TYPES.items())}
    assert kinds == {False: "conv", True: "relu"}
    bounds = {name: kind.info.bounds for name, kind in LAYER_TYPES.items() if kind.info.bounds}
    assert bounds == {
        "relu": (0, math.inf),
        "sigmoid": (0, 1),
        "tanh": (-1, 1),
        "relu6": (0, 6),
        "hardsigmoid": (0, 1),
    }


def test_forms_in_words() -> None:
    assert [layer.words for layer in parse_quick("gelu | gelu exact")] == ["tanh", "exact"]
    assert [layer.words for layer in parse_quick("prelu | prelu channels")] == [
        "one slope",
        "per channel",
    ]


def test_what_the_other_program_must_be_given() -> None:
    assert LAYER_TYPES["hardsigmoid"].info.onnx.written == "HardSigmoid(alpha=0.1667, beta=0.5)"
    assert LAYER_TYPES["relu"].info.onnx.written == "Relu"
    assert Counterpart("GELU", fixed={"approximate": "tanh"}).written == "GELU(approximate='tanh')"
    swish = SiLU.info.onnx
    assert swish.fixed == swish.defaults == {"alpha": 1}
    given = Counterpart("X", {"slope": "alpha"}, fixed={"beta": 1}, ignored=("inplace",))
    assert given.arguments == ("alpha", "beta", "inplace")


@pytest.mark.parametrize("sizes", [(1, 2), (1, 1, 1, 2), (1, 1, 2, 2), (1, 2, 2, 2)])
def test_equal_sizes_are_one_number_and_others_stay(sizes: tuple[int, ...]) -> None:
    assert single(sizes) == sizes
    turned = tuple(3 - size for size in sizes)
    assert single(turned) == turned
    assert single((4,) * len(sizes)) == 4


def test_a_size_is_height_and_width() -> None:
    assert (pair(3), pair((3, 5))) == ((3, 3), (3, 5))
