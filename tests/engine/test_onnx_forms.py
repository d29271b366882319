"""The many ways in which programs write layers in ONNX: the same layers, the same scores."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from onnx_by_hand import ints, model, onnx, save

from cnn_tui.engine.importing.onnx_compare import largest_difference
from cnn_tui.engine.importing.reading import import_network
from cnn_tui.engine.importing.result import Imported
from cnn_tui.engine.specs.activations import (
    ELU,
    GELU,
    Hardsigmoid,
    Hardswish,
    PReLU,
    ReLU6,
    SiLU,
)
from cnn_tui.engine.specs.depthwise import DWConv
from cnn_tui.engine.specs.layers import (
    FC,
    BatchNorm,
    Conv,
    GlobalAvgPool,
    Layer,
    LeakyReLU,
    MaxPool,
    Parallel,
    ReLU,
    Residual,
    Sigmoid,
)
from cnn_tui.engine.specs.norms import GroupNorm, LayerNorm, LayerScale
from cnn_tui.engine.specs.shaping import ChannelShuffle, Pad

pytestmark = pytest.mark.slow
pytest.importorskip("onnxruntime", reason="onnxruntime, to compare with, is not installed")

IMAGES = ["N", 4, 6, 6]
RNG = np.random.default_rng(1)


def tensor(name: str, *shape: int) -> object:
    array = RNG.standard_normal(shape) / math.sqrt(max(1, math.prod(shape[1:])))
    return onnx.numpy_helper.from_array(array.astype(np.float32), name)


def number(name: str, value: float) -> object:
    return onnx.numpy_helper.from_array(np.array(value, np.float32), name)


def positive(name: str, *shape: int) -> object:
    array = RNG.random(shape) + 0.5
    return onnx.numpy_helper.from_array(array.astype(np.float32), name)


def read(
    folder: Path, nodes: list[tuple], tensors: list, shape: list | None = None, opset: int = 20
) -> Imported:
    """Import a model whose scores must be onnxruntime's; a volume at its end is averaged."""
    if not any(op in ("MatMul", "Softmax") for op, *_ in nodes[-3:]):
        nodes = [*nodes, ("GlobalAveragePool", "y", "z", {})]
    made = model(nodes, tensors, shape or IMAGES, opset)
    path = save(folder / "net.onnx", made)
    made.ir_version = 8
    path.write_bytes(made.SerializeToString())
    imported = import_network(path)
    difference = largest_difference(path, imported)
    assert difference is not None and difference < 1e-5
    return imported


CONV1 = ("Conv", "x w1", "c", {"pads": [1, 1, 1, 1]})
W1 = ("w1", 4, 4, 3, 3)
HALF, ONE, ROOT = number("half", 0.5), number("one", 1), number("root", math.sqrt(2))
THREE, SIX, ZERO = number("three", 3), number("six", 6), number("zero", 0)
SHARE, SCALE = number("share", 0.044715), number("scale", math.sqrt(2 / math.pi))
CUBE = number("cube", 3)
ACTIVATIONS: dict[str, tuple[list[tuple], Layer]] = {
    "gelu by erf": (
        [
            ("Div", "c root", "d", {}), ("Erf", "d", "e", {}), ("Add", "e one", "f", {}),
            ("Mul", "c f", "g", {}), ("Mul", "g half", "y", {}),
        ],
        GELU(approximate="none"),
    ),
    "gelu by erf, halved first": (
        [
            ("Mul", "half c", "h", {}), ("Div", "c root", "d", {}), ("Erf", "d", "e", {}),
            ("Add", "one e", "f", {}), ("Mul", "h f", "y", {}),
        ],
        GELU(approximate="none"),
    ),
    "gelu by tanh": (
        [
            ("Pow", "c cube", "p", {}), ("Mul", "p share", "q", {}), ("Add", "c q", "r", {}),
            ("Mul", "r scale", "s", {}), ("Tanh", "s", "t", {}), ("Add", "t one", "u", {}),
            ("Mul", "c half", "h", {}), ("Mul", "h u", "y", {}),
        ],
        GELU(approximate="tanh"),
    ),
    "silu": ([("Sigmoid", "c", "s", {}), ("Mul", "s c", "y", {})], SiLU()),
    "hardswish by hardsigmoid": (
        [("HardSigmoid", "c", "s", {"alpha": 1 / 6}), ("Mul", "c s", "y", {})], Hardswish(),
    ),
    "hardswish by clip": (
        [
            ("Add", "c three", "a", {}), ("Clip", "a zero six", "b", {}),
            ("Mul", "c b", "m", {}), ("Div", "m six", "y", {}),
        ],
        Hardswish(),
    ),
    "hardsigmoid by clip": (
        [
            ("Add", "c three", "a", {}), ("Clip", "a zero six", "b", {}),
            ("Div", "b six", "y", {}),
        ],
        Hardsigmoid(),
    ),
    "relu6": ([("Clip", "c zero six", "y", {})], ReLU6()),
    "relu6 by min and max": (
        [("Max", "c zero", "m", {}), ("Min", "m six", "y", {})], ReLU6(),
    ),
    "relu by clip": ([("Clip", "c zero", "y", {})], ReLU()),
    "elu": ([("Elu", "c", "y", {"alpha": 0.7})], ELU(alpha=0.7)),
    "leaky": ([("LeakyRelu", "c", "y", {"alpha": 0.1})], LeakyReLU(negative_slope=0.1)),
    "prelu": ([("PRelu", "c slopes", "y", {})], PReLU(per_channel=True)),
}  # fmt: skip


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_in_pieces(name: str, tmp_path: Path) -> None:
    nodes, expected = ACTIVATIONS[name]
    constants = [HALF, ONE, ROOT, THREE, SIX, ZERO, SHARE, SCALE, CUBE, tensor("slopes", 4, 1, 1)]
    found = read(tmp_path, [CONV1, *nodes], [tensor(*W1), *constants]).network.layers
    assert found == (Conv(out_channels=4, padding=1, bias=False), expected, GlobalAvgPool())


def test_channels_last(tmp_path: Path) -> None:
    """As tf2onnx writes Keras: images moved, padding to one side, rows in another order."""
    nodes = [
        ("Sub", "x mean", "s", {}),
        ("Div", "s std", "d", {}),
        ("Transpose", "d", "t", {"perm": [0, 3, 1, 2]}),
        ("Conv", "t w", "c", {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
        ("Add", "c b", "e", {}),
        ("Relu", "e", "r", {}),
        ("Conv", "r deep", "g", {"pads": [1, 1, 1, 1], "group": 5}),
        ("Transpose", "g", "u", {"perm": [0, 2, 3, 1]}),
        ("MatMul", "u point", "p", {}),
        ("Add", "p shift", "q", {}),
        ("Reshape", "q rows", "f", {}),
        ("MatMul", "f full", "m", {}),
        ("Add", "m last", "n", {}),
        ("Softmax", "n", "y", {}),
    ]
    tensors = [
        number("mean", 100), number("std", 50), tensor("w", 5, 3, 3, 3), tensor("b", 1, 5, 1, 1),
        tensor("deep", 5, 1, 3, 3), tensor("point", 5, 6), tensor("shift", 6),
        ints("rows", -1, 96), tensor("full", 96, 7), tensor("last", 7),
    ]  # fmt: skip
    found = read(tmp_path, nodes, tensors, ["N", 8, 8, 3])
    assert found.network.input == (3, 8, 8) and found.held is not None
    assert (found.held.pixels.mean, found.held.pixels.std) == ((100,), (50,))
    assert found.held.pixels.peak == 255 and found.held.channels_last
    assert found.network.layers == (
        Pad(padding=(0, 1, 0, 1)),
        Conv(out_channels=5, stride=2),
        ReLU(),
        DWConv(padding=1, bias=False),
        Conv(out_channels=6, kernel_size=1),
        FC(out_features=7),
    )


def test_branches(tmp_path: Path) -> None:
    """A sum with a biased shortcut, a concatenation, squeeze-and-excitation."""
    nodes = [
        CONV1,
        ("Relu", "c", "r", {}),
        ("Conv", "r w2", "d", {"pads": [1, 1, 1, 1]}),
        ("Conv", "x side bias", "s", {}),
        ("Add", "s d", "a", {}),
        ("Conv", "a side", "p", {}),
        ("MaxPool", "a", "q", {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
        ("Concat", "p q a", "k", {"axis": 1}),
        ("GlobalAveragePool", "k", "g", {}),
        ("Flatten", "g", "h", {}),
        ("Gemm", "h full", "i", {"transB": 1, "alpha": 2.0}),
        ("Sigmoid", "i", "j", {}),
        ("Reshape", "j pixels", "l", {}),
        ("Mul", "k l", "y", {}),
    ]
    tensors = [
        tensor(*W1), tensor("w2", 4, 4, 3, 3), tensor("side", 4, 4, 1, 1), tensor("bias", 4),
        tensor("full", 12, 12), ints("pixels", -1, 12, 1, 1),
    ]  # fmt: skip
    point = Conv(out_channels=4, kernel_size=1, bias=False)
    convs = (Conv(out_channels=4, padding=1, bias=False), ReLU())
    assert read(tmp_path, nodes, tensors).network.layers == (
        Residual(branch=(*convs, convs[0]), shortcut=(Conv(out_channels=4, kernel_size=1),)),
        Parallel(branches=((point,), (MaxPool(kernel_size=3, stride=1, padding=1),), ())),
        Parallel(
            branches=((), (GlobalAvgPool(), FC(out_features=12, bias=False), Sigmoid())),
            merge="multiply",
        ),
        GlobalAvgPool(),
    )


def test_a_dense_block_that_joins_all_earlier_volumes(tmp_path: Path) -> None:
    nodes = [
        ("Concat", "x", "x0", {"axis": 1}),
        ("Conv", "x0 a", "f1", {}),
        ("Concat", "x f1", "x1", {"axis": 1}),
        ("Conv", "x1 b", "f2", {}),
        ("Concat", "x f1 f2", "x2", {"axis": 1}),
        ("Conv", "x2 c", "f3", {}),
        ("Concat", "x f1 f2 f3", "y", {"axis": 1}),
    ]
    tensors = [tensor(n, 2, size, 1, 1) for n, size in (("a", 4), ("b", 6), ("c", 8))]
    conv = Conv(out_channels=2, kernel_size=1, bias=False)
    found = read(tmp_path, nodes, tensors).network.layers
    assert found == (*(Parallel(branches=((), (conv,))),) * 3, GlobalAvgPool())


def test_shares_of_the_channels(tmp_path: Path) -> None:
    tensors = [
        tensor("w", 2, 2, 1, 1), ints("zero", 0), ints("two", 2), ints("all", 2**62), ints("c", 1),
        ints("wide", -1, 2, 2, 6, 6), ints("narrow", -1, 4, 6, 6),
    ]  # fmt: skip
    rest = [
        ("Conv", "b w", "d", {}),
        ("Concat", "a d", "e", {"axis": 1}),
        ("Reshape", "e wide", "f", {}),
        ("Transpose", "f", "g", {"perm": [0, 2, 1, 3, 4]}),
        ("Reshape", "g narrow", "y", {}),
    ]
    block = Parallel(branches=((), (Conv(out_channels=2, kernel_size=1, bias=False),)), split=True)
    sliced = [("Slice", "x zero two c", "a", {}), ("Slice", "x two all c", "b", {})]
    assert read(tmp_path, [*sliced, *rest], tensors).network.layers == (
        block,
        ChannelShuffle(),
        GlobalAvgPool(),
    )
    made = model(rest, tensors, IMAGES)
    made.graph.node.insert(
        0, onnx.helper.make_node("Split", ["x"], ["a", "b"], axis=1, num_outputs=2)
    )
    assert import_network(save(tmp_path / "split.onnx", made)).network.layers == (
        block,
        ChannelShuffle(),
    )


def test_norms(tmp_path: Path) -> None:
    """Group norm as rows of groups, layer norm of pixels in pieces, scale and shift of a norm."""
    nodes = [
        ("Reshape", "x groups", "a", {}),
        ("InstanceNormalization", "a ones none", "b", {"epsilon": 1e-3}),
        ("Reshape", "b volume", "c", {}),
        ("Mul", "c weight", "d", {}),
        ("Add", "d bias", "e", {}),
        ("Transpose", "e", "f", {"perm": [0, 2, 3, 1]}),
        ("ReduceMean", "f last", "g", {}),
        ("Sub", "f g", "h", {}),
        ("Pow", "h square", "i", {}),
        ("ReduceMean", "i last", "j", {}),
        ("Add", "j tiny", "k", {}),
        ("Sqrt", "k", "l", {}),
        ("Div", "h l", "m", {}),
        ("Mul", "m row", "n", {}),
        ("Add", "n row", "o", {}),
        ("Transpose", "o", "p", {"perm": [0, 3, 1, 2]}),
        ("Relu", "p", "q", {}),
        ("Mul", "q weight", "r", {}),
        ("BatchNormalization", "r row row row var", "s", {}),
        ("Mul", "s weight", "t", {}),
        ("Add", "t bias", "y", {}),
    ]
    tensors = [
        ints("groups", 0, 2, -1), onnx.numpy_helper.from_array(np.ones(2, np.float32), "ones"),
        onnx.numpy_helper.from_array(np.zeros(2, np.float32), "none"), ints("volume", 0, 4, 6, 6),
        tensor("weight", 4, 1, 1), tensor("bias", 4, 1, 1), ints("last", -1), number("square", 2),
        number("tiny", 1e-4), tensor("row", 4), positive("var", 4),
    ]  # fmt: skip
    assert read(tmp_path, nodes, tensors).network.layers == (
        GroupNorm(num_groups=2, eps=1e-3),
        LayerNorm(over="channels", eps=1e-4),
        ReLU(),
        LayerScale(init_value=1.0),
        BatchNorm(),
        GlobalAvgPool(),
    )


def test_the_forms_of_old_opsets(tmp_path: Path) -> None:
    """Settings that are attributes there, and inputs today."""
    nodes = [
        ("Pad", "x", "p", {"pads": [0, 0, 1, 1, 0, 0, 1, 1]}),
        ("Conv", "p w", "c", {}),
        ("Clip", "c", "d", {"min": 0.0, "max": 6.0}),
        ("Slice", "d", "s", {"starts": [0], "ends": [2], "axes": [1]}),
        ("Slice", "d", "t", {"starts": [2], "ends": [4], "axes": [1]}),
        ("Add", "s t", "a", {}),
        ("GlobalAveragePool", "a", "g", {}),
        ("Squeeze", "g", "q", {"axes": [2, 3]}),
        ("MatMul", "q m", "y", {}),
    ]
    found = read(tmp_path, nodes, [tensor("w", 4, 4, 3, 3), tensor("m", 2, 3)], opset=9)
    assert found.network.layers == (
        Conv(out_channels=4, padding=1, bias=False),
        ReLU6(),
        Parallel(branches=((), ()), merge="add", split=True),
        GlobalAvgPool(),
        FC(out_features=3, bias=False),
    )


def test_a_difference_is_seen(tmp_path: Path) -> None:
    """What the other tests rely on."""
    nodes = [CONV1, ("Relu", "c", "y", {})]
    imported, path = read(tmp_path, nodes, [tensor(*W1)]), tmp_path / "net.onnx"
    assert imported.held is not None
    arrays = {name: array * 1.01 for name, array in imported.held.arrays.items()}
    other = replace(imported, held=replace(imported.held, arrays=arrays))
    difference = largest_difference(path, other)
    assert difference is not None and difference > 1e-3
