"""ONNX files to import: those of the ``onnx`` wheel with other weights, and exports of PyTorch."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest


def zoo(name: str, path: Path) -> Path:
    """Write a model of the zoo with random weights to ``path``.

    In the wheel the weights come from nodes that fill them with one number.
    """
    onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
    folder = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
    model, rng = onnx.load(folder / f"{name}.onnx"), np.random.default_rng(0)
    given = {tensor.name: tensor for tensor in model.graph.initializer}
    variances = {n.input[4] for n in model.graph.node if n.op_type == "BatchNormalization"}
    for node in [node for node in model.graph.node if node.op_type == "ConstantOfShape"]:
        shape, (output,) = onnx.numpy_helper.to_array(given[node.input[0]]).tolist(), node.output
        if output in variances:
            array = rng.random(shape) + 0.5
        elif len(shape) == 1:
            array = rng.standard_normal(shape) * 0.1 + 0.5
        else:
            # Uniform: up to 140 million numbers, drawn in a third of the time of normal ones.
            array = rng.random(shape, np.float32)
            array -= np.float32(0.5)
            array *= np.float32(np.sqrt(24 / np.prod(shape[1:])))  # a variance of 2 / inputs
        tensor = onnx.numpy_helper.from_array(array.astype(np.float32, copy=False), output)
        model.graph.initializer.append(tensor)
        model.graph.node.remove(node)
    onnx.save(model, path)
    return path


def exported(module: Any, images: Any, path: Path, *, dynamo: bool, **settings: Any) -> Path:
    """Write a module of PyTorch by one of its two exporters, without their chatter."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    pytest.importorskip("onnxscript", reason="onnxscript, for PyTorch's export, is not installed")
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    if not dynamo:
        settings |= {"input_names": ["x"], "dynamic_axes": {"x": {0: "N"}}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (images,), path, dynamo=dynamo, verbose=False, **settings)
    return path
