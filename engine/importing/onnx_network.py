"""Converts an ONNX model to a network."""

from __future__ import annotations

import math
from functools import partial

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.assembly import Assembly
from cnn_tui.engine.importing.onnx_file import Node, OnnxFile
from cnn_tui.engine.importing.onnx_graph import Graph, Path, nodes_of
from cnn_tui.engine.importing.onnx_ops import KNOWN, Operators
from cnn_tui.engine.importing.residual import canonical
from cnn_tui.engine.importing.result import (
    SOFTMAX,
    SOFTMAX_NOTE,
    Imported,
    OpenSizeError,
    Size,
    finished,
    no_size,
    refuse_unknown,
)
from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.codec import loads_network
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.wording import plain

ARCHITECTURE = "architecture"
"""The metadata key under which cnn-tui's own models hold the architecture as text."""
_NORMALIZES = "its normalisation of pixels is left out; that of the training data is used"


def from_onnx(file: OnnxFile, size: Size | None) -> Imported:
    """Convert a model; from cnn-tui's own models names, dropout and recipe are restored.

    Raises:
        SpecError: if a node has no counterpart, or the image size is unknown.
    """
    path, notes = Graph(file).path(), []
    if path and isinstance(path[-1], Node) and path[-1].op in SOFTMAX:
        path = path[:-1]
        notes.append(SOFTMAX_NOTE)
    unknown = (node for node in nodes_of(path) if node.op not in KNOWN)
    refuse_unknown(file.where, (node.where.partition(", ")[2] for node in unknown))
    declared = file.sizes()
    size = size or _size(declared)
    if size is None:
        raise _no_size(file, path, declared)
    _require_declared(file, size, declared)
    operators, assembly = _assembled(file, path, size)
    imported = finished(assembly, size, [*notes, *[_NORMALIZES] * operators.normalizes])
    return _described(file, imported.network) or imported


def _assembled(file: OnnxFile, path: Path, size: Size) -> tuple[Operators, Assembly]:
    operators, assembly = Operators(file), Assembly(size)
    operators.add(path, assembly)
    return operators, assembly


def _size(declared: tuple[int | None, ...]) -> Size | None:
    if len(declared) != 4:
        return None
    _, channels, height, width = declared
    return (channels, height, width) if channels and height and width else None


def _no_size(file: OnnxFile, path: Path, declared: tuple[int | None, ...]) -> OpenSizeError:
    if len(declared) == 2 and declared[1]:
        hint = f"Add --input C,H,W with C*H*W = {declared[1]:,}."
        return OpenSizeError(file.where, hint)
    channels = declared[1] if len(declared) == 4 and declared[1] else 1
    return no_size(file.where, channels, partial(_assembled, file, path))


def _require_declared(file: OnnxFile, size: Size, declared: tuple[int | None, ...]) -> None:
    """Refuse an image size that differs from the declared one."""
    wanted = declared[1:] if len(declared) == 4 else ()
    differs = any(
        want is not None and want != have for want, have in zip(wanted, size, strict=False)
    )
    flat = len(declared) == 2 and declared[1] not in (None, math.prod(size))
    if differs or flat or len(declared) not in (0, 2, 4):
        shown = format_shape("?" if size is None else size for size in declared[1:])
        expected = f"{file.where} takes inputs of {shown or 'another kind'}"
        raise SpecError(f"{expected}, received {format_shape(size)}.")


def _described(file: OnnxFile, network: Network) -> Imported | None:
    """The architecture that the file holds as text, if it matches its graph."""
    text = file.notes.get(ARCHITECTURE)
    if text is None:
        return None
    try:
        described = loads_network(text, plain(file.where))
        same = described.input == network.input and canonical(described.layers) == canonical(
            network.layers
        )
    except (SpecError, ValueError):
        return None
    return Imported(described) if same else None
