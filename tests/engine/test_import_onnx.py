"""ONNX files, of PyTorch's two exporters and made by hand: the same network, or why not."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import numpy as np
import pytest
from exported import EVERY_LAYER, state_of
from onnx_by_hand import CONV, W, imported, ints, model, onnx, save, zeros
from sequentials import NETS, assert_same_scores, peer

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.export.onnx_graph import onnx_bytes
from cnn_tui.engine.importing.reading import import_network
from cnn_tui.engine.importing.residual import canonical
from cnn_tui.engine.importing.torch_network import import_module
from cnn_tui.engine.specs.layers import (
    FC,
    AvgPool,
    BatchNorm,
    Conv,
    Dropout,
    MaxPool,
    ReLU,
    Residual,
)
from cnn_tui.engine.specs.pooling import AdaptiveAvgPool, GlobalMaxPool
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.engine.specs.shaping import Pad

pytestmark = pytest.mark.slow


POOL = {"kernel_shape": [2, 2], "strides": [2, 2], "pads": [1, 1, 1, 1]}
POOLS = {
    "ceil": (("MaxPool", {**POOL, "ceil_mode": 1}), MaxPool(padding=1, rounding="ceil")),
    "inside": (
        ("AveragePool", POOL),
        AvgPool(padding=1, count_include_pad=False),
    ),
    "counted": (("AveragePool", {**POOL, "count_include_pad": 1}), AvgPool(padding=1)),
    "global": (("GlobalMaxPool", {}), GlobalMaxPool()),
}


@pytest.mark.parametrize("name", POOLS)
def test_pools_by_their_attributes(name: str, tmp_path: Path) -> None:
    (op, attributes), expected = POOLS[name]
    assert imported(tmp_path, (op, "x", "y", attributes)).layers == (expected,)


EXPORTS = [(name, dynamo) for name in NETS for dynamo in (True, False)]
EXPORTS.remove(("lrn", False))
"""The older exporter cannot write this network, and others of the kind only with branches."""


@pytest.mark.parametrize(("name", "dynamo"), EXPORTS)
def test_what_pytorch_exports(name: str, dynamo: bool, tmp_path: Path) -> None:
    text, size = NETS[name]
    module = peer(text).eval()
    import torch

    pytest.importorskip("onnxscript", reason="onnxscript, for PyTorch's export, is not installed")
    images = torch.zeros(1, *size)
    images = images.flatten(1) if name == "flat" else images
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = tmp_path / "net.onnx"
        torch.onnx.export(module, (images,), path, dynamo=dynamo, verbose=False)
    found = import_network(path, size if name == "flat" else None).network
    expected = [
        one for one in import_module(module, size).network.layers if type(one) is not Dropout
    ]
    kinds = {node.op_type for node in onnx.load(path).graph.node}
    if "BatchNormalization" not in kinds:
        # The exporter has made it part of the convolution, with a bias.
        expected = [one for one in expected if type(one) is not BatchNorm]
    if name == "lrn":
        # A pool to a size is exported as the pool with the window that it has there.
        (place,) = (at for at, one in enumerate(expected) if type(one) is AdaptiveAvgPool)
        expected[place] = AvgPool(kernel_size=(2, 1), rounding="floor")
    assert canonical(found.layers) == canonical(expected) and found.input == size
    if name not in ("small", "nested"):
        assert_same_scores(found, module)


def test_the_network_of_a_model_of_our_own_is_equal_in_all(tmp_path: Path) -> None:
    for network in (EVERY_LAYER, *map(load_preset, ("lenet5", "all-conv", "resnet20", "resnet18"))):
        (tmp_path / "own.onnx").write_bytes(onnx_bytes(state_of(network)))
        assert import_network(tmp_path / "own.onnx").network == network


def test_what_the_graph_says_counts_not_the_note_beside_it(tmp_path: Path) -> None:
    told = onnx.load_from_string(onnx_bytes(state_of(load_preset("lenet5"))))
    for note in told.metadata_props:
        if note.key == "architecture":
            note.value = note.value.replace("kernel_size = 5", "kernel_size = 3")
    found = import_network(save(tmp_path / "net.onnx", told))
    assert found.network.layers == load_preset("lenet5").layers and found.network.name == "net"
    assert "pixels" in found.notes[0]
    told.metadata_props.pop()
    for note in told.metadata_props:
        note.value = "[" * 100_000
    assert import_network(save(tmp_path / "net.onnx", told)).network == found.network


@pytest.mark.parametrize("name", ["resnet20", "resnet18"])
def test_residual_blocks_are_found_in_the_graph_alone(name: str, tmp_path: Path) -> None:
    told = onnx.load_from_string(onnx_bytes(state_of(load_preset(name))))
    del told.metadata_props[:]
    for node in told.graph.node:
        if node.op_type == "Add":
            # The order of a sum's sides means nothing.
            node.input[:] = list(node.input)[::-1]
    found = import_network(save(tmp_path / "net.onnx", told)).network
    assert canonical(found.layers) == canonical(load_preset(name).layers)
    assert sum(isinstance(layer, Residual) for layer in found.layers) >= 8


def test_other_ways_to_say_fully_connected(tmp_path: Path) -> None:
    weight, bias = zeros("w", 64, 3), zeros("b", 3)
    for nodes in (
        [("Flatten", "x", "f", {}), ("MatMul", "f w", "m", {}), ("Add", "m b", "y", {})],
        [("Flatten", "x", "f", {"axis": -3}), ("MatMul", "f w", "m", {}), ("Add", "b m", "y", {})],
        [("Reshape", "x s", "f", {}), ("Gemm", "f w b", "y", {})],
        [("Reshape", "x s", "f", {}), ("Identity", "w", "v", {}), ("Gemm", "f v b", "y", {})],
    ):
        found = imported(tmp_path, *nodes, tensors=[weight, bias, ints("s", 0, -1)])
        assert found.layers == (FC(out_features=3),)
        assert found.name == "net"
    found = imported(
        tmp_path, ("Flatten", "x", "f", {}), ("MatMul", "f w", "y", {}), tensors=[weight]
    )
    assert found.layers == (FC(out_features=3, bias=False),)


def test_padding_that_the_runtime_works_out(tmp_path: Path) -> None:
    weight = zeros("w", 2, 1, 3, 3)
    for settings_, padding in (
        ({"auto_pad": "SAME_UPPER"}, 1),
        ({"auto_pad": "VALID"}, 0),
        ({"auto_pad": "SAME_LOWER", "dilations": [2, 2]}, 2),
        ({"pads": [1, 0, 1, 0]}, (1, 0)),
    ):
        found = imported(tmp_path, ("Conv", "x w", "y", settings_), tensors=[weight])
        assert found.layers[0].padding == padding


def test_padding_that_differs_on_opposite_sides_is_a_layer_before(tmp_path: Path) -> None:
    for settings_, shape, sides in (
        ({"auto_pad": "SAME_UPPER"}, (2, 1, 2, 2), (0, 1, 0, 1)),
        ({"auto_pad": "SAME_LOWER"}, (2, 1, 2, 2), (1, 0, 1, 0)),
        ({"pads": [0, 1, 2, 3]}, (2, 1, 3, 3), (1, 3, 0, 2)),
    ):
        found = imported(tmp_path, ("Conv", "x w", "y", settings_), tensors=[zeros("w", *shape)])
        assert found.layers[0] == Pad(padding=sides) and found.layers[1].padding == 0
    pool = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [0, 0, 1, 1]}
    found = imported(tmp_path, ("MaxPool", "x", "y", pool))
    assert found.layers == (MaxPool(kernel_size=3, stride=2, rounding="ceil"),)
    pool["pads"] = [0, 0, 2, 2]
    found = imported(tmp_path, ("Relu", "x", "r", {}), ("MaxPool", "r", "y", pool))
    assert found.layers[1] == Pad(padding=(0, 2, 0, 2))
    with pytest.raises(SpecError, match="opposite sides differently"):
        imported(tmp_path, ("MaxPool", "x", "y", pool))


def test_means_of_all_kinds(tmp_path: Path) -> None:
    for nodes in (
        [("GlobalAveragePool", "x", "y", {})],
        [("ReduceMean", "x a", "y", {"keepdims": 1})],
        [("ReduceMean", "x a", "y", {"keepdims": 0})],
        [("GlobalAveragePool", "x", "p", {}), ("Squeeze", "p a", "y", {})],
        [("AveragePool", "x", "y", {"kernel_shape": [8, 8]})],
    ):
        found = imported(tmp_path, *nodes, tensors=[ints("a", -1, -2)])
        assert len(found.layers) == 1 and "avg" in type(found.layers[0]).__name__.lower()


def test_a_dropout_keeps_its_ratio(tmp_path: Path) -> None:
    ratio = onnx.numpy_helper.from_array(np.float32(0.3), "r")
    assert imported(tmp_path, ("Dropout", "x r", "y", {}), tensors=[ratio]).layers == (
        Dropout(p=0.3),
    )
    found = imported(tmp_path, ("Dropout", "x", "y", {"ratio": 0.2}), opset=10)
    assert found.layers == (Dropout(p=0.2),)


def test_what_leads_nowhere_is_left_out(tmp_path: Path) -> None:
    found = imported(tmp_path, ("Einsum", "x x", "z", {}), ("Relu", "x", "y", {}))
    assert found.layers == (ReLU(),)


def test_the_size_of_the_images(tmp_path: Path) -> None:
    flat = [("Gemm", "x w", "y", {"transB": 1})], [zeros("w", 3, 64)], ["N", 64]
    path = save(tmp_path / "net.onnx", model(*flat))
    with pytest.raises(SpecError, match=r"Add --input C,H,W with C\*H\*W = 64"):
        import_network(path)
    assert import_network(path, (1, 8, 8)).network.layers == (FC(out_features=3, bias=False),)
    with pytest.raises(SpecError, match="takes inputs of 64, received 1x8x9"):
        import_network(path, (1, 8, 9))
    nodes = [("MaxPool", "x", "p", {"kernel_shape": [2, 2], "strides": [2, 2]})]
    nodes += [("Flatten", "p", "f", {}), ("Gemm", "f w", "y", {})]
    path = save(tmp_path / "net.onnx", model(nodes, [zeros("w", 75, 3)], ["N", 3, "H", "W"]))
    with pytest.raises(SpecError, match="the smallest square that fits is 3,10,10"):
        import_network(path)
    found = import_network(path, (3, 10, 11)).network
    assert found.layers[0] == MaxPool(kernel_size=2, rounding="floor")
    with pytest.raises(SpecError, match=r"takes inputs of 3x\?x\?"):
        import_network(path, (1, 10, 10))
    for shape in (["N", 2**40, 8, 8], ["N", 1], ["N"], []):
        with pytest.raises(SpecError):
            imported(tmp_path, ("Relu", "x", "y", {}), shape=shape)


def test_the_layers_of_a_block(tmp_path: Path) -> None:
    found = imported(
        tmp_path, CONV, ("Relu", "c", "r", {}), ("Add", "r x", "y", {}), tensors=[zeros(*W[0])]
    )
    block = Residual(branch=(Conv(out_channels=1, padding=1, bias=False), ReLU()))
    assert found.layers == (block,)
