"""Recognises cnn-tui's own models, whose notes hold the architecture."""

from __future__ import annotations

import math

import numpy as np

from cnn_tui.engine.data.preprocess import Normalizer
from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.export.modules import modules
from cnn_tui.engine.export.onnx_graph import graph_of
from cnn_tui.engine.export.onnx_nodes import MEAN, STD
from cnn_tui.engine.export.states import TrainedState
from cnn_tui.engine.importing.onnx_file import OnnxFile
from cnn_tui.engine.importing.result import Imported, ImportedWeights
from cnn_tui.engine.runs.imported import Pixels
from cnn_tui.engine.specs.activations import PReLU
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.codec import loads_network
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.norms import LayerScale
from cnn_tui.engine.specs.wording import plain

ARCHITECTURE = "architecture"
"""The metadata key under which the models hold the architecture as text."""
_PARTS = ("weight", "bias", "running_mean", "running_var")


def own_model(file: OnnxFile) -> Imported | None:
    """Return the network with names, dropout and recipe, as it was exported.

    None if the file is another one, or its graph is not what an export of its note would be.
    """
    try:
        state = _state(file)
        if state is None or not _is_its_graph(file, state):
            return None
    except (SpecError, LookupError, ValueError):
        return None
    mean, std = state.normalizer.mean.ravel(), state.normalizer.std.ravel()
    pixels = Pixels(tuple(mean.tolist()), tuple(std.tolist()), state.peak)
    held = ImportedWeights(state.weights, pixels, state.classes, file.count)
    return Imported(state.network, held=held)


def _state(file: OnnxFile) -> TrainedState | None:
    text = file.notes.get(ARCHITECTURE)
    if text is None or not (file.is_constant(MEAN) and file.is_constant(STD)):
        return None
    network = loads_network(text, plain(file.where))
    if not check(network).valid:
        return None
    peak = float(file.notes["peak"])
    normalizer = Normalizer(file.tensors.array(MEAN), file.tensors.array(STD))
    if not math.isfinite(peak) or not (normalizer.std > 0).all():
        return None
    classes = tuple(file.notes["classes"].split("\n"))
    return TrainedState("", network, _arrays(file, network), classes, normalizer, peak)


def _arrays(file: OnnxFile, network: Network) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    for module in (inner for top in modules(network) for inner in top.every()):
        for part in _PARTS:
            name = f"{module.path}.{part}"
            if file.is_constant(name):
                array = np.ascontiguousarray(file.tensors.array(name), np.float32)
                # In the file these have the rank of the volume.
                is_factor = isinstance(module.layer, PReLU | LayerScale)
                found[f"{module.name}.{part}"] = array.ravel() if is_factor else array
    return found


def _is_its_graph(file: OnnxFile, state: TrainedState) -> bool:
    nodes, constants = graph_of(state)
    return (
        list(file.model.graph.node) == nodes
        and {tensor.name for tensor in file.model.graph.initializer} == constants.keys()
        and all(
            np.array_equal(file.tensors.array(name), array) for name, array in constants.items()
        )
        and len(state.classes) == math.prod(check(state.network).layers[-1].output or ())
    )
