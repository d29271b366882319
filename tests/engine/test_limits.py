"""What a file may say, and what it means where it says nothing: both are for ever.

A limit that moves refuses a file that was valid, a default that moves trains another network.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from cnn_tui.engine.specs.flow import FeatureMap
from cnn_tui.engine.specs.infer import infer
from cnn_tui.engine.specs.layers import LAYER_TYPES, Layer
from cnn_tui.engine.specs.network import (
    MAX_FILE_BYTES,
    MAX_LAYERS,
    MAX_NESTING,
    SVM,
    Network,
    Recipe,
    Softmax,
)
from cnn_tui.engine.specs.norms import GroupNorm, LayerNorm, LayerScale
from cnn_tui.engine.specs.paths import settings_of
from cnn_tui.engine.specs.pooling import (
    AdaptiveAvgPool,
    AvgPool,
    GlobalAvgPool,
    GlobalMaxPool,
    MaxPool,
)
from cnn_tui.engine.specs.quick.parse import parse_quick
from cnn_tui.engine.specs.report import Fix, Issue, LayerReport, Report
from cnn_tui.engine.specs.rewrite import Cost
from cnn_tui.engine.specs.shaping import ChannelShuffle, Pad
from cnn_tui.engine.specs.transforms import MatrixFacts
from cnn_tui.engine.specs.values import value_problems

Values = tuple[object, ...]
COUNT: tuple[Values, Values] = ((None, 1, 100_000), (0, 100_001))
SHARE: tuple[Values, Values] = ((0.0, 0.999), (-0.5, 1.0))
ANY: tuple[Values, Values] = ((0.0, 1e6), (-0.5, 1e6 + 0.5))
POSITIVE: tuple[Values, Values] = ((1e-9, 1e6), (0.0, 1e6 + 0.5))
RECIPE: dict[str, tuple[Values, Values]] = {
    "epochs": ((1, 100_000), (0, 100_001)),
    "batch_size": ((1, 65_536), (0, 65_537)),
    "seed": ((0, 2**53 - 1), (-1, 2**53)),
    "lr": POSITIVE,
    "momentum": SHARE,
    "betas": (((0.0, 0.999),), ((0.9,), (0.9, 1.0))),
    "l2": ANY,
    "gamma": ((1e-9, 1.0), (0.0, 1.5)),
    "patience": COUNT,
    "keep_every": COUNT,
    "limit": ((None, 1, 2**31), (0, 2**31 + 1)),
    "per_class": ((None, 1, 2**31), (0, 2**31 + 1)),
    "shift": ((0, 256), (-1, 257)),
    "cutout": ((0, 1024), (-1, 1025)),
    "rotate": ((0.0, 180.0), (-0.5, 180.5)),
    "jitter": ((0.0, 1.0), (-0.5, 1.5)),
    "mixup": ((0.0, 100.0), (-0.5, 100.5)),
}
NETWORK: dict[str, tuple[Values, Values]] = {
    "description": (("", "x" * 2000), ("x" * 2001,)),
    "data": (("", "x" * 200), ("x" * 201,)),
    "labels_from": (("", "x" * 64), ("x" * 65,)),
    "classes": (((), ("a", "b" * 64)), (("a", ""), ("a", "b" * 65))),
    "input": (
        ((1, 1, 1), (65_536, 1024, 1024)),
        ((0, 1, 1), (1, 0, 1), (1, 1, 0), (65_537, 1, 1), (1, 1025, 1), (1, 1, 1025), (1, 1)),
    ),
}
SIZE: tuple[Values, Values] = (
    (1, 1024, (1, 1024)),
    (0, 1025, (0, 1), (1, 1025), (1,), (1, 2, 3)),
)
PADDING: tuple[Values, Values] = (
    (0, 512, (0, 512)),
    (-1, 513, (-1, 0), (0, 513), (1,), (1, 2, 3)),
)
FEATURES: tuple[Values, Values] = ((1, 65_536), (0, 65_537))
LAYERS: list[tuple[type[Layer], str, tuple[Values, Values]]] = [
    (GroupNorm, "num_groups", FEATURES),
    (GroupNorm, "eps", ((1e-9, 1.0), (0.0, 1.5))),
    (LayerNorm, "over", (("volume", "channels"), ("pixels",))),
    (LayerScale, "init_value", ((-1e6, 1e6), (-1e6 - 0.5, 1e6 + 0.5))),
    (MaxPool, "kernel_size", SIZE),
    (MaxPool, "padding", PADDING),
    (AvgPool, "rounding", (("exact", "floor", "ceil"), ("up",))),
    (AdaptiveAvgPool, "output_size", SIZE),
    (Pad, "padding", ((0, 512, (0, 1, 2, 512)), (-1, 513, (1, 2, 3), (1, 2, 3, 4, 5)))),
    (ChannelShuffle, "groups", FEATURES),
]


def paths(described: Layer | Network) -> list[str]:
    return [problem.path.partition("[")[0] for problem in value_problems(described)]


@pytest.mark.parametrize("name", RECIPE)
def test_up_to_which_values_a_recipe_is_valid(name: str) -> None:
    valid, invalid = RECIPE[name]
    described = Network(input=(3, 1024, 1024))  # of which something is left after any shift
    for value in valid:
        assert paths(described.with_training(**{name: value})) == []
    for value in invalid:
        assert paths(described.with_training(**{name: value})) == [f"training.{name}"]


@pytest.mark.parametrize("name", NETWORK)
def test_up_to_which_values_a_network_is_valid(name: str) -> None:
    valid, invalid = NETWORK[name]
    for value in valid:
        assert paths(msgspec.structs.replace(Network(data="mine"), **{name: value})) == []
    for value in invalid:
        assert paths(msgspec.structs.replace(Network(data="mine"), **{name: value})) == [name]


@pytest.mark.parametrize(("kind", "name", "values"), LAYERS)
def test_up_to_which_values_a_layer_is_valid(
    kind: Any, name: str, values: tuple[Values, Values]
) -> None:
    valid, invalid = values
    for value in valid:
        assert paths(kind(**{name: value})) == []
    for value in invalid:
        assert paths(kind(**{name: value})) == [name]


def test_how_large_a_file_may_be() -> None:
    assert (MAX_LAYERS, MAX_NESTING, MAX_FILE_BYTES) == (2_000, 8, 262_144)


EACH = (
    *(MaxPool(), AvgPool(), GlobalAvgPool(), GlobalMaxPool(), AdaptiveAvgPool()),
    *(GroupNorm(), LayerNorm(), LayerScale(), Pad(), ChannelShuffle()),
)
MEANT = """
name="untitled" description="" input=[1,8,8] data="digits" classes=[] labels_from=""
layers[0].type=maxpool layers[0].name="" layers[0].kernel_size=2 layers[0].stride=null
layers[0].padding=0 layers[0].rounding="exact"
layers[1].type=avgpool layers[1].name="" layers[1].kernel_size=2 layers[1].stride=null
layers[1].padding=0 layers[1].rounding="exact" layers[1].count_include_pad=true
layers[2].type=global_avgpool layers[2].name="" layers[3].type=global_maxpool layers[3].name=""
layers[4].type=adaptive_avgpool layers[4].name="" layers[4].output_size=1
layers[5].type=groupnorm layers[5].name="" layers[5].num_groups=1 layers[5].eps=0.00001
layers[6].type=layernorm layers[6].name="" layers[6].over="volume" layers[6].eps=0.00001
layers[7].type=layer_scale layers[7].name="" layers[7].init_value=1e-6
layers[8].type=pad layers[8].name="" layers[8].padding=1 layers[8].padding_mode="zeros"
layers[9].type=channel_shuffle layers[9].name="" layers[9].groups=2
loss.type=softmax loss.label_smoothing=0.0
training.epochs=10 training.batch_size=64 training.seed=0 training.initializer="he"
training.optimizer="momentum" training.lr=0.01 training.momentum=0.9 training.betas=[0.9,0.999]
training.rho=0.99 training.eps=1e-8 training.l2=0.0 training.weight_decay=0.0
training.clip_norm=null training.schedule="constant" training.warmup_epochs=0.0
training.step_epochs=10.0 training.gamma=0.1 training.patience=null training.keep_best=false
training.keep_every=null training.freeze="" training.last_batch="keep" training.balance="natural"
training.normalize=true training.limit=null training.per_class=null training.shuffle=true
training.resize="crop" training.flip=false training.shift=0 training.cutout=0 training.rotate=0.0
training.scale=0.0 training.translate=0.0 training.jitter=0.0 training.mixup=0.0
training.engine="numpy" training.device="auto" training.precision="float32"
training.compile=false training.deterministic=false training.sync_batchnorm=false
"""


def test_what_a_file_means_that_says_nothing() -> None:
    meant = dict(row.split("=") for row in MEANT.split())
    assert settings_of(Network(layers=EACH)) == meant
    assert (SVM().delta, SVM().squared) == (1.0, False)


@pytest.mark.parametrize("kind", [Network, Recipe, Softmax, SVM, MaxPool])
def test_a_description_has_no_other_settings(kind: type[Any]) -> None:
    tag = kind.__struct_config__.tag
    with pytest.raises(msgspec.ValidationError, match="colour"):
        msgspec.convert({"colour": 1} | ({"type": tag} if tag else {}), kind)


FOUND = (Fix, Issue, LayerReport, Report, Cost, MatrixFacts)


@pytest.mark.parametrize("kind", [Network, Recipe, Softmax, SVM, *LAYER_TYPES.values(), *FOUND])
def test_what_is_described_never_changes(kind: type[msgspec.Struct]) -> None:
    assert kind.__struct_config__.frozen, "what was inferred of it is kept for ever"


def test_a_file_says_only_what_differs() -> None:
    assert msgspec.json.encode(Network(name="a")) == b'{"name":"a"}'
    assert msgspec.json.encode(Recipe(epochs=3)) == b'{"epochs":3}'


def test_settings_are_given_by_name() -> None:
    for kind in (Network, Recipe):
        with pytest.raises(TypeError):
            kind("mine")  # type: ignore[misc]


@pytest.mark.parametrize(
    "layer", [layer for layer in EACH if not isinstance(layer, GroupNorm | LayerNorm | LayerScale)]
)
def test_what_needs_height_and_width_cannot_follow_an_fc_layer(layer: Layer) -> None:
    step = infer(layer, FeatureMap((9,), flat=True))
    assert [fault.code for fault in step.faults] == ["needs-volume"]


@pytest.mark.parametrize(
    ("line", "layer"),
    [
        ("maxpool 2 ceil", MaxPool(rounding="ceil")),
        ("avgpool 2 floor inside", AvgPool(rounding="floor", count_include_pad=False)),
        ("avgpool 2 exact", AvgPool()),
        ("layernorm channels", LayerNorm(over="channels")),
        ("pad 1 replicate", Pad(padding_mode="replicate")),
    ],
)
def test_words_that_set_a_value(line: str, layer: Layer) -> None:
    assert parse_quick(line) == (layer,)
